import { readInputText } from '../disk/read.ts';
import { DataError } from '../model/errors.ts';
import type { Place } from '../model/place.ts';
import { REGISTERS } from '../model/place.ts';
import { type Host, hostKey } from '../td/case.ts';
import { isRawCpuid, readRawCpuid } from '../td/cpuid-raw.ts';
import { readHostJson } from '../td/read-case.ts';

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

export const readHostFile = (file: string): HostFile => hostOf(readInputText(file), file);

/** A register of a host; null where the file does not list the leaf. */
export function hostRegister(host: Host, { leaf, subleaf, register }: Place): number | null {
  return host.leaves.get(hostKey(leaf, subleaf ?? 0))?.[REGISTERS.indexOf(register)] ?? null;
}
