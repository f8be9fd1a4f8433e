import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { writeFileAtomically } from '../disk/write.ts';
import type { PlainReader } from './plain.ts';

type Entries = Record<string, unknown>;

const keyOf = (kind: string, text: string): string => `${kind}:${createHash('sha256').update(text).digest('hex')}`;

/**
 * The parsed form of `specs/` that a build leaves beside the program, keyed by kind and the text's SHA-256: a changed file
 * is parsed and validated again. A cache that is missing or damaged is no cache.
 */
export function openCache(file: string): PlainReader & { readonly save: () => void } {
  const entries = readEntries(file);
  const used: Entries = {};
  return {
    cached: (kind, text) => {
      const key = keyOf(kind, text);
      const plain = entries[key];
      if (plain !== undefined) used[key] = plain;
      return plain;
    },
    parsed: (kind, text, plain) => {
      used[keyOf(kind, text)] = plain;
    },
    save: () => writeFileAtomically(file, JSON.stringify(used)),
  };
}

function readEntries(file: string): Entries {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Entries) : {};
  } catch {
    return {};
  }
}
