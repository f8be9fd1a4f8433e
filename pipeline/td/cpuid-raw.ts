import { DataError } from '../model/errors.ts';
import { type Host, hostKey, type Registers } from './case.ts';

const LINE =
  /^\s*0x([0-9a-f]{1,8})\s+0x([0-9a-f]{1,8}):\s+eax=0x([0-9a-f]{1,8})\s+ebx=0x([0-9a-f]{1,8})\s+ecx=0x([0-9a-f]{1,8})\s+edx=0x([0-9a-f]{1,8})\s*$/i;
const PROCESSOR = /^CPU(?:\s+\d+)?:\s*$/;

/** True for a text that begins as `cpuid -r` writes. */
export const isRawCpuid = (text: string): boolean => /^\s*(?:CPU(?:\s+\d+)?:|0x[0-9a-f]+\s+0x[0-9a-f]+:)/i.test(text);

/** The first processor of what `cpuid -r` prints. Throws a DataError at the line that it does not understand. */
export function readRawCpuid(text: string, file: string): Host {
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
