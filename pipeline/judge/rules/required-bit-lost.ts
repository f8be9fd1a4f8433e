import type { CellClass } from '../../model/class.ts';
import { and } from '../../model/mask.ts';
import { placeId } from '../../model/place.ts';
import { evidenceOf } from '../lookup.ts';
import type { Rule } from '../rule.ts';

const LOST: readonly CellClass[] = ['absent', 've', 'fixed0'];

export const requiredBitLost: Rule = {
  id: 'required-bit-lost',
  title: 'A bit that KVM’s own logic needs can no longer be had',
  level: 'error',
  mirror: null,
  noMirror: 'A required bit that comes back is reported as configurable-added, fixed1-added or native-added.',
  why: 'KVM runs TDs on the assumption that the bit is available (specs/required.md has the source of each).',
  action: 'Do not roll the release out; report it to the TDX module developers.',
  scope: 'step',
  judge: (context) =>
    context.diff.changes
      .filter((change) => !LOST.includes(change.from) && LOST.includes(change.to))
      .flatMap((change) =>
        context.knowledge.required
          .filter((required) => placeId(required) === placeId(change) && and(required.mask, change.mask) !== 0)
          .map((required) => ({
            place: { leaf: change.leaf, subleaf: change.subleaf, register: change.register },
            mask: and(required.mask, change.mask),
            facts: { kind: 'required' as const, from: change.from, to: change.to, reason: required.reason },
            evidence: [...evidenceOf(context.from, change), ...evidenceOf(context.to, change)],
          })),
      ),
};
