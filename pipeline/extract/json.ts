import type { z } from 'zod';
import { DataError } from '../model/errors.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const MAX_DEPTH = 64;
/** Unrolled, so that a long or an unfinished string costs linear time. */
const STRING = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/;
const TOKEN = new RegExp(`[{}[\\],:]|${STRING.source}|${NUMBER.source}|true|false|null`, 'y');
const SPACE = /[ \t\n\r]*/y;

/** `a.b[3]`, with keys that are no names in quotes. */
export function jsonPath(path: readonly PropertyKey[]): string {
  const parts = path.map((step, index) => {
    if (typeof step === 'number') return `[${step}]`;
    const name = String(step);
    return /^\w+$/.test(name) ? `${index === 0 ? '' : '.'}${name}` : `[${JSON.stringify(name)}]`;
  });
  return parts.join('');
}

/**
 * JSON text to a value. Unlike JSON.parse it refuses a key that an object has twice, which would silently drop a fact,
 * and says where: a DataError with line and column, the same on every version of Node.
 */
export function parseJson(file: string, text: string): Json {
  let at = 0;
  const fail = (expected: string): DataError => {
    const before = text.slice(0, at).split('\n');
    const where = { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
    const found = at >= text.length ? 'the end of the file' : JSON.stringify(text.slice(at, at + 20));
    return new DataError({ where, expected, found });
  };
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };
  const skip = (): void => {
    at += match(SPACE)?.length ?? 0;
  };
  const take = (expected: string): string => {
    skip();
    const token = match(TOKEN);
    if (token === null) throw fail(expected);
    at += token.length;
    return token;
  };
  /** Takes one mark, or one of two. */
  const mark = (one: string, other = one): string => {
    skip();
    const found = text[at];
    if (found !== one && found !== other) throw fail(one === other ? one : `${one} or ${other}`);
    at += 1;
    return found;
  };
  const array = (depth: number): Json => {
    const items: Json[] = [];
    skip();
    if (text[at] === ']') {
      at += 1;
      return items;
    }
    do items.push(value(depth + 1));
    while (mark(',', ']') === ',');
    return items;
  };
  const object = (depth: number): Json => {
    const members = new Map<string, Json>();
    skip();
    if (text[at] === '}') {
      at += 1;
      return {};
    }
    do {
      skip();
      if (text[at] !== '"') throw fail('a key in double quotes');
      const start = at;
      const key: string = JSON.parse(take('a key in double quotes'));
      if (members.has(key)) {
        at = start;
        throw fail(`the key ${JSON.stringify(key)} once in its object`);
      }
      mark(':');
      members.set(key, value(depth + 1));
    } while (mark(',', '}') === ',');
    return Object.fromEntries(members);
  };
  const value = (depth: number): Json => {
    if (depth > MAX_DEPTH) throw fail(`at most ${MAX_DEPTH} levels`);
    skip();
    const start = at;
    const token = take('a JSON value');
    if (token === '{') return object(depth);
    if (token === '[') return array(depth);
    if (/^[}\],:]$/.test(token)) {
      at = start;
      throw fail('a JSON value');
    }
    return JSON.parse(token);
  };
  const result = value(0);
  skip();
  if (at < text.length) throw fail('nothing after the value');
  return result;
}

function describe(value: Json | undefined): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object' && value !== null) return 'an object';
  return JSON.stringify(value).slice(0, 80);
}

function valueAt(value: Json, path: readonly PropertyKey[]): Json | undefined {
  let current: Json | undefined = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<PropertyKey, Json | undefined>)[step];
  }
  return current;
}

/** Checks a value, which stands at the path `above`, against a schema whose messages say what is expected; the first mismatch is a DataError with its path. */
export function checkJson<T>(file: string, schema: z.ZodType<T>, value: Json, above: readonly PropertyKey[] = []): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path ?? [];
  const at = jsonPath([...above, ...path]);
  throw new DataError({
    where: at === '' ? { file } : { file, at },
    expected: issue?.message ?? 'another shape',
    found: describe(valueAt(value, path)),
  });
}
