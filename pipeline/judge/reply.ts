import { createHash } from 'node:crypto';
import type { ClobberFact, FoundPlace, Level, NamedBit, Verdict } from '../model/finding.ts';
import { bitMask, or } from '../model/mask.ts';
import { compareNumbers, compareTexts } from '../model/order.ts';
import { comparePlaces, type Place, placeId } from '../model/place.ts';
import type { PolicyChanges, SeriesEffect, SeriesOutcome, VerdictChange } from '../model/series-effect.ts';
import { isLost } from './clobber-facts.ts';
import { isAtLeast } from './decisions.ts';
import { levelsOf } from './levels.ts';

export type Applied = Extract<SeriesOutcome, { kind: 'applied' }>;

/** Why nothing is to be said on the list: no news, old news, news for nobody to act on, or nothing that is known for sure. */
export type Silence =
  | { readonly kind: 'newer'; readonly id: string; readonly version: number }
  | { readonly kind: 'unchanged' | 'untouched' | 'minor' }
  | { readonly kind: 'incomplete' | 'rejected' | 'unreadable'; readonly reason: string };

const isEmpty = (list: { readonly added: readonly unknown[]; readonly removed: readonly unknown[] }): boolean =>
  list.added.length === 0 && list.removed.length === 0;

/** Whether the policy itself differs in what it does to a TD; names that KVM comes to know are none of that. */
function changesPolicy({ deny, allow, adds, restores, attributes, xfam, configLimit }: PolicyChanges): boolean {
  const lists = [deny, allow, adds, restores, xfam].some((list) => !isEmpty(list));
  return lists || attributes.added !== attributes.removed || configLimit.from !== configLimit.to;
}

/** Whether nothing that a TD or user space can see changes, also within the series. */
export const isUnchanged = ({ changes, findings, between, effects }: Applied): boolean =>
  !changesPolicy(changes) &&
  findings.length === 0 &&
  between.length === 0 &&
  effects.every(({ verdicts }) => verdicts.length === 0);

/**
 * Why no reply is due; null where one is: something at warning or above changes, or `isAsked`. A wrong base or a patch that does not
 * apply is no news for a list: such replies are noise.
 */
export function silenceOf({ series, outcome }: SeriesEffect, isAsked = false): Silence | null {
  if (series.newer !== null) return { kind: 'newer', id: series.newer.id, version: series.newer.version };
  switch (outcome.kind) {
    case 'untouched':
      return { kind: 'untouched' };
    case 'incomplete':
    case 'unreadable':
      return { kind: outcome.kind, reason: outcome.reason };
    case 'rejected':
      return { kind: 'rejected', reason: outcome.rejection.reason };
    case 'applied':
      if (isAsked) return null;
      if (isUnchanged(outcome)) return { kind: 'unchanged' };
      return levelsOf(outcome, true).some((level) => isAtLeast(level, 'warning')) ? null : { kind: 'minor' };
  }
}

/** Bits of a register whose verdict changes in the same way in the same releases. */
export type ReplyRow = Place & {
  readonly mask: number;
  readonly bits: readonly NamedBit[];
  readonly from: Verdict | null;
  readonly to: Verdict;
  /** In the order of the effects: oldest first. */
  readonly releases: readonly string[];
  readonly clobbers: readonly ClobberFact[];
};

type Cell = { readonly change: VerdictChange; readonly named: NamedBit; readonly releases: string[] };

/** What a maintainer decides on first: bits that TDs come to have, then what they lose. */
const WEIGHT: Readonly<Record<Verdict, number>> = {
  exposed: 0,
  passed: 1,
  allowed: 2,
  denied: 3,
  'needs-optin': 4,
  closed: 5,
};

/** The verdict changes of all releases, joined: one row per register, kind of change and set of releases. */
export function replyRows({ effects }: Applied): readonly ReplyRow[] {
  const cells = new Map<string, Cell>();
  for (const { release, verdicts } of effects)
    for (const change of verdicts)
      for (const named of change.bits) {
        const key = `${placeId(change)} ${named.bit} ${change.from} ${change.to}`;
        const cell = cells.get(key) ?? { change, named, releases: [] };
        cell.releases.push(release);
        cells.set(key, cell);
      }
  const rows = new Map<string, ReplyRow>();
  for (const { change, named, releases } of cells.values()) {
    const { leaf, subleaf, register, from, to, clobbers } = change;
    const key = `${placeId(change)} ${from} ${to} ${releases.join(' ')} ${JSON.stringify(clobbers)}`;
    const row = rows.get(key) ?? { leaf, subleaf, register, mask: 0, bits: [], from, to, releases, clobbers };
    rows.set(key, { ...row, mask: or(row.mask, bitMask(named.bit)), bits: [...row.bits, named] });
  }
  return [...rows.values()]
    .map((row) => ({ ...row, bits: [...row.bits].sort((a, b) => a.bit - b.bit) }))
    .sort(
      (a, b) =>
        compareNumbers(Number(isRisky(b)), Number(isRisky(a))) ||
        compareNumbers(WEIGHT[a.to], WEIGHT[b.to]) ||
        comparePlaces(a, b) ||
        compareTexts(String(a.from), String(b.from)) ||
        compareNumbers(a.mask, b.mask) ||
        compareTexts(a.releases.join(' '), b.releases.join(' ')),
    );
}

const isRisky = (row: ReplyRow): boolean => riskOf(row).length > 0;

/** What stays changed in the host where a TD gets the bits: what neither the module nor KVM restores. */
export const riskOf = ({ to, clobbers }: Pick<ReplyRow, 'to' | 'clobbers'>): readonly ClobberFact[] =>
  to === 'allowed' || to === 'exposed' || to === 'passed' ? clobbers.filter(isLost) : [];

const digest = (parts: readonly unknown[]): string =>
  createHash('sha256')
    .update(
      JSON.stringify(parts, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value)),
    )
    .digest('hex')
    .slice(0, 16);

/** One per version of a series: a second posting of the same version is not answered again. */
export const seriesKey = ({ series: { author, title, version, rfc } }: SeriesEffect): string =>
  digest(['series', author.email, title, version, rfc]);

/** A finding on bits of a register that the series brings on some of the releases that are told. */
export type NewOpen = {
  readonly rule: string;
  readonly level: Level;
  readonly place: FoundPlace;
  readonly releases: readonly string[];
};

/** What a maintainer has to decide after the series and had not before, by register; what was open before is left out. */
export function newlyOpen({ open, effects }: Applied): readonly NewOpen[] {
  const told = new Set(open.map(({ release }) => release));
  const joined = new Map<string, NewOpen>();
  for (const { release, opened } of effects)
    for (const { rule, level, place, mask, bits } of told.has(release) ? opened : []) {
      const key = `${rule} ${placeId(place)} ${mask}`;
      const releases = [...(joined.get(key)?.releases ?? []), release];
      joined.set(key, { rule, level, place: { ...place, mask, bits }, releases });
    }
  return [...joined.values()].sort(
    (a, b) =>
      compareNumbers(Number(a.level !== 'error'), Number(b.level !== 'error')) || comparePlaces(a.place, b.place),
  );
}

/** Of the parent and the facts that are told, never of their wording: the same report gets the same Message-ID. */
export const replyHash = (parent: string, outcome: Applied): string =>
  digest([
    'reply',
    parent,
    outcome.base.commit,
    outcome.changes,
    outcome.between,
    outcome.findings.map(({ fingerprint }) => fingerprint),
    replyRows(outcome),
    newlyOpen(outcome),
  ]);
