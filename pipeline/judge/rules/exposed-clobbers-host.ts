import { without } from '../../model/mask.ts';
import { placeId } from '../../model/place.ts';
import { clobberFacts } from '../clobber-facts.ts';
import { clobbersOf, evidenceOf } from '../lookup.ts';
import type { Rule } from '../rule.ts';

export const exposedClobbersHost: Rule = {
  id: 'exposed-clobbers-host',
  title: 'Configurable, let through by this KVM, and it clobbers host state that this KVM does not restore',
  level: 'error',
  mirror: null,
  noMirror: 'A denial or a restore that comes is reported as policy-deny-added or restore-added.',
  why: 'A TD that uses the feature leaves the host’s MSR with a value that is not the host’s.',
  action: 'Do not give TDs the bit on this kernel; KVM must deny it or restore the MSR.',
  scope: 'release',
  judge: ({ release, policy, verdicts, knowledge, clobbers, since }) =>
    verdicts
      .filter(({ verdict }) => verdict === 'exposed' || verdict === 'allowed')
      .flatMap((judged) => {
        const place = { leaf: judged.leaf, subleaf: judged.subleaf, register: judged.register };
        const mask = since === null ? judged.mask : without(judged.mask, since.configurable.get(placeId(place)) ?? 0);
        return clobbersOf(knowledge, place, mask).flatMap(({ row, mask: bits }) => {
          const open = clobberFacts(row, clobbers, policy).filter(
            (fact) => fact.restoredByKvm === false && fact.exit !== 'restored',
          );
          if (open.length === 0) return [];
          const facts = { kind: 'clobber' as const, from: null, to: judged.class, clobbers: open };
          return [{ place, mask: bits, facts, verdict: judged.verdict, evidence: evidenceOf(release, place) }];
        });
      }),
};
