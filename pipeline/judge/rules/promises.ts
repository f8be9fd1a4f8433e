import type { CellClass } from '../../model/class.ts';
import { and, without } from '../../model/mask.ts';
import { compareVersions } from '../../model/order.ts';
import { samePlace } from '../../model/place.ts';
import {
  bothEvidence,
  byGates,
  changesOf,
  decidedMask,
  isHosts,
  namedMask,
  numberBits,
  placeMask,
  staticReason,
  stepsOf,
} from '../lookup.ts';
import type { Draft, Rule } from '../rule.ts';

export const requiredBitLost = {
  id: 'required-bit-lost',
  title: 'A bit that KVM’s own logic needs can no longer be had',
  level: 'error',
  for: ['vendor', 'operator'],
  mirror: null,
  noMirror: 'A required bit that comes back is reported as configurable-added, fixed1-added or native-added.',
  why: 'KVM runs TDs on the assumption that the bit is available (specs/required.md has the source of each).',
  action: 'Do not roll the release out; report it to the TDX module developers.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    context.changes
      .filter((change) => !LOST.includes(change.from) && LOST.includes(change.to))
      .flatMap((change) =>
        context.knowledge.required
          .filter((required) => samePlace(required, change) && and(required.mask, change.mask) !== 0)
          .map((required) => ({
            places: [placeMask(change, and(required.mask, change.mask))],
            facts: { kind: 'required', reasons: [required.reason], steps: stepsOf([change]) },
            evidence: bothEvidence(context, change),
          })),
      ),
} as const satisfies Rule;

const LOST: readonly CellClass[] = ['absent', 've', 'fixed0'];
const OPEN: readonly CellClass[] = ['config-direct', 'allow-direct', 'fixed1', 'native'];

export const staticLeafExtended = {
  id: 'static-leaf-extended',
  title: 'A register that never holds features gained bits',
  level: 'warning',
  for: ['kernel', 'vendor'],
  mirror: null,
  noMirror: 'A register that never holds features may lose bits without harm.',
  why: 'KVM accepts such a register as a whole instead of bit by bit, on the promise that it will never hold features (June 2026; specs/leaves.md).',
  action: 'Check what the new bits mean; if they are features, KVM must match the register bit by bit.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    context.changes
      .filter(({ from, to }) => (from === 'fixed0' || from === 'fixed1') && OPEN.includes(to))
      .flatMap((change): readonly Draft[] => {
        const reason = staticReason(context.knowledge, change);
        if (reason === null) return [];
        return [
          {
            places: [placeMask(change, change.mask)],
            facts: { kind: 'static-leaf', reasons: [reason], steps: stepsOf([change]) },
            evidence: bothEvidence(context, change),
          },
        ];
      }),
} as const satisfies Rule;

export const unfixedNotConfigurable = {
  id: 'unfixed-not-configurable',
  title: 'A fixed bit stopped being fixed and is not configurable',
  level: 'error',
  for: ['vendor', 'operator'],
  mirror: null,
  noMirror: 'It is a promise that is kept or broken, not a change with an opposite.',
  why: 'The module promised that a fixed bit which stops being fixed appears in CPUID_CONFIG (kvm list, April 2024). This one became native: TDs get it on hosts that have it, and nobody can switch it off. Bits that XFAM or ATTRIBUTES gate are controlled there and are not reported.',
  action:
    'Report it to the TDX module developers; until it is settled, treat hosts with and without the bit as different.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    changesOf('unfixed-not-configurable', context).flatMap((change) =>
      byGates(context.to, change, change.mask)
        .filter(({ gates }) => gates.length === 0)
        .flatMap(({ mask }): readonly Draft[] => {
          const open = decidedMask(context.to, change, mask, isHosts);
          const named = without(
            namedMask(context.knowledge, change, open),
            numberBits(context.knowledge, change, open),
          );
          // A bit that no table names may hold nothing on any host: that is no broken promise yet.
          return (
            [
              [named, 'error'],
              [without(open, named), 'info'],
            ] as const
          )
            .filter(([part]) => part !== 0)
            .map(([part, level]) => ({
              places: [placeMask(change, part)],
              facts: { kind: 'promise', promise: 'unfixed', steps: stepsOf([change]) },
              evidence: bothEvidence(context, change),
              level,
            }));
        }),
    ),
} as const satisfies Rule;

export const fixedChangeWithoutFeature = {
  id: 'fixed-change-without-feature',
  title: 'Fixed bits changed without a new TDX_FEATURES0 bit',
  level: 'info',
  for: ['vendor'],
  mirror: null,
  noMirror: 'It is a promise that is kept or broken, not a change with an opposite.',
  why: 'KVM and user space adjust by feature, not by version (kvm list, December 2024). Without a TDX_FEATURES0 bit they cannot tell which fixed bits they run on.',
  action:
    'Report it to the TDX module developers; software that must tell the two releases apart can only compare versions.',
  scope: 'release',
  judge: (context): readonly Draft[] => {
    const { to, changes } = context;
    const { features0 } = context.diff;
    if (features0.from === null || features0.to === null || features0.added !== 0n) return [];
    // The promise was made for the release that KVM was written against: it binds what comes after.
    if (context.promisedAt === null || compareVersions(to.module.release, context.promisedAt) <= 0) return [];
    const isFixed = (name: CellClass): boolean => name === 'fixed0' || name === 'fixed1';
    return changes
      .filter(({ from, to: now }) => (isFixed(from) || isFixed(now)) && from !== 'absent' && now !== 'absent')
      .map((change) => ({
        places: [placeMask(change, change.mask)],
        facts: { kind: 'promise', promise: 'feature-bit', steps: stepsOf([change]) },
        evidence: bothEvidence(context, change),
      }));
  },
} as const satisfies Rule;
