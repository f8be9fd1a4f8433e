import type { Applied, ReplyRow } from '../../judge/reply.ts';
import { bitsText } from '../../model/bit-names.ts';
import type { FoundPlace, Level, NamedBit, Verdict } from '../../model/finding.ts';
import { type Place, placeId } from '../../model/place.ts';
import { plain } from '../../model/text.ts';

import { columnLines } from '../columns.ts';
import { releasesText } from '../releases-text.ts';
import { wrap } from '../wrap.ts';

const LEGEND: Partial<Readonly<Record<Verdict, string>>> = {
  exposed: 'exposed: configurable and let through, and nobody decided',
  passed: 'passed: let through; KVM’s caps, its base release or an earlier fixed 1 stand behind it',
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

type OpenRow = {
  readonly rule: string;
  readonly level: Level;
  readonly place: FoundPlace;
  readonly releases: readonly string[];
};

/** Open findings of several releases joined by register, those first that clobber host state or that this series is about. */
function openRows({ open }: Applied, rows: readonly ReplyRow[]): readonly OpenRow[] {
  const joined = new Map<string, OpenRow>();
  for (const { release, findings } of open)
    for (const { rule, level, places, decided } of findings) {
      if (decided !== null) continue;
      for (const place of places) {
        const key = `${rule} ${placeId(place)} ${place.mask}`;
        joined.set(key, { rule, level, place, releases: [...(joined.get(key)?.releases ?? []), plain(release)] });
      }
    }
  const own = new Set(rows.map(placeId));
  const weight = ({ level, place }: OpenRow): number => (level === 'error' ? 0 : 2) + (own.has(placeId(place)) ? 0 : 1);
  return [...joined.values()].sort((a, b) => weight(a) - weight(b));
}

/** What a maintainer still has to decide, for the newest release of each line. */
export function openLines(outcome: Applied, rows: readonly ReplyRow[], max: number): readonly string[] {
  const releases = outcome.open.map(({ release }) => plain(release)).join(' and ');
  const found = openRows(outcome, rows);
  if (releases === '') return [];
  if (found.length === 0)
    return ['', ...wrap(`After it no bit of TDX module ${releases} is let through undecided or waits for an opt-in.`)];
  const shown = found.slice(0, max);
  const cells = shown.map(({ rule, place, releases: where }) => [
    cellText(place, place.mask, place.bits),
    rule,
    where.join(', '),
  ]);
  const more = found.length - shown.length;
  return [
    '',
    ...wrap(
      `Still open after it, for TDX module ${releases}, the newest of ${outcome.open.length === 1 ? 'its line' : 'their lines'}:`,
    ),
    '',
    ...columnLines(['CPUID bits', 'why', 'TDX module'], cells),
    ...(more === 0 ? [] : [`  and ${more} more row${more === 1 ? '' : 's'}: see the command below`]),
  ];
}
