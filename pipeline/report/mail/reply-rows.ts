import { type Applied, newlyOpen, type ReplyRow } from '../../judge/reply.ts';
import { bitsText } from '../../model/bit-names.ts';
import type { NamedBit, Verdict } from '../../model/finding.ts';
import type { Place } from '../../model/place.ts';
import { plain } from '../../model/text.ts';

import { columnLines } from '../columns.ts';
import { releasesText } from '../releases-text.ts';
import { wrap } from '../wrap.ts';

const LEGEND: Partial<Readonly<Record<Verdict, string>>> = {
  exposed: 'exposed: configurable and let through, and nobody decided',
  passed: 'passed: let through; it is a number, or KVM’s caps, its base release or an earlier fixed 1 stand behind it',
  'needs-optin': 'needs-optin: configurable, and not on KVM’s list of allowed bits',
  closed: 'closed: its gate is one that KVM never opens',
};

/** `MCE, MTRR and 2 without a name`: the bits stand beside, so that no name repeats them. */
export function shortNames(bits: readonly NamedBit[]): string {
  const names = [...new Set(bits.flatMap(({ name }) => (name === null ? [] : [plain(name)])))];
  const unnamed = bits.filter(({ name }) => name === null).length;
  if (names.length === 0 || unnamed === 0) return names.join(', ');
  return `${names.join(', ')} and ${unnamed} without a name`;
}

/** `7.1.EAX[19] WRMSRNS`. */
export const cellText = (place: Place, mask: number, bits: readonly NamedBit[]): string =>
  `${bitsText(place, mask)} ${shortNames(bits)}`.trim();

/** The verdicts that change, a row each, and what their words mean. */
export function tableLines(rows: readonly ReplyRow[], all: readonly string[], max: number): readonly string[] {
  if (rows.length === 0) return [];
  const shown = rows.slice(0, max);
  const cells = shown.map((row) => [
    cellText(row, row.mask, row.bits),
    row.from ?? 'no TDX',
    row.to,
    releasesText(row.releases, all),
  ]);
  const legend = [...new Set(shown.flatMap(({ from, to }) => [from, to]))].flatMap((verdict) => {
    const text = verdict === null ? undefined : LEGEND[verdict];
    return text === undefined ? [] : wrap(text, '  ');
  });
  const more = rows.length - shown.length;
  return [
    '',
    ...columnLines(['CPUID bits', 'before', 'after', 'TDX module'], cells),
    ...(more === 0 ? [] : [`  and ${more} more row${more === 1 ? '' : 's'}: see the command below`]),
    ...(legend.length === 0 ? [] : ['', ...legend]),
  ];
}

/** What a maintainer has to decide after it and had not before, for the newest release of each line. */
export function openLines(outcome: Applied, max: number): readonly string[] {
  const found = newlyOpen(outcome);
  if (found.length === 0) return [];
  const releases = outcome.open.map(({ release }) => plain(release)).join(' and ');
  const shown = found.slice(0, max);
  const cells = shown.map(({ rule, place, releases: where }) => [
    cellText(place, place.mask, place.bits),
    rule,
    where.map(plain).join(', '),
  ]);
  const more = found.length - shown.length;
  return [
    '',
    ...wrap(
      `Open after it and not before, for TDX module ${releases}, the newest of ${outcome.open.length === 1 ? 'its line' : 'their lines'}:`,
    ),
    '',
    ...columnLines(['CPUID bits', 'why', 'TDX module'], cells),
    ...(more === 0 ? [] : [`  and ${more} more row${more === 1 ? '' : 's'}: see the command below`]),
  ];
}
