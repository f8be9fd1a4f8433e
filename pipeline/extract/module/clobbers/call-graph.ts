import type { Token } from '../../c/token.ts';
import { macroCalls, type Tree, type TreeFunction } from './tree.ts';

/**
 * A function whose inline assembly writes or reads a register, with the parameters that hold the address and the value.
 * `register` stands for an address that the instruction itself names.
 */
export type Primitive = {
  readonly kind: 'write' | 'read';
  readonly address: number;
  readonly value: number | null;
  readonly register?: number;
};

/** Instructions that take the address in ECX and the value in EDX:EAX. */
type Instructions = { readonly write: string; readonly read: string; readonly of: string };
const MSRS: Instructions = { write: 'wrmsr', read: 'rdmsr', of: 'MSR' };
export const XCRS: Instructions = { write: 'xsetbv', read: 'xgetbv', of: 'XCR' };

/** The tree's own functions of two instructions by name, found by their assembly; `notes` name assembly that has another shape. */
export function findPrimitives(
  tree: Tree,
  { write, read, of }: Instructions = MSRS,
): {
  readonly primitives: ReadonlyMap<string, Primitive>;
  readonly notes: readonly string[];
} {
  const primitives = new Map<string, Primitive>();
  const notes: string[] = [];
  for (const [name, functions] of tree.functions)
    for (const fn of functions) {
      const text = assemblyOf(fn, [write, read]);
      const kind = holds(text, write) ? 'write' : holds(text, read) ? 'read' : null;
      if (kind === null) continue;
      const address = fn.fn.params.indexOf(/"c"\s*\(\s*(\w+)/.exec(text)?.[1] ?? '');
      const value = fn.fn.params.indexOf(/"a"\s*\((?:\s*\(\s*\w+\s*\))*\s*(\w+)/.exec(text)?.[1] ?? '');
      if (address < 0 || (kind === 'write' && value < 0))
        notes.push(
          `${fn.unit.file}:${fn.fn.line}: ${name}() holds assembly of another shape; its ${of} is not followed`,
        );
      else primitives.set(name, { kind, address, value: kind === 'write' ? value : null });
    }
  return { primitives, notes };
}

const holds = (text: string, instruction: string): boolean => new RegExp(`\\b${instruction}q?\\b`).test(text);

/** The text of the inline assembly of a function that mentions one of the instructions, else empty. */
export function assemblyOf(fn: TreeFunction, instructions: readonly string[]): string {
  const { tokens } = fn.unit;
  let depth = 0;
  const parts: string[] = [];
  let isFound = false;
  for (let at = fn.fn.open; at < tokens.length; at += 1) {
    const token: Token | undefined = tokens[at];
    if (token === undefined) break;
    if (token.text === '{') depth += 1;
    if (token.text === '}') depth -= 1;
    if (depth === 0) break;
    if (token.kind === 'str' && instructions.some((each) => holds(token.text, each))) isFound = true;
    parts.push(token.text);
  }
  return isFound ? parts.join(' ') : '';
}

/** Words before a parenthesis that call nothing. */
const NOT_CALLS = /^(if|for|while|switch|return|sizeof|void|_?_?asm\w*|_ASM_\w*|__attribute__|__builtin_\w+|[A-Z_]+)$/;

export type CallGraph = {
  /** True where a call of the name may read or write an MSR. */
  readonly touchesMsrs: (name: string) => boolean;
  /** The names from which one of the targets is reached by calls, without passing through a stop. */
  readonly reaching: (targets: ReadonlySet<string>, stops: ReadonlySet<string>) => ReadonlySet<string>;
  /** The names that functions call which neither a function nor a macro of the tree defines, from a root on. */
  readonly undefinedFrom: (roots: readonly string[], stops: ReadonlySet<string>) => readonly string[];
};

/** Who calls whom, by name; function-like macros are callers too. */
export function callGraph(tree: Tree, primitives: ReadonlyMap<string, Primitive>): CallGraph {
  const callees = new Map<string, Set<string>>();
  const callers = new Map<string, Set<string>>();
  const add = (from: string, names: Iterable<string>) => {
    const own = callees.get(from) ?? new Set<string>();
    callees.set(from, own);
    for (const name of names) {
      own.add(name);
      const by = callers.get(name) ?? new Set<string>();
      callers.set(name, by);
      by.add(from);
    }
  };
  for (const [name, functions] of tree.functions) for (const fn of functions) add(name, fn.calls);
  for (const macro of tree.macros.values()) add(macro.name, macroCalls(macro));
  const reaching = (targets: ReadonlySet<string>, stops: ReadonlySet<string>): ReadonlySet<string> => {
    const found = new Set<string>(targets);
    const queue = [...targets];
    for (let name = queue.pop(); name !== undefined; name = queue.pop())
      for (const caller of callers.get(name) ?? [])
        if (!found.has(caller) && !stops.has(caller)) {
          found.add(caller);
          queue.push(caller);
        }
    return found;
  };
  const touching = reaching(new Set(primitives.keys()), new Set());
  return {
    touchesMsrs: (name) => touching.has(name),
    reaching,
    undefinedFrom: (roots, stops) => {
      const seen = new Set<string>(roots);
      const defined = (name: string): boolean => tree.functions.has(name) || tree.macros.has(name);
      const missing = new Set(roots.filter((name) => !defined(name) && !stops.has(name) && !NOT_CALLS.test(name)));
      const queue = roots.filter((name) => defined(name) && !stops.has(name) && !touching.has(name));
      for (let name = queue.pop(); name !== undefined; name = queue.pop())
        for (const callee of callees.get(name) ?? []) {
          if (seen.has(callee) || stops.has(callee)) continue;
          seen.add(callee);
          if (defined(callee)) queue.push(callee);
          else if (!NOT_CALLS.test(callee)) missing.add(callee);
        }
      return [...missing].sort();
    },
  };
}
