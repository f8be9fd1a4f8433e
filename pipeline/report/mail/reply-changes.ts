import type { Applied, ReplyRow } from '../../judge/reply.ts';
import { ATTRIBUTE_NAMES } from '../../model/control.ts';
import { bitMask, or } from '../../model/mask.ts';
import { placeId } from '../../model/place.ts';
import type { PolicyMaskChange } from '../../model/series-effect.ts';
import { plain } from '../../model/text.ts';
import { wrap } from '../wrap.ts';
import { cellText } from './reply-rows.ts';

/** Longer lists are counted: what has no effect must not hide what has. */
const MOST = 4;

/** Entries of a list with bits that the table does not have: their verdict changes in no release. */
function beyond(list: readonly PolicyMaskChange[], rows: readonly ReplyRow[]): readonly string[] {
  return list.flatMap(({ leaf, subleaf, register, bits }) => {
    const place = { leaf, subleaf, register };
    const told = new Set(
      rows.filter((row) => placeId(row) === placeId(place)).flatMap((row) => row.bits.map(({ bit }) => bit)),
    );
    const rest = bits.filter(({ bit }) => !told.has(bit));
    const mask = rest.reduce((all, { bit }) => or(all, bitMask(bit)), 0);
    return rest.length === 0 ? [] : [cellText(place, mask, rest)];
  });
}

/** What the series does beside bits: MSRs, attributes, XFAM, the length of KVM's array. */
export function otherLines({ changes }: Applied, rows: readonly ReplyRow[]): readonly string[] {
  const { deny, allow, adds, restores, attributes, xfam, configLimit, generation } = changes;
  const unseen = (list: readonly PolicyMaskChange[]): readonly string[] => {
    const cells = beyond(list, rows);
    return cells.length <= MOST ? cells : [`${cells.length} registers`];
  };
  const attributeNames = (mask: bigint): readonly string[] =>
    Array.from({ length: 64 }, (_, bit) => bit)
      .filter((bit) => (mask >> BigInt(bit)) % 2n === 1n)
      .map((bit) => ATTRIBUTE_NAMES.get(bit) ?? `bit ${bit}`);
  const parts: readonly (readonly [string, readonly string[]])[] = [
    [
      'The filter becomes another kind:',
      generation.from === generation.to ? [] : [`${generation.from ?? 'no TDX'} -> ${generation.to}`],
    ],
    ['On the deny list now, with no effect on a release that was read:', unseen(deny.added)],
    ['On the deny list no longer, with no effect on a release that was read:', unseen(deny.removed)],
    ['On the allow list now, with no effect on a release that was read:', unseen(allow.added)],
    ['On the allow list no longer, with no effect on a release that was read:', unseen(allow.removed)],
    ['Reported by KVM itself now:', unseen(adds.added)],
    ['Reported by KVM itself no longer:', unseen(adds.removed)],
    ['KVM restores after a TD ran:', restores.added],
    ['KVM no longer restores after a TD ran:', restores.removed],
    ['TD attributes that KVM comes to support:', attributeNames(attributes.added)],
    ['TD attributes that KVM supports no longer:', attributeNames(attributes.removed)],
    ['XFAM that KVM comes to support:', xfam.added],
    ['XFAM that KVM supports no longer:', xfam.removed],
    [
      'CPUID_CONFIG entries that KVM can take:',
      configLimit.from === configLimit.to ? [] : [`${configLimit.from ?? 'unknown'} -> ${configLimit.to ?? 'unknown'}`],
    ],
  ];
  const lines = parts.flatMap(([label, names]) =>
    names.length === 0 ? [] : wrap(`${label} ${plain(names.join(', '))}`),
  );
  return lines.length === 0 ? [] : ['', ...lines];
}
