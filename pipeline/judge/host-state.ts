import { isHarmless } from '../diff/clobbers.ts';
import type { MsrTransition } from '../model/clobber.ts';
import { msrName } from '../model/msr-name.ts';
import type { HostChange, HostState } from '../model/review.ts';
import { isExtendedState, restoreOf } from './clobber-facts.ts';
import type { ReleaseContext } from './rule.ts';

/** What a release leaves of the host's state, held against the one before; what was not examined is never "none". */
export function hostStateOf({ from, to, clobbers, kvm, knowledge }: ReleaseContext): HostState {
  const releases = [
    ...(clobbers.from === null ? [from.module.release] : []),
    ...(clobbers.to === null ? [to.module.release] : []),
  ];
  if (clobbers.changes === null) return { kind: 'not-examined', releases };
  const isTold = (transition: MsrTransition): boolean => !isHarmless(transition, knowledge);
  const changeOf = (transition: MsrTransition): HostChange => {
    const { msr, exit } = transition;
    const restore = kvm === null ? undefined : restoreOf(kvm.policy, msr);
    const source = kvm?.policy.source;
    return {
      fact: {
        feature: '',
        msr: msrName(msr),
        exit,
        restoredByKvm: kvm === null ? null : isExtendedState(transition) || restore !== undefined,
      },
      restoredAt:
        restore === undefined || source === undefined
          ? null
          : { repository: source.repository, revision: source.revision, path: restore.path, line: restore.line },
    };
  };
  return {
    kind: 'examined',
    how: 'derived',
    worse: clobbers.changes.added.filter(isTold).map(changeOf),
    better: clobbers.changes.removed.filter(isTold).map(changeOf),
  };
}
