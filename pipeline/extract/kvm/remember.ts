import { KnownError } from '../../model/errors.ts';
import { isInOrder, linesIn, type Move, moved } from './moves.ts';
import { HEADERS, TDX_PATH } from './paths.ts';
import { scopesOf } from './scopes.ts';
import type { KernelTree } from './tree.ts';
import { type Item, isSameItem, linesOf, viewOf } from './view.ts';

/** What a question gave: parts of a file, or something that is told by its text. */
type Answer = string | readonly Item[];
/** A question about one file, with what it gave: asked again, it says whether a value still holds. */
type Ground = {
  readonly ask: (tree: KernelTree) => Answer;
  readonly answer: Answer;
  /** Whether lines of the value are lines of what was found: they go with it. */
  isNamed: boolean;
};
/** All that was asked of one file, the words that were looked for in it, and blobs that give these answers, with what moved. */
type FileGrounds = {
  readonly blobs: Map<string, readonly Move[]>;
  readonly words: Map<string, boolean>;
  readonly grounds: Map<string, Ground>;
};
/** Another value that was asked for: it counts by what it is, not by what it was computed from. */
type ValueGround = { readonly compute: (tree: KernelTree) => unknown; readonly value: unknown };

type Remembered = {
  readonly files: ReadonlyMap<string, FileGrounds>;
  readonly values: ReadonlyMap<string, ValueGround>;
  readonly value: unknown;
  /** The file whose lines the value names; null where it names none, or those of several: then none may move. */
  readonly lined: string | null;
  /** The value with its lines as a blob of that file has them. */
  readonly moved: Map<string, unknown>;
};
export type Facts = Map<string, readonly Remembered[]>;

/** Values of one name that are kept: a history goes forward, and rarely back. */
const MAX_KEPT = 4;

/**
 * A value of a revision. All that it is computed from is noted as it is asked for: functions, macros, objects and types by
 * their text, names that mean nothing as such, other values by what they are, and by its blob each file that is gone over as
 * a whole. It is taken from memory only where each of these answers as it did then; lines go with the items that they stand
 * in. What throws is computed again.
 */
export function remember<T>(facts: Facts, tree: KernelTree, name: string, compute: (tree: KernelTree) => T): T {
  return recall(facts, tree, name, compute) as T;
}

function recall(facts: Facts, tree: KernelTree, name: string, compute: (tree: KernelTree) => unknown): unknown {
  const kept = facts.get(name) ?? [];
  for (const each of kept) {
    const moves = holds(facts, tree, each);
    if (moves !== null) return valueAt(tree, each, moves);
  }
  const files = new Map<string, FileGrounds>();
  const values = new Map<string, ValueGround>();
  const computed = compute(noting(facts, tree, files, values));
  // What comes out as before is the same value: who asks for it need not look into it.
  const value = kept.find((each) => isSameValue(each.value, computed))?.value ?? computed;
  const lined = nameLines(tree, files, value);
  facts.set(name, [{ files, values, value, lined, moved: new Map() }, ...kept].slice(0, MAX_KEPT));
  return value;
}

function valueAt(tree: KernelTree, { value, lined, moved: known }: Remembered, moves: readonly Move[]): unknown {
  if (lined === null || moves.every(({ by }) => by === 0)) return value;
  const blob = blobOf(tree, lined);
  const here = known.get(blob) ?? moved(value, lined, moves);
  known.set(blob, here);
  return here;
}

const NO_FILE = '-';
const blobOf = (tree: KernelTree, path: string): string => tree.file(path)?.blob ?? NO_FILE;

/** By how many lines what the value names has moved; null where something answers otherwise. */
function holds(facts: Facts, tree: KernelTree, { files, values, lined }: Remembered): readonly Move[] | null {
  try {
    const all: Move[] = [];
    for (const [path, own] of files) {
      const moves = movesIn(tree, path, own);
      if (moves === null || (path !== lined && moves.some(({ by }) => by !== 0))) return null;
      all.push(...moves);
    }
    for (const [name, { compute, value }] of values)
      if (!isSameValue(recall(facts, tree, name, compute), value)) return null;
    return all;
  } catch (error) {
    // What can no longer be read is told where it is read anew.
    if (error instanceof KnownError) return null;
    throw error;
  }
}

function movesIn(tree: KernelTree, path: string, { blobs, words, grounds }: FileGrounds): readonly Move[] | null {
  const blob = blobOf(tree, path);
  const known = blobs.get(blob);
  if (known !== undefined) return known;
  for (const [word, does] of words) if (tree.mentions(path, word) !== does) return null;
  const moves: Move[] = [];
  for (const { ask, answer, isNamed } of grounds.values()) {
    const now = ask(tree);
    if (!isSameAnswer(answer, now)) return null;
    if (isNamed && typeof answer !== 'string' && typeof now !== 'string') moves.push(...movesOf(answer, now));
  }
  if (!isInOrder(moves)) return null;
  blobs.set(blob, moves);
  return moves;
}

const movesOf = (then: readonly Item[], now: readonly Item[]): readonly Move[] =>
  then.flatMap((item, at) => {
    const own = now[at];
    if (own === undefined) return [];
    const { first, last } = linesOf(item);
    return [{ first, last, by: linesOf(own).first - first }];
  });

function isSameAnswer(one: Answer, other: Answer): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other;
  return (
    one.length === other.length &&
    one.every((item, at) => {
      const own = other[at];
      return own !== undefined && isSameItem(item, own);
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

/** What was asked of a file so far. */
function groundsIn(tree: KernelTree, files: Map<string, FileGrounds>, path: string): FileGrounds {
  const known = files.get(path);
  if (known !== undefined) return known;
  const made: FileGrounds = { blobs: new Map([[blobOf(tree, path), []]]), words: new Map(), grounds: new Map() };
  files.set(path, made);
  return made;
}

/** The tree, noting what is asked of it. */
function noting(
  facts: Facts,
  tree: KernelTree,
  files: Map<string, FileGrounds>,
  values: Map<string, ValueGround>,
): KernelTree {
  const groundsOf = (path: string): FileGrounds => groundsIn(tree, files, path);
  const note = (path: string, question: string, ask: Ground['ask'], answer: Answer): void => {
    const { grounds } = groundsOf(path);
    if (!grounds.has(question)) grounds.set(question, { ask, answer, isNamed: false });
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

/** Marks what the lines of a value stand in; the file that they are all of, else null. */
function nameLines(tree: KernelTree, files: Map<string, FileGrounds>, value: unknown): string | null {
  const named = linesIn(value);
  for (const [path, lines] of named) {
    const { grounds } = groundsIn(tree, files, path);
    for (const line of lines) {
      const holding = [...grounds.values()].filter(
        ({ answer }) => typeof answer !== 'string' && answer.some((item) => isIn(linesOf(item), line)),
      );
      for (const ground of holding) ground.isNamed = true;
      // A line of nothing that was asked for: the file as it is.
      if (holding.length === 0)
        grounds.set('blob', { ask: (other) => blobOf(other, path), answer: blobOf(tree, path), isNamed: false });
    }
  }
  const [path = null, ...more] = named.keys();
  return more.length > 0 ? null : path;
}

const isIn = ({ first, last }: { readonly first: number; readonly last: number }, line: number): boolean =>
  first <= line && line <= last;
