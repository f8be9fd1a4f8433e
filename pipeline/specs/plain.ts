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
  const plain = await parseYaml(file, text, await load());
  reader.parsed(kind, text, plain);
  return plain;
}

async function parseYaml<T>(file: string, text: string, check: Check<T>): Promise<T> {
  const { LineCounter, parseDocument } = await import('yaml');
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const { line, col } = lines.linePos(problem.pos[0]);
    throw new DataError(
      {
        where: { file, line, column: col },
        expected: 'YAML',
        found: problem.message.split('\n')[0]?.replace(/ at line .*$/, '') ?? 'an error',
      },
      { cause: problem },
    );
  }
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
