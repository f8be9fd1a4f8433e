import { readInputText } from '../disk/read.ts';
import type { Place } from '../model/place.ts';
import { REGISTERS } from '../model/place.ts';
import { type Host, hostKey } from '../td/case.ts';
import { type HostFile, hostOf } from '../td/read-host.ts';

export const readHostFile = (file: string): HostFile => hostOf(readInputText(file), file);

/** A register of a host; null where the file does not list the leaf. */
export function hostRegister(host: Host, { leaf, subleaf, register }: Place): number | null {
  return host.leaves.get(hostKey(leaf, subleaf ?? 0))?.[REGISTERS.indexOf(register)] ?? null;
}
