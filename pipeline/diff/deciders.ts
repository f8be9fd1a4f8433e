import { absentRegister, type ClassedRelease, type RegisterClasses } from '../model/class.ts';
import type { DecidedBits, Decider } from '../model/decider.ts';
import type { DeciderRule, DeciderRules } from '../model/decider-rules.ts';
import { deciderText } from '../model/decider-text.ts';
import { and, FULL, or } from '../model/mask.ts';
import { comparePlaces, type Place, placeId } from '../model/place.ts';

/** Bits of one register that another one decides; `null` where the leaf is not in the release's table. */
export type DeciderChange = Place & {
  readonly mask: number;
  readonly from: Decider | null;
  readonly to: Decider | null;
};

/** Who decides what in two releases, where it differs, in the order of places; both must have been examined. */
export function diffDeciders(a: ClassedRelease, b: ClassedRelease): readonly DeciderChange[] {
  const [left, right] = [byPlace(a), byPlace(b)];
  const places = [...new Map([...left, ...right]).values()].sort(comparePlaces);
  return places.flatMap((place) => {
    const changes = new Map<string, DeciderChange>();
    for (const old of decidedAt(left, place))
      for (const now of decidedAt(right, place)) {
        const mask = and(old.mask, now.mask);
        if (mask === 0 || textOf(old.decider) === textOf(now.decider)) continue;
        const key = JSON.stringify([textOf(old.decider), textOf(now.decider)]);
        const { leaf, subleaf, register } = place;
        const found = changes.get(key)?.mask ?? 0;
        changes.set(key, { leaf, subleaf, register, mask: or(found, mask), from: old.decider, to: now.decider });
      }
    return [...changes.values()];
  });
}

const textOf = (decider: Decider | null): string => (decider === null ? '' : deciderText(decider));

const byPlace = (release: ClassedRelease): ReadonlyMap<string, RegisterClasses> =>
  new Map(release.registers.map((register) => [placeId(register), register]));

const decidedAt = (
  registers: ReadonlyMap<string, RegisterClasses>,
  place: Place,
): readonly (DecidedBits | { readonly mask: number; readonly decider: null })[] => {
  const { deciders } = registers.get(placeId(place)) ?? absentRegister(place);
  return deciders.length === 0 ? [{ mask: FULL, decider: null }] : deciders;
};

/** Rules that run when a guest executes CPUID and stand in one of two releases only. */
export function diffGuestRules(
  a: DeciderRules,
  b: DeciderRules,
): { readonly added: readonly DeciderRule[]; readonly removed: readonly DeciderRule[] } {
  const [before, after] = [guestRules(a), guestRules(b)];
  const key = ({ leaf, subleaf, masks, effect }: DeciderRule): string =>
    JSON.stringify([leaf, subleaf ?? null, masks, effect]);
  const only = (rules: readonly DeciderRule[], others: readonly DeciderRule[]): readonly DeciderRule[] => {
    const known = new Set(others.map(key));
    return rules.filter((rule) => !known.has(key(rule)));
  };
  return { added: only(after, before), removed: only(before, after) };
}

const guestRules = ({ rules }: DeciderRules): readonly DeciderRule[] => rules.filter(({ stage }) => stage === 'guest');
