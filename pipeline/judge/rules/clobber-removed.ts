import type { Rule } from '../rule.ts';
import { hasSame, leftBehind, openerName } from '../transitions.ts';

export const clobberRemoved: Rule = {
  id: 'clobber-removed',
  title: 'The module no longer leaves an MSR changed',
  level: 'info',
  mirror: 'clobber-added',
  why: 'The MSR is restored or no longer written; KVM’s own restore may be needless on this release.',
  action: 'Nothing to do; older releases still need KVM’s care.',
  scope: 'step',
  judge: ({ clobbers, to }) => {
    if (clobbers.from === null || clobbers.to === null) return [];
    return leftBehind(clobbers.from)
      .filter((transition) => !hasSame(clobbers.to, transition))
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
