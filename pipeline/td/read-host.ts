import { DataError } from '../model/errors.ts';
import { type Host, hostKey, type Registers } from './case.ts';
import { readHostJson } from './read-case.ts';

const LINE =
  /^\s*0x([0-9a-f]{1,8})\s+0x([0-9a-f]{1,8}):\s+eax=0x([0-9a-f]{1,8})\s+ebx=0x([0-9a-f]{1,8})\s+ecx=0x([0-9a-f]{1,8})\s+edx=0x([0-9a-f]{1,8})\s*$/i;
const PROCESSOR = /^CPU(?:\s+\d+)?:\s*$/;

/** True for a text that begins as `cpuid -r` writes. */
const isRawCpuid = (text: string): boolean => /^\s*(?:CPU(?:\s+\d+)?:|0x[0-9a-f]+\s+0x[0-9a-f]+:)/i.test(text);

/** The first processor of what `cpuid -r` prints. Throws a DataError at the line that it does not understand. */
function readRawCpuid(text: string, file: string): Host {
  const leaves = new Map<string, Registers>();
  let processors = 0;
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    if (PROCESSOR.test(line)) {
      processors += 1;
      if (processors > 1) break;
      continue;
    }
    const match = LINE.exec(line);
    if (match === null)
      throw new DataError({
        where: { file, line: index + 1 },
        expected: 'a line of cpuid -r, such as "0x00000007 0x00: eax=0x00000002 ebx=… ecx=… edx=…"',
        found: JSON.stringify(line.slice(0, 60)),
      });
    const [leaf = 0, subleaf = 0, eax = 0, ebx = 0, ecx = 0, edx = 0] = match
      .slice(1)
      .map((part) => Number.parseInt(part, 16));
    leaves.set(hostKey(leaf, subleaf), [eax, ebx, ecx, edx]);
  }
  if (leaves.size === 0)
    throw new DataError({ where: { file }, expected: 'what cpuid -r prints', found: 'no line with a leaf' });
  return { leaves, msrs: new Map(), sockets: [leaves.get(hostKey(1, 0))?.[0] ?? 0] };
}

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
