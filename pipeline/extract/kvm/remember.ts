import { KnownError } from '../../model/errors.ts';
import { HEADERS, TDX_PATH } from './paths.ts';
import { scopesOf } from './scopes.ts';
import type { KernelTree } from './tree.ts';
import { hasLine, type Item, isSameItem, viewOf } from './view.ts';

/** What a question gave: parts of a file, or something that is told by its text. */
type Answer = string | readonly Item[];
/** A question about one file, with what it gave: asked again, it says whether a value still holds. */
type Ground = {
  readonly ask: (tree: KernelTree) => Answer;
  readonly answer: Answer;
  /** Whether its lines are lines of the value: then it holds only where they are the same. */
  isPinned: boolean;
};
/** All that was asked of one file, the words that were looked for in it, and blobs of it that give these answers. */
type FileGrounds = {
  readonly blobs: Set<string>;
  readonly words: Map<string, boolean>;
  readonly grounds: Map<string, Ground>;
};
/** Another value that was asked for: it counts by what it is, not by what it was computed from. */
type ValueGround = { readonly compute: (tree: KernelTree) => unknown; readonly value: unknown };

type Remembered = {
  readonly files: ReadonlyMap<string, FileGrounds>;
  readonly values: ReadonlyMap<string, ValueGround>;
  readonly value: unknown;
};
export type Facts = Map<string, readonly Remembered[]>;

/** Values of one name that are kept: a history goes forward, and rarely back. */
const MAX_KEPT = 4;

/**
 * A value of a revision. All that it is computed from is noted as it is asked for: functions, macros, objects and types by
 * their text, names that mean nothing as such, other values by what they are, and by its blob each file that is gone over as
 * a whole. It is taken from memory only where each of these answers as it did then; what throws is computed again.
 */
export function remember<T>(facts: Facts, tree: KernelTree, name: string, compute: (tree: KernelTree) => T): T {
  return recall(facts, tree, name, compute) as T;
}

function recall(facts: Facts, tree: KernelTree, name: string, compute: (tree: KernelTree) => unknown): unknown {
  const kept = facts.get(name) ?? [];
  const known = kept.find((each) => holds(facts, tree, each));
  if (known !== undefined) return known.value;
  const files = new Map<string, FileGrounds>();
  const values = new Map<string, ValueGround>();
  const computed = compute(noting(facts, tree, files, values));
  // What comes out as before is the same value: who asks for it need not look into it.
  const value = kept.find((each) => isSameValue(each.value, computed))?.value ?? computed;
  pinLines(tree, files, value);
  facts.set(name, [{ files, values, value }, ...kept].slice(0, MAX_KEPT));
  return value;
}

const NO_FILE = '-';
const blobOf = (tree: KernelTree, path: string): string => tree.file(path)?.blob ?? NO_FILE;

function holds(facts: Facts, tree: KernelTree, { files, values }: Remembered): boolean {
  try {
    return (
      [...files].every(([path, own]) => holdsIn(tree, path, own)) &&
      [...values].every(([name, { compute, value }]) => isSameValue(recall(facts, tree, name, compute), value))
    );
  } catch (error) {
    // What can no longer be read is told where it is read anew.
    if (error instanceof KnownError) return false;
    throw error;
  }
}

function holdsIn(tree: KernelTree, path: string, { blobs, words, grounds }: FileGrounds): boolean {
  const blob = blobOf(tree, path);
  if (blobs.has(blob)) return true;
  for (const [word, does] of words) if (tree.mentions(path, word) !== does) return false;
  for (const { ask, answer, isPinned } of grounds.values())
    if (!isSameAnswer(answer, ask(tree), isPinned)) return false;
  blobs.add(blob);
  return true;
}

function isSameAnswer(one: Answer, other: Answer, isPinned: boolean): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  return (
    one.length === other.length &&
    one.every((item, at) => {
      const own = other[at];
      return own !== undefined && isSameItem(item, own, isPinned);
    })
  );
}

