import { DataError } from '../model/errors.ts';

/** Where the plain form of a specification comes from: the cache by the text's hash, else YAML that is validated. */
export type PlainReader = {
  /** The plain form of a text whose kind has been validated before, or undefined. */
  readonly cached: (kind: string, text: string) => unknown;
  /** Told of each text that was parsed and validated. */
  readonly parsed: (kind: string, text: string, plain: unknown) => void;
};

export const NO_CACHE: PlainReader = { cached: () => undefined, parsed: () => undefined };

/** A function that returns the value if it has the shape, or throws a DataError with its place in the document. */
export type Check<T> = (
  value: unknown,
  file: string,
  locate: (path: readonly PropertyKey[]) => { readonly line?: number; readonly column?: number },
) => T;

/** Reads a YAML text as a plain value of a known shape. Throws a DataError with line and column. */
// biome-ignore lint/complexity/useMaxParams: a document, what it is to be, and where its plain form may be had.
export async function readPlain<T>(
  kind: string,
  file: string,
  text: string,
  reader: PlainReader,
  load: () => Promise<Check<T>>,
): Promise<T> {
  const known = reader.cached(kind, text);
  // The cache holds only what the same program has validated, keyed by kind and the text's hash.
  if (known !== undefined) return known as T;
  const plain = await withinStack(file, parseYaml(file, text, await load()));
  reader.parsed(kind, text, plain);
  return plain;
}

/** A specification of a release has 60 kB; the parser takes more time than the length for what is nested or long. */
const MAX_TEXT = 1 << 20;
const MAX_NESTING = 64;
/** Anchors, aliases and tags, or the same characters in a text without quotes: each costs the parser more than the one before. */
const MAX_MARKS = 1000;

const refusal = (file: string, line: number, expected: string, found: string): DataError =>
  new DataError({ where: { file, line }, expected, found });

/** A bound on how deep a text can nest, by its brackets, dashes and indentation: a parser that recurses would overflow its stack. */
function nestingOf(text: string): { readonly most: number; readonly line: number } {
  let most = { most: 0, line: 1 };
  let brackets = 0;
  let marks = 0;
  for (const [at, line] of text.split('\n').entries()) {
    const outside = line.replace(QUOTED, '');
    marks += outside.match(/[&*!]/g)?.length ?? 0;
    if (marks > MAX_MARKS) return { most: Number.POSITIVE_INFINITY, line: at + 1 };
    const [lead = ''] = /^[ \t\-?:]*/.exec(outside) ?? [];
    let deepest = brackets;
    for (const [mark] of outside.matchAll(/[[\]{}]/g)) {
      brackets = Math.max(0, brackets + (mark === '[' || mark === '{' ? 1 : -1));
      deepest = Math.max(deepest, brackets);
    }
    const depth = deepest + lead.length / 2;
    if (depth > most.most) most = { most: depth, line: at + 1 };
  }
  return most;
}

/** Scalars in quotes on one line; in them brackets nest nothing. */
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'/g;

/** What nests in a way that `nestingOf` does not see, such as in a bracket that a quote seems to hide, overflows the parser's stack. */
async function withinStack<T>(file: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof RangeError)
      throw new DataError(
        { where: { file }, expected: `at most ${MAX_NESTING} levels`, found: 'more' },
        { cause: error },
      );
    throw error;
  }
}

async function parseYaml<T>(file: string, text: string, check: Check<T>): Promise<T> {
  const { isScalar, LineCounter, parseDocument, visit } = await import('yaml');
  if (text.length > MAX_TEXT) throw refusal(file, 1, `at most ${MAX_TEXT} characters`, `${text.length}`);
  const lines = new LineCounter();
  const depth = nestingOf(text);
  if (depth.most > MAX_NESTING)
    throw refusal(file, depth.line, `at most ${MAX_NESTING} levels and ${MAX_MARKS} of & * !`, 'more');
  // Pretty errors quote the line, each anew: a line with many errors would cost its square.
  const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: false, prettyErrors: false });
  // A tag that is not known would be read as plain text, with no more than a warning.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new DataError(
      {
        where: { file, line, column: col },
        expected: 'YAML',
        found: problem.message,
      },
      { cause: problem },
    );
  }
  // The library's own check of keys compares each with each.
  visit(document, {
    Map: (_, node) => {
      const seen = new Set<string>();
      for (const { key } of node.items) {
        const at = isScalar(key) ? key : node;
        const { line } = lines.linePos(at.range?.[0] ?? 0);
        const name = isScalar(key) ? String(key.value) : null;
        if (name === null) throw refusal(file, line, 'a plain key', 'another');
        if (seen.has(name)) throw refusal(file, line, 'each key once', `${JSON.stringify(name)} again`);
        seen.add(name);
      }
    },
    Alias: (_, node) => {
      throw refusal(
        file,
        lines.linePos(node.range?.[0] ?? 0).line,
        'each value written out',
        `the alias *${node.source}`,
      );
    },
  });
  const locate = (path: readonly PropertyKey[]) => {
    // The deepest part of the path that is there: a missing key is reported at its parent.
    for (let length = path.length; length >= 0; length -= 1) {
      const node: unknown = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
      if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) continue;
      const { line, col } = lines.linePos(Number(node.range[0]));
      return { line, column: col };
    }
    return {};
  };
  return check(document.toJS({ maxAliasCount: 0 }), file, locate);
}
