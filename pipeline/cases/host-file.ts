import { readInputText } from '../disk/read.ts';
import { type Place, REGISTERS, subleafOf } from '../model/place.ts';
import { type Host, hostKey } from '../td/case.ts';
import { type HostFile, hostOf } from '../td/read-host.ts';

export const readHostFile = (file: string): HostFile => hostOf(readInputText(file), file);

/** A register of a host; null where the file does not list the leaf. */
export function hostRegister(host: Host, place: Place): number | null {
  return host.leaves.get(hostKey(place.leaf, subleafOf(place)))?.[REGISTERS.indexOf(place.register)] ?? null;
}