/** Whether plain values are equal: of numbers, texts, lists, maps and objects of them, in the same order. */
function isSameValue(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (one instanceof Map) return other instanceof Map && isSameValue([...one], [...other]);
  const [a, b] = [Object.entries(one), Object.entries(other)];
  return a.length === b.length && a.every(([key, part], at) => key === b[at]?.[0] && isSameValue(part, b[at]?.[1]));
}

/** The tree, noting what is asked of it. */
function noting(
  facts: Facts,
  tree: KernelTree,
  files: Map<string, FileGrounds>,
  values: Map<string, ValueGround>,
): KernelTree {
  const groundsOf = (path: string): FileGrounds => {
    const known = files.get(path);
    if (known !== undefined) return known;
    const made: FileGrounds = { blobs: new Set([blobOf(tree, path)]), words: new Map(), grounds: new Map() };
    files.set(path, made);
    return made;
  };
  const note = (path: string, question: string, ask: Ground['ask'], answer: Answer): void => {
    const { grounds } = groundsOf(path);
    if (!grounds.has(question)) grounds.set(question, { ask, answer, isPinned: false });
  };
  const noteWhole = (path: string): void => note(path, 'blob', (own) => blobOf(own, path), blobOf(tree, path));
  const has = (path: string): boolean => {
    const is = tree.has(path);
    note(path, 'is there', (own) => `${own.has(path)}`, `${is}`);
    return is;
  };
  const mentions = (path: string, word: string): boolean => {
    const { words } = groundsOf(path);
    const known = words.get(word);
    if (known !== undefined) return known;
    const does = tree.mentions(path, word);
    words.set(word, does);
    return does;
  };
  const units = new Map<string, ReturnType<typeof viewOf>>();
  const unit = (path: string): ReturnType<typeof viewOf> => {
    const known = units.get(path);
    if (known !== undefined) return known;
    const own = tree.unit(path);
    note(path, 'can be read', (other) => other.unit(path).file, own.file);
    const view = viewOf(own, {
      found: (question, find, answer) => note(path, question, (other) => find(other.unit(path)), answer),
      whole: () => noteWhole(path),
    });
    units.set(path, view);
    return view;
  };
  return {
    repository: tree.repository,
    revision: tree.revision,
    has,
    unit,
    mentions,
    file: (path) => {
      noteWhole(path);
      return tree.file(path);
    },
    scope: scopesOf({ headers: HEADERS.filter(has), mentions, unit, checksItself: TDX_PATH }),
    remember: (name, compute) => {
      const value = recall(facts, tree, name, compute);
      values.set(name, { compute, value });
      return value as ReturnType<typeof compute>;
    },
  };
}

/** A value that names lines holds only while what stands in them does not move. */
function pinLines(tree: KernelTree, files: Map<string, FileGrounds>, value: unknown): void {
  for (const [path, lines] of linesIn(value, new Map())) {
    const own = files.get(path);
    for (const line of lines) {
      const holding = [...(own?.grounds.values() ?? [])].filter(
        ({ answer }) => typeof answer !== 'string' && answer.some((item) => hasLine(item, line)),
      );
      for (const ground of holding) ground.isPinned = true;
      // A line of nothing that was asked for: the file as it is.
      if (holding.length === 0)
        own?.grounds.set('blob', { ask: (other) => blobOf(other, path), answer: blobOf(tree, path), isPinned: false });
    }
  }
}

/** The lines that a value names, by path: `{ path, line }` at any depth. */
function linesIn(value: unknown, found: Map<string, Set<number>>): Map<string, Set<number>> {
  if (typeof value !== 'object' || value === null) return found;
  if ('path' in value && typeof value.path === 'string' && 'line' in value && typeof value.line === 'number')
    found.set(value.path, (found.get(value.path) ?? new Set()).add(value.line));
  const parts = value instanceof Map ? value.values() : Object.values(value);
  for (const part of parts) linesIn(part, found);
  return found;
}
