import { evidenceOf } from '../lookup.ts';
import type { Draft, Rule } from '../rule.ts';

export const gateChanged: Rule = {
  id: 'gate-changed',
  title: 'An XFAM or attribute gate of a bit came or went',
  level: 'info',
  mirror: 'gate-changed',
  why: 'A gated bit is 0 in a TD whose XFAM or ATTRIBUTES bit is 0. Where a gate opens, TDs without that feature may newly have the bit; where one closes, they lose it.',
  action:
    'Where a gate opened: check that KVM’s policy for the bit does not rely on XFAM or ATTRIBUTES to keep it away.',
  scope: 'step',
  judge: (context) =>
    context.diff.gates.flatMap((change) => {
      const place = { leaf: change.leaf, subleaf: change.subleaf, register: change.register };
      const evidence = [...evidenceOf(context.from, change), ...evidenceOf(context.to, change)];
      const draft = (mask: number, opened: boolean): readonly Draft[] =>
        mask === 0
          ? []
          : [
              {
                place,
                mask,
                evidence,
                facts: { kind: 'gate', gate: change.gate, opened },
                ...(opened ? { level: 'warning' as const } : {}),
              },
            ];
      return [...draft(change.removed, true), ...draft(change.added, false)];
    }),
};
