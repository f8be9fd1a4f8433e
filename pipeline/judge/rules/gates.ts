import type { GateChange } from '../../model/change.ts';
import { constantOf } from '../../model/decider.ts';
import type { GateId } from '../../model/gate.ts';
import { bitMask, bitsOf, hasBit, or, without } from '../../model/mask.ts';
import { placeId } from '../../model/place.ts';
import { bothEvidence, configurableAt, decidedMask, placeMask } from '../lookup.ts';
import type { Draft, ReleaseContext, Rule } from '../rule.ts';

export const gateChanged = {
  id: 'gate-changed',
  title: 'An XFAM or attribute gate of a bit came or went',
  level: 'info',
  for: ['kernel', 'userspace'],
  mirror: 'gate-changed',
  why: 'A gated bit is 0 in a TD whose XFAM or ATTRIBUTES bit is 0. Where a gate opens, TDs without that feature may newly have the bit; where one closes, they lose it. A bit that no VMM can clear and that no gate keeps away any longer is a warning.',
  action:
    'Where a gate opened: check that KVM’s policy for the bit does not rely on XFAM or ATTRIBUTES to keep it away.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    registersOf(context.diff.gates).flatMap((changes) => gateDrafts(context, changes)),
} as const satisfies Rule;

/** Gate changes of one register together, in the order of gates that the diff has. */
function registersOf(gates: readonly GateChange[]): readonly (readonly GateChange[])[] {
  const registers = new Map<string, GateChange[]>();
  for (const change of gates) registers.set(placeId(change), [...(registers.get(placeId(change)) ?? []), change]);
  return [...registers.values()];
}

/** Bits that the same gates took up and let go, together: AVX-512 has three gates and is one story. */
function gateDrafts(context: ReleaseContext, changes: readonly GateChange[]): readonly Draft[] {
  const [first] = changes;
  if (first === undefined) return [];
  const parts = new Map<string, Part>();
  const all = changes.reduce((mask, { added, removed }) => or(mask, or(added, removed)), 0);
  // A bit that is 0 in every TD has no gate that matters.
  const live = decidedMask(context.to, first, all, (decider) => constantOf(decider) !== 0);
  for (const bit of bitsOf(live)) {
    const gatesOf = (side: 'added' | 'removed'): readonly GateId[] =>
      changes.filter((change) => hasBit(change[side], bit)).map(({ gate }) => gate);
    const [added, removed] = [gatesOf('added'), gatesOf('removed')];
    const key = `${added.join(' ')} - ${removed.join(' ')}`;
    parts.set(key, { added, removed, mask: or(parts.get(key)?.mask ?? 0, bitMask(bit)) });
  }
  return [...parts].flatMap(([story, part]) => partDrafts(context, first, story, part));
}

type Part = { readonly added: readonly GateId[]; readonly removed: readonly GateId[]; readonly mask: number };

function partDrafts(context: ReleaseContext, place: GateChange, story: string, part: Part): readonly Draft[] {
  const { added, removed, mask } = part;
  const free = added.length > 0 || removed.length === 0 ? 0 : without(mask, configurableAt(context.to, place));
  return (
    [
      [free, 'warning'],
      [without(mask, free), 'info'],
    ] as const
  ).flatMap(([own, level]): readonly Draft[] =>
    own === 0
      ? []
      : [
          {
            story,
            places: [placeMask(place, own)],
            facts: { kind: 'gate', added, removed },
            evidence: bothEvidence(context, place),
            level,
          },
        ],
  );
}
