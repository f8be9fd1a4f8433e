import { countOf, type FunctionSpan, functionSpans } from '../c/sparse.ts';

/**
 * The part of a file that a question needs: what stands between its functions, the functions that the question is about,
 * all that these name in the file, and so on. Whatever else of the file changes, the answer stays; so the part is cut out
 * of the text, and nothing is parsed where it has been seen before.
 */
export type Slice = {
  /** The text of the part; equal texts give equal answers but for line numbers. */
  readonly text: string;
  /** The lines that each piece of the text covers in the file. */
  readonly pieces: readonly Piece[];
  /** All words of the part. */
  readonly names: () => ReadonlySet<string>;
  /** The file with nothing left but the part, every line in its place. */
  readonly source: () => string;
};

/** Lines `from` up to `to`, exclusive, 1-based; characters `start` up to `end`. */
export type Piece = { readonly from: number; readonly to: number; readonly start: number; readonly end: number };

/** A file's pieces in order: functions, by the names that their heads may give them, and what stands between. */
export type Layout = {
  readonly text: string;
  readonly all: readonly Piece[];
  readonly functions: ReadonlySet<Piece>;
  /** Paragraphs between functions that are more than comments. */
  readonly between: ReadonlySet<Piece>;
  readonly named: ReadonlyMap<string, readonly Piece[]>;
  /** Words of the directives between functions: a macro may call any of them. */
  readonly directives: ReadonlySet<string>;
};

export function layoutOf(text: string): Layout {
  const all: Piece[] = [];
  const functions = new Set<Piece>();
  const between = new Set<Piece>();
  const named = new Map<string, Piece[]>();
  let [at, line] = [0, 1];
  const take = (end: number): Piece => {
    const piece = { from: line, to: line + countOf(text, '\n', at, end), start: at, end };
    all.push(piece);
    [at, line] = [end, piece.to];
    return piece;
  };
  const keep = (piece: Piece): void => {
    if (text.slice(piece.start, piece.end).replace(COMMENTS, '').trim() !== '') between.add(piece);
  };
  for (const span of functionSpans(text)) {
    if (!isWhole(text, span)) continue;
    for (const end of paragraphEnds(text, at, span.from)) keep(take(end));
    const piece = take(span.to);
    functions.add(piece);
    for (const [, name = ''] of text.slice(span.from, span.open).matchAll(NAMED))
      named.set(name, [...(named.get(name) ?? []), piece]);
  }
  for (const end of paragraphEnds(text, at, text.length)) keep(take(end));
  const others = [...between].map(({ start, end }) => text.slice(start, end)).join('');
  return { text, all, functions, between, named, directives: wordsOf(others.match(DIRECTIVES)?.join('\n') ?? '') };
}

/** Where the paragraphs of a stretch end, each with the blank lines behind it; a comment is never cut. */
function paragraphEnds(text: string, from: number, to: number): readonly number[] {
  const ends: number[] = [];
  let start = from;
  for (const { index, 0: blank } of text.slice(from, to).matchAll(/\n(?:[ \t]*\n)+/g)) {
    const end = from + index + blank.length;
    if (countOf(text, '/*', start, end) !== countOf(text, '*/', start, end)) continue;
    ends.push(end);
    start = end;
  }
  return ends.at(-1) === to || from === to ? ends : [...ends, to];
}

const COMMENTS = /\/\*[\s\S]*?\*\//g;

/** What may be the name of the function that a head declares; `__printf(1, 2)` may as well. */
const NAMED = /([A-Za-z_]\w*)[ \t]*\(/g;
const DIRECTIVES = /^[ \t]*#(?:[^\n\\]|\\[\s\S])*/gm;
const WORD = /[A-Za-z_]\w*/g;

/** A function that may be left out: nothing in it matters to what stands around. */
function isWhole(text: string, { from, open, to }: FunctionSpan): boolean {
  const head = text.slice(from, open);
  if (!head.includes('(') || /=\s*$/.test(head)) return false;
  const body = text.slice(from, to);
  if (countOf(body, '/*') !== countOf(body, '*/')) return false;
  if (!body.includes('#')) return true;
  return (body.match(/^[ \t]*#[ \t]*if/gm)?.length ?? 0) === (body.match(/^[ \t]*#[ \t]*endif/gm)?.length ?? 0);
}

/** The words of functions that were looked at, by their text: from revision to revision nearly all are the same. */
export type Words = Map<string, ReadonlySet<string>>;
/** Functions of a few revisions. */
const MAX_WORDS = 4096;

function knownWords(words: Words, text: string): ReadonlySet<string> {
  const known = words.get(text) ?? wordsOf(text);
  words.delete(text);
  words.set(text, known);
  const [oldest] = words.keys();
  if (words.size > MAX_WORDS && oldest !== undefined) words.delete(oldest);
  return known;
}

function wordsOf(text: string): Set<string> {
  return new Set(text.match(WORD));
}

/** The slice from the functions whose text matches `about`, which names all that the question looks for. */
export function sliceOf(layout: Layout, about: RegExp, words: Words = new Map()): Slice {
  const { text, all, functions, between, named, directives } = layout;
  const textOf = ({ start, end }: Piece): string => text.slice(start, end);
  const chosen = new Set<Piece>();
  const seen = new Set<string>();
  const follow = (names: Iterable<string>): void => {
    for (const name of names) {
      if (seen.has(name)) continue;
      seen.add(name);
      for (const piece of named.get(name) ?? []) chosen.add(piece);
    }
  };
  for (const piece of functions) if (about.test(textOf(piece))) chosen.add(piece);
  follow(directives);
  // A set is walked in the order of its growth: what a function names is visited after it. Its own name is one of them, so
  // that all definitions of a name are there or none.
  for (const piece of chosen) follow(knownWords(words, textOf(piece)));
  const pieces = all.filter((piece) => chosen.has(piece) || between.has(piece));
  const part = pieces.map(textOf).join('');
  return { text: part, pieces, names: () => wordsOf(part), source: () => withOnly(layout, pieces) };
}

function withOnly({ text, all }: Layout, pieces: readonly Piece[]): string {
  const kept = new Set(pieces);
  return all
    .map((piece) => (kept.has(piece) ? text.slice(piece.start, piece.end) : '\n'.repeat(piece.to - piece.from)))
    .join('');
}

/** Where a line of one slice stands in another of equal text. */
export function movedLine(line: number, from: readonly Piece[], to: readonly Piece[]): number {
  const index = from.findIndex((piece) => line >= piece.from && line < piece.to);
  const [before, after] = [from[index], to[index]];
  return before === undefined || after === undefined ? line : line - before.from + after.from;
}
