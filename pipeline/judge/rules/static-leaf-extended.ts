import type { CellClass } from '../../model/class.ts';
import { subleafOf } from '../../model/place.ts';
import { evidenceOf } from '../lookup.ts';
import type { Rule } from '../rule.ts';

const OPEN: readonly CellClass[] = ['config-direct', 'allow-direct', 'fixed1', 'native'];

export const staticLeafExtended: Rule = {
  id: 'static-leaf-extended',
  title: 'A register that never holds features gained bits',
  level: 'error',
  mirror: null,
  noMirror: 'A register that never holds features may lose bits without harm.',
  why: 'KVM accepts such a register as a whole instead of bit by bit, on the promise that it will never hold features (June 2026; specs/leaves.md).',
  action: 'Check what the new bits mean; if they are features, KVM must match the register bit by bit.',
  scope: 'step',
  judge: (context) =>
    context.diff.changes
      .filter((change) => (change.from === 'fixed0' || change.from === 'fixed1') && OPEN.includes(change.to))
      .flatMap((change) =>
        context.knowledge.staticRegisters
          .filter(
            (row) =>
              row.leaf === change.leaf &&
              (row.subleaf === null || row.subleaf === subleafOf(change)) &&
              (row.register === null || row.register === change.register),
          )
          .slice(0, 1)
          .map((row) => ({
            place: { leaf: change.leaf, subleaf: change.subleaf, register: change.register },
            mask: change.mask,
            facts: { kind: 'static-leaf' as const, from: change.from, to: change.to, reason: row.reason },
            evidence: [...evidenceOf(context.from, change), ...evidenceOf(context.to, change)],
          })),
      ),
};
