import { disagreementId, disagreementsAsWide } from '../diff/policy.ts';
import type { Verdict } from '../model/finding.ts';
import { bitMask, bitsOf, hasBit, or, without } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import { comparePlaces, type Place, placeId } from '../model/place.ts';
import type { Disagreement, Policy } from '../model/policy.ts';
import type { Between, Split } from '../model/series-effect.ts';
import { type Ground, kvmContext } from './judge.ts';

/** Verdicts under which a TD may get the bit, and those under which KVM keeps it from it. */
const OPEN: ReadonlySet<Verdict> = new Set(['exposed', 'passed', 'allowed']);
const SHUT: ReadonlySet<Verdict> = new Set(['denied', 'needs-optin']);
/** Verdicts under which no TD has the bit, also where KVM takes it and never sets its gate. */
const KEPT: ReadonlySet<Verdict> = new Set([...SHUT, 'closed']);

/** Whether user space that sets the bits no longer gets a TD: KVM took them, also without effect, and refuses them now. */
export const isBreak = (from: Verdict | null, to: Verdict): boolean => from !== null && !SHUT.has(from) && SHUT.has(to);

/** What one policy hides and takes, or shows and refuses, and the other does not. */
export const splitsGained = (have: Policy, had: Policy | null, ground: Ground): readonly Split[] =>
  splitsBeyond(have, [had], ground);

/** The same, held against several policies: the bits that none of them splits. */
function splitsBeyond(have: Policy, others: readonly (Policy | null)[], { knowledge }: Ground): readonly Split[] {
  const old = masksOf(others.flatMap((other) => (other === null ? [] : disagreementsAsWide(other, have))));
  return (have.disagreements ?? []).flatMap((each): readonly Split[] => {
    const { kind, leaf, subleaf, register } = each;
    const mask = without(each.mask, old.get(disagreementId(each)) ?? 0);
    if (leaf === null || register === null) return old.has(disagreementId(each)) ? [] : [{ kind, place: null }];
    const place: Place = { leaf, subleaf, register };
    return mask === 0 ? [] : [{ kind, place: { ...place, mask, bits: namedBits(knowledge.names, place, mask) } }];
  });
}

function masksOf(all: readonly Disagreement[]): ReadonlyMap<string, number> {
  const masks = new Map<string, number>();
  for (const each of all) masks.set(disagreementId(each), or(masks.get(disagreementId(each)) ?? 0, each.mask));
  return masks;
}

/** A state of the series by the part that it stands behind; `null` where it cannot be read. */
export type MidState = { readonly part: number; readonly policy: Policy | null };

/**
 * What the states within a series have that neither its base nor its end has: who bisects lands there. `mids` are in the order of
 * their parts, without the last.
 */
export function betweenOf(
  before: Policy | null,
  mids: readonly MidState[],
  last: { readonly part: number; readonly policy: Policy },
  ground: Ground,
): readonly Between[] {
  const after = last.policy;
  const ends = { before, after, had: verdictBits(before, ground), have: verdictBits(after, ground) };
  const told = mids.map(({ part, policy }) => ({
    part,
    found:
      policy === null ? [{ kind: 'unread' as const, isUnnamed: false, places: [] }] : stateOf(policy, ends, ground),
  }));
  // The same words about neighbouring states are one stretch.
  const open = new Map<string, Between>();
  const all: Between[] = [];
  told.forEach(({ part, found }, at) => {
    const until = told[at + 1]?.part ?? last.part;
    const next = new Map<string, Between>();
    for (const state of found) {
      const key = JSON.stringify(state);
      const stretch = { ...(open.get(key) ?? { after: part, ...state }), until };
      next.set(key, stretch);
    }
    for (const [key, stretch] of open) if (!next.has(key)) all.push(stretch);
    open.clear();
    for (const [key, stretch] of next) open.set(key, stretch);
  });
  return [...all, ...open.values()].sort((a, b) => a.after - b.after);
}

type Judged = { readonly place: Place; readonly bit: number; readonly verdict: Verdict };
type Bits = ReadonlyMap<string, Judged>;
type State = Omit<Between, 'after' | 'until'>;

/** The verdict of each bit on each release. */
function verdictBits(policy: Policy | null, ground: Ground): Bits {
  const bits = new Map<string, Judged>();
  if (policy === null) return bits;
  for (const release of ground.releases)
    for (const { leaf, subleaf, register, mask, verdict } of kvmContext(release, policy, ground).verdicts) {
      const place: Place = { leaf, subleaf, register };
      for (const bit of bitsOf(mask))
        bits.set(`${release.module.release} ${placeId(place)} ${bit}`, { place, bit, verdict });
    }
  return bits;
}

type Ends = { readonly before: Policy | null; readonly after: Policy; readonly had: Bits; readonly have: Bits };

function stateOf(policy: Policy, { before, after, had, have }: Ends, ground: Ground): readonly State[] {
  const own = splitsBeyond(policy, [before, after], ground);
  const splits = (['hidden-not-refused', 'shown-but-refused'] as const).flatMap((kind): readonly State[] => {
    const found = own.filter((split) => split.kind === kind);
    const named = found.flatMap(({ place }) => place ?? []);
    if (found.length === 0) return [];
    return [{ kind, isUnnamed: found.length > named.length, places: [...named].sort(comparePlaces) }];
  });
  // What is hidden and taken is let through too: it is told once.
  const hidden = new Map<string, number>();
  for (const { kind, place } of own)
    if (kind === 'hidden-not-refused' && place !== null)
      hidden.set(placeId(place), or(hidden.get(placeId(place)) ?? 0, place.mask));
  const here = verdictBits(policy, ground);
  const turned = (
    kind: 'open' | 'refused',
    ends: ReadonlySet<Verdict>,
    now: ReadonlySet<Verdict>,
  ): readonly State[] => {
    const masks = new Map<string, { readonly place: Place; readonly mask: number }>();
    for (const [key, { place, bit, verdict }] of here) {
      const [was, is] = [had.get(key)?.verdict, have.get(key)?.verdict];
      if (!now.has(verdict) || was === undefined || is === undefined || !ends.has(was) || !ends.has(is)) continue;
      const id = placeId(place);
      if (kind === 'refused' || !hasBit(hidden.get(id) ?? 0, bit))
        masks.set(id, { place, mask: or(masks.get(id)?.mask ?? 0, bitMask(bit)) });
    }
    const places = [...masks.values()].map(({ place, mask }) => ({
      ...place,
      mask,
      bits: namedBits(ground.knowledge.names, place, mask),
    }));
    return places.length === 0 ? [] : [{ kind, isUnnamed: false, places: places.sort(comparePlaces) }];
  };
  return [...splits, ...turned('open', KEPT, OPEN), ...turned('refused', OPEN, KEPT)];
}
