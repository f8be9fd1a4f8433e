import type { Rule } from '../rule.ts';
import { hasSame, leftBehind, openerName } from '../transitions.ts';

export const clobberAdded: Rule = {
  id: 'clobber-added',
  title: 'The module’s own code now leaves an MSR changed',
  level: 'error',
  mirror: 'clobber-removed',
  why: 'The MSR is written on the way into a TD and not brought back to the host’s value on the way out, and the release before did not do so.',
  action: 'KVM must save and restore the MSR, or deny what opens it.',
  scope: 'step',
  judge: ({ clobbers, to }) => {
    if (clobbers.from === null || clobbers.to === null) return [];
    return leftBehind(clobbers.to)
      .filter((transition) => !hasSame(clobbers.from, transition))
      .map((transition) => ({
        facts: {
          kind: 'msr' as const,
          msr: transition.msr,
          exit: transition.exit,
          openers: transition.openers.map(openerName),
        },
        evidence: transition.entry.map((site) => ({
          repository: to.module.source.repository,
          revision: to.module.source.revision,
          path: site.path,
          line: site.line,
        })),
      }));
  },
};
