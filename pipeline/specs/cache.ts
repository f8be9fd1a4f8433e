import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFileAtomically } from '../disk/write.ts';
import type { PlainReader } from './plain.ts';

const keyOf = (kind: string, text: string): string => `${kind}:${createHash('sha256').update(text).digest('hex')}`;

/** What this process has parsed and validated, or read from a cache: no text is parsed twice, whether or not a build left one. */
const parsedHere = new Map<string, unknown>();

/**
 * The parsed form of `specs/` that a build leaves beside the program, keyed by kind and the text's SHA-256: a changed file
 * is parsed and validated again. A line is `["KEY",VALUE]`, and only lines that are asked for are parsed. A cache that is
 * missing or damaged is no cache.
 */
export function openCache(file: string): PlainReader & { readonly save: () => void } {
  let lines: ReadonlyMap<string, string> | undefined;
  const lineOf = (key: string): string | undefined => {
    lines ??= readLines(file);
    return lines.get(key);
  };
  const used = new Map<string, unknown>();
  const keep = (key: string, plain: unknown): void => {
    used.set(key, plain);
    parsedHere.set(key, plain);
  };
  return {
    cached: (kind, text) => {
      const key = keyOf(kind, text);
      const known = parsedHere.get(key) ?? parsedLine(lineOf(key));
      if (known !== undefined) keep(key, known);
      return known;
    },
    parsed: (kind, text, plain) => {
      keep(keyOf(kind, text), plain);
    },
    save: () =>
      writeFileAtomically(file, [...used].map(([key, value]) => `["${key}",${JSON.stringify(value)}]\n`).join('')),
  };
}

function readLines(file: string): ReadonlyMap<string, string> {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return new Map(lines.map((line) => [line.slice(2, line.indexOf('"', 2)), line]));
  } catch {
    return new Map();
  }
}

function parsedLine(line: string | undefined): unknown {
  try {
    const pair: unknown = line === undefined ? undefined : JSON.parse(line);
    return Array.isArray(pair) ? pair[1] : undefined;
  } catch {
    return undefined;
  }
}
