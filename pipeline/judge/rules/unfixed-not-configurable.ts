import { without } from '../../model/mask.ts';
import { byGates, changesOf, evidenceOf, registerOf } from '../lookup.ts';
import type { Rule } from '../rule.ts';

export const unfixedNotConfigurable: Rule = {
  id: 'unfixed-not-configurable',
  title: 'A fixed bit stopped being fixed and is not configurable',
  level: 'error',
  mirror: null,
  noMirror: 'It is a promise that is kept or broken, not a change with an opposite.',
  why: 'The module promised that a fixed bit which stops being fixed appears in CPUID_CONFIG (kvm list, April 2024). This one became native: TDs get it on hosts that have it, and nobody can switch it off. Bits that XFAM or ATTRIBUTES gate are controlled there and are not reported.',
  action:
    'Report it to the TDX module developers; until it is settled, treat hosts with and without the bit as different.',
  scope: 'step',
  judge: (context) =>
    changesOf('unfixed-not-configurable', context).flatMap((change) => {
      const dynamic = registerOf(context.to, change)?.dynamic ?? 0;
      return byGates(context.to, change, without(change.mask, dynamic))
        .filter(({ gates }) => gates.length === 0)
        .map(({ mask }) => ({
          place: { leaf: change.leaf, subleaf: change.subleaf, register: change.register },
          mask,
          facts: { kind: 'promise' as const, from: change.from, to: change.to },
          evidence: [...evidenceOf(context.from, change), ...evidenceOf(context.to, change)],
        }));
    }),
};
