import { DataError } from '../model/errors.ts';
import type { Host } from './case.ts';
import { isRawCpuid, readRawCpuid } from './cpuid-raw.ts';
import { readHostJson } from './read-case.ts';

/** A file that says what a host has: its CPUID, and for a capture what else it holds. */
export type HostFile = {
  readonly file: string;
  readonly host: Host;
  /** The JSON of a capture; null for what `cpuid -r` prints. */
  readonly json: unknown;
};

/** Reads what `cpuid -r` prints, or JSON with `host` and `msrs`, as a capture is. Throws a DataError that names the place. */
export function hostOf(text: string, file: string): HostFile {
  if (isRawCpuid(text)) return { file, host: readRawCpuid(text, file), json: null };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    const found = error instanceof Error ? error.message : 'something else';
    throw new DataError({ where: { file }, expected: 'what cpuid -r prints, or JSON', found }, { cause: error });
  }
  return { file, host: readHostJson(json, { file }), json };
}
