import { evidenceOf } from '../lookup.ts';
import type { Draft, Rule } from '../rule.ts';

/** KVM's base release: the promise was made for what comes after it. */
const BASE = [1, 5, 6] as const;

export const fixedChangeWithoutFeature: Rule = {
  id: 'fixed-change-without-feature',
  title: 'Fixed bits changed without a new TDX_FEATURES0 bit',
  level: 'warning',
  mirror: null,
  noMirror: 'It is a promise that is kept or broken, not a change with an opposite.',
  why: 'KVM and user space adjust by feature, not by version (kvm list, December 2024; base 1.5.06). Without a TDX_FEATURES0 bit they cannot tell which fixed bits they run on.',
  action:
    'Report it to the TDX module developers; software that must tell the two releases apart can only compare versions.',
  scope: 'step',
  judge: ({ from, to, diff }) => {
    if (
      diff.features0.from === null ||
      diff.features0.to === null ||
      diff.features0.added !== 0n ||
      !isAfterBase(to.module.release)
    )
      return [];
    const isFixed = (name: string) => name === 'fixed0' || name === 'fixed1';
    return diff.changes
      .filter((change) => isFixed(change.from) !== isFixed(change.to) || (isFixed(change.from) && isFixed(change.to)))
      .filter((change) => change.from !== 'absent' && change.to !== 'absent')
      .map(
        (change): Draft => ({
          place: { leaf: change.leaf, subleaf: change.subleaf, register: change.register },
          mask: change.mask,
          facts: { kind: 'promise', from: change.from, to: change.to },
          evidence: [...evidenceOf(from, change), ...evidenceOf(to, change)],
        }),
      );
  },
};

function isAfterBase(release: string): boolean {
  const parts = release.split(/[. ]/).map(Number);
  for (const [index, base] of BASE.entries()) {
    const part = parts[index] ?? 0;
    if (Number.isNaN(part) || part < base) return false;
    if (part > base) return true;
  }
  return false;
}
