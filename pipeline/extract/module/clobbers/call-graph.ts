import type { Token } from '../../c/lex.ts';
import { macroCalls, type Tree, type TreeFunction } from './tree.ts';

/** A function whose inline assembly is WRMSR or RDMSR, with the parameters that hold the address and the value. */
export type Primitive = { readonly kind: 'write' | 'read'; readonly address: number; readonly value: number | null };

/** The tree's own WRMSR and RDMSR functions by name, found by their assembly; `notes` name assembly that has another shape. */
export function findPrimitives(tree: Tree): {
  readonly primitives: ReadonlyMap<string, Primitive>;
  readonly notes: readonly string[];
} {
  const primitives = new Map<string, Primitive>();
  const notes: string[] = [];
  for (const [name, functions] of tree.functions)
    for (const fn of functions) {
      const text = assemblyOf(fn);
      const kind = /\bwrmsr\b/.test(text) ? 'write' : /\brdmsr\b/.test(text) ? 'read' : null;
      if (kind === null) continue;
      const address = fn.fn.params.indexOf(/"c"\s*\(\s*(\w+)/.exec(text)?.[1] ?? '');
      const value = fn.fn.params.indexOf(/"a"\s*\((?:\s*\(\s*\w+\s*\))*\s*(\w+)/.exec(text)?.[1] ?? '');
      if (address < 0 || (kind === 'write' && value < 0))
        notes.push(`${fn.unit.file}:${fn.fn.line}: ${name}() holds assembly of another shape; its MSR is not followed`);
      else primitives.set(name, { kind, address, value: kind === 'write' ? value : null });
    }
  return { primitives, notes };
}

/** The text of the inline assembly of a function that mentions an MSR instruction, else empty. */
function assemblyOf(fn: TreeFunction): string {
  const { tokens } = fn.unit;
  let depth = 0;
  const parts: string[] = [];
  let isMsr = false;
  for (let at = fn.fn.open; at < tokens.length; at += 1) {
    const token: Token | undefined = tokens[at];
    if (token === undefined) break;
    if (token.text === '{') depth += 1;
    if (token.text === '}') depth -= 1;
    if (depth === 0) break;
    if (token.kind === 'str' && /\b(wrmsr|rdmsr)\b/.test(token.text)) isMsr = true;
    parts.push(token.text);
  }
  return isMsr ? parts.join(' ') : '';
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
