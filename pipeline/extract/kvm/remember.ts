import type { ScopedMacro } from '../c/evaluate.ts';
import type { KernelTree } from './tree.ts';

/** Something that a value was computed from, with what it was: asked again, it says whether the value still holds. */
type Ground = { readonly ask: (tree: KernelTree) => string; readonly answer: string };
type Remembered = { readonly grounds: ReadonlyMap<string, Ground>; readonly value: unknown };
export type Facts = Map<string, readonly Remembered[]>;

/** Values of one name that are kept: a history goes forward, and rarely back. */
const MAX_KEPT = 4;

/**
 * A value of a revision. All that it is computed from is noted as it is asked for: whole files by their blob, macros by
 * their text, enumerators by their value. It is taken from memory only where each of these answers as it did then; what
 * throws is computed again.
 */
export function remember<T>(facts: Facts, tree: KernelTree, name: string, compute: (tree: KernelTree) => T): T {
  return recall(facts, tree, name, compute).value as T;
}

function recall<T>(facts: Facts, tree: KernelTree, name: string, compute: (tree: KernelTree) => T): Remembered {
  const kept = facts.get(name) ?? [];
  const known = kept.find(({ grounds }) => [...grounds.values()].every(({ ask, answer }) => ask(tree) === answer));
  if (known !== undefined) return known;
  const grounds = new Map<string, Ground>();
  const value = compute(noting(facts, tree, grounds));
  const made = { grounds, value };
  facts.set(name, [made, ...kept].slice(0, MAX_KEPT));
  return made;
}

/** The tree, noting what is asked of it. */
function noting(facts: Facts, tree: KernelTree, grounds: Map<string, Ground>): KernelTree {
  const note = (key: string, ask: Ground['ask']): void => {
    if (!grounds.has(key)) grounds.set(key, { ask, answer: ask(tree) });
  };
  const noted: KernelTree = {
    repository: tree.repository,
    revision: tree.revision,
    has: (path) => {
      note(`has ${path}`, (own) => `${own.has(path)}`);
      return tree.has(path);
    },
    unit: (path) => {
      note(`file ${path}`, (own) => own.file(path)?.blob ?? '-');
      return tree.unit(path);
    },
    file: (path) => {
      note(`file ${path}`, (own) => own.file(path)?.blob ?? '-');
      return tree.file(path);
    },
    mentions: (path, word) => {
      note(`word ${path} ${word}`, (own) => `${own.mentions(path, word)}`);
      return tree.mentions(path, word);
    },
    scope: (path) => {
      const scope = tree.scope(path);
      return {
        file: path,
        macro: (name) => {
          note(`macro ${path} ${name}`, (own) => macroText(own.scope(path).macro(name)));
          return scope.macro(name);
        },
        constant: (name) => {
          note(`constant ${path} ${name}`, (own) => `${own.scope(path).constant?.(name)}`);
          return scope.constant?.(name);
        },
      };
    },
    remember: (name, compute) => {
      const inner = recall(facts, tree, name, compute);
      for (const [key, ground] of inner.grounds) grounds.set(key, ground);
      return inner.value as ReturnType<typeof compute>;
    },
  };
  return noted;
}

/** All of a macro but its lines. */
function macroText(macro: ScopedMacro | undefined): string {
  if (macro === undefined) return '-';
  const body = macro.body.map(({ text }) => text).join(' ');
  return `${macro.file} ${macro.params?.join() ?? '-'} ${macro.isAmbiguous ?? ''} ${macro.conditions.join(' && ')} ${body}`;
}
