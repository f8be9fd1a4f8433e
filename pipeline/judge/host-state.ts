import { isHarmless, isLeft } from '../diff/clobbers.ts';
import type { ClobberFacts, MsrTransition } from '../model/clobber.ts';
import { msrName } from '../model/msr-name.ts';
import { onceFor } from '../model/once.ts';
import type { HostChange, HostState } from '../model/review.ts';
import { restoreOf } from './clobber-facts.ts';
import type { ReleaseContext } from './rule.ts';
import { careOf } from './rules/host-state.ts';

/** What a release leaves of the host's state, held against the one before; what was not examined is never "none". */
export function hostStateOf(context: ReleaseContext): HostState {
  const { from, to, clobbers, knowledge } = context;
  if (clobbers.changes === null || clobbers.to === null) {
    const unread = [clobbers.from === null ? from : null, clobbers.to === null ? to : null];
    return {
      kind: 'not-examined',
      releases: [...new Set(unread.flatMap((release) => (release === null ? [] : [release.module.release])))],
    };
  }
  const told = (list: readonly MsrTransition[]): readonly HostChange[] =>
    list.filter((transition) => !isHarmless(transition, knowledge)).map((transition) => changeOf(transition, context));
  const left = clobbers.to.msrs.filter(isLeft);
  const news = [...clobbers.changes.added, ...clobbers.changes.changed];
  const same = left.filter((transition) => !news.includes(transition));
  const stillLeft = new Set(left.map(({ msr }) => msrName(msr)));
  return {
    kind: 'examined',
    how: learntOf(clobbers.to),
    worse: told(clobbers.changes.added),
    better: told(clobbers.changes.removed).map((change) =>
      stillLeft.has(change.msr) ? { ...change, isInPart: true } : change,
    ),
    otherwise: told(clobbers.changes.changed),
    standing: told(same).filter(({ kvm }) => kvm === 'nothing'),
  };
}

/** The least sure of the ways that a release's facts were learnt. */
const learntOf = onceFor(({ msrs }: ClobberFacts): 'derived' | 'read' | 'inferred' => {
  const hows = msrs.flatMap(({ learnt }) => (learnt === undefined ? [] : [learnt.entry.how, learnt.exit.how]));
  return hows.includes('inferred') ? 'inferred' : hows.includes('read') ? 'read' : 'derived';
});

function changeOf(transition: MsrTransition, context: ReleaseContext): HostChange {
  const { kvm } = context;
  const restore = kvm === null ? undefined : restoreOf(kvm.policy, transition.msr);
  return {
    msr: msrName(transition.msr),
    isRange: transition.range === true,
    // A KVM that refuses the release does nothing about it, for good or ill.
    kvm: kvm?.runs.kind === 'no' ? null : careOf(transition, context),
    restoredAt:
      kvm === null || restore === undefined
        ? null
        : {
            repository: kvm.policy.source.repository,
            revision: kvm.policy.source.revision,
            path: restore.path,
            line: restore.line,
          },
  };
}
