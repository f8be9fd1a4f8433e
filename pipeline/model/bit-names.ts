import type { NamedBit } from './finding.ts';
import { bitMask, FULL, formatBits, or } from './mask.ts';
import { formatPlace, type Place } from './place.ts';

/** `7.1.EAX[23,19,7]`. */
export const bitsText = (place: Place, mask: number): string =>
  `${formatPlace(place)}${mask === FULL ? '' : formatBits(mask)}`;

/** `CMPCCXADD [7], WRMSRNS [19]`; a field is named once with its bits; empty where no bit has a name. */
export function namesText(bits: readonly NamedBit[]): string {
  const named = new Map<string, number>();
  for (const { bit, name } of bits) if (name !== null) named.set(name, or(named.get(name) ?? 0, bitMask(bit)));
  const unnamed = bits.filter(({ name }) => name === null).reduce((mask, { bit }) => or(mask, bitMask(bit)), 0);
  const isOne = named.size === 1 && unnamed === 0;
  const parts = [...named].map(([name, mask]) => (isOne ? name : `${name} ${formatBits(mask)}`));
  if (named.size > 0 && unnamed !== 0) parts.push(`no name ${formatBits(unnamed)}`);
  return parts.join(', ');
}
