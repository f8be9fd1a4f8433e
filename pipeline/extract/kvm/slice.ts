import type { Token } from '../c/lex.ts';
import type { CFunction, CObject, Macro, Unit } from '../c/unit.ts';

/**
 * The part of a file that a question needs: the functions that it is about, and all that these name in the file, and so
 * on. Whatever else of the file changes, the answer stays.
 */
export type Slice = {
  /** The file with only these functions and objects. */
  readonly unit: Unit;
  /** The text of the part; equal texts give equal answers but for line numbers. */
  readonly text: string;
  /** The lines that each piece of the text covers in the file. */
  readonly pieces: readonly Piece[];
  /** What the part names and the file does not define. */
  readonly names: ReadonlySet<string>;
};

/** Lines `from` up to `to`, exclusive, 1-based; tokens likewise, by index. */
export type Piece = { readonly from: number; readonly to: number; readonly start: number; readonly end: number };

/** The slice of a file from the pieces whose text matches `about`, which names all that the question looks for. */
export function sliceOf(unit: Unit, text: string, about: RegExp): Slice {
  const { lines, all, definedIn, startingAt, conditional } = layoutOf(unit, text);
  const textOf = ({ from, to }: Piece): string => text.slice(lines[from - 1], lines[to - 1] ?? text.length);
  const chosen = new Set<Piece>(all.filter((piece, index) => index === 0 || about.test(textOf(piece))));
  const names = new Set<string>();
  // A set is walked in the order of its growth: what a piece names is visited after it.
  for (const piece of chosen)
    for (const name of namesIn(unit.tokens, piece)) {
      if (names.has(name)) continue;
      names.add(name);
      // A function's own name is one of them, so that all its definitions are there or none.
      for (const definition of definedIn.get(name) ?? []) chosen.add(definition);
    }
  const pieces = all.filter((piece) => chosen.has(piece));
  const isIn = ({ line }: { readonly line: number }): boolean => {
    const piece = startingAt.get(line);
    return piece !== undefined && chosen.has(piece);
  };
  const functions = new Map([...unit.functions].filter(([, definitions]) => definitions.some(isIn)));
  const objects = new Map([...unit.objects].filter(([, object]) => isIn(object)));
  return {
    unit: { ...unit, functions, objects },
    text: [...pieces.map(textOf), ...conditional].join('\n'),
    pieces,
    names,
  };
}

/** Where a file's lines, pieces and definitions are: the same for all of its slices. */
type Layout = {
  readonly lines: readonly number[];
  readonly all: readonly Piece[];
  readonly definedIn: ReadonlyMap<string, readonly Piece[]>;
  /** The piece that each line of a definition is in. */
  readonly startingAt: ReadonlyMap<number, Piece>;
  /** The conditions of what stands under `#if`, which may begin in another piece. */
  readonly conditional: readonly string[];
};
const layouts = new WeakMap<Unit, Layout>();

function layoutOf(unit: Unit, text: string): Layout {
  const known = layouts.get(unit);
  if (known !== undefined) return known;
  const lines = lineStarts(text);
  const all = piecesOf(unit, lines.length);
  const conditional = [...[...unit.functions.values()].flat(), ...unit.macros.values()].flatMap(conditionsText);
  const layout = { lines, all, ...definitionsOf(unit, all), conditional };
  layouts.set(unit, layout);
  return layout;
}

const conditionsText = (item: CFunction | Macro): readonly string[] =>
  item.conditions.length === 0 ? [] : [`${item.name} ${item.conditions.join(' ')}`];

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}

/** A piece begins with the line that names a function, and ends before the next one's; the first holds what stands before. */
function piecesOf(unit: Unit, lines: number): readonly Piece[] {
  const starts = [...unit.functions.values()]
    .flat()
    .map(({ line }) => line)
    .sort((a, b) => a - b);
  const bounds = [...new Set([1, ...starts])];
  let token = 0;
  return bounds.map((from, index): Piece => {
    const to = bounds[index + 1] ?? lines + 1;
    const start = token;
    while (token < unit.tokens.length && (unit.tokens[token]?.line ?? to) < to) token += 1;
    return { from, to, start, end: token };
  });
}

function definitionsOf(unit: Unit, pieces: readonly Piece[]): Pick<Layout, 'definedIn' | 'startingAt'> {
  const startingAt = new Map<number, Piece>();
  const definedIn = new Map<string, Piece[]>();
  const items: readonly (CFunction | CObject | Macro)[] = [
    ...[...unit.functions.values()].flat(),
    ...unit.objects.values(),
    ...[...unit.definitions.values()].flat(),
  ];
  let at = 0;
  for (const { name, line } of [...items].sort((a, b) => a.line - b.line)) {
    while ((pieces[at]?.to ?? Number.POSITIVE_INFINITY) <= line) at += 1;
    const piece = pieces[at];
    if (piece === undefined) continue;
    startingAt.set(line, piece);
    definedIn.set(name, [...(definedIn.get(name) ?? []), piece]);
  }
  return { definedIn, startingAt };
}

function* namesIn(
  tokens: readonly Token[],
  { start, end }: { readonly start: number; readonly end: number },
): Generator<string> {
  for (let at = start; at < end; at += 1) {
    const token = tokens[at];
    if (token === undefined) return;
    if (token.kind === 'id') yield token.text;
    else if (token.tokens !== undefined) yield* namesIn(token.tokens, { start: 0, end: token.tokens.length });
  }
}

/** Where a line of one slice stands in another of equal text. */
export function movedLine(line: number, from: readonly Piece[], to: readonly Piece[]): number {
  const index = from.findIndex((piece) => line >= piece.from && line < piece.to);
  const [before, after] = [from[index], to[index]];
  return before === undefined || after === undefined ? line : line - before.from + after.from;
}
