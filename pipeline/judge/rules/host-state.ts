import { compareClobberTable, isHarmless } from '../../diff/clobbers.ts';
import { type MsrTransition, type Opener, openerName } from '../../model/clobber.ts';
import type { FindingFacts } from '../../model/finding.ts';
import { msrName } from '../../model/msr-name.ts';
import { compareTexts } from '../../model/order.ts';
import { type Policy, supportedMasks } from '../../model/policy.ts';
import { isExtendedState, restoreOf } from '../clobber-facts.ts';
import type { Draft, ReleaseContext, Rule } from '../rule.ts';
import { listed } from '../verdict.ts';

type HostFacts = Extract<FindingFacts, { readonly kind: 'host-state' }>;
type Care = HostFacts['msrs'][number]['kvm'];

/** Whether KVM keeps every TD from what opens the write. */
export function isClosed({ openers }: Pick<MsrTransition, 'openers'>, policy: Policy): boolean {
  const supported = supportedMasks(policy);
  const isShut = (opener: Opener): boolean => {
    if (opener.kind === 'cpuid') return (listed(policy.deny, opener) & opener.mask) !== 0;
    return ((supported[opener.kind] >> BigInt(opener.bit)) & 1n) === 0n;
  };
  return openers.length > 0 && openers.every(isShut);
}

/** What KVM does about a write that is left behind: nothing is said without a KVM. */
export function careOf(transition: MsrTransition, { kvm }: ReleaseContext): Care {
  if (kvm === null) return null;
  if (isExtendedState(transition) || restoreOf(kvm.policy, transition.msr) !== undefined) return 'restores';
  return isClosed(transition, kvm.policy) ? 'closes' : 'nothing';
}

function hostDrafts(context: ReleaseContext, change: 'added' | 'removed'): readonly Draft[] {
  const { clobbers } = context;
  const owner = change === 'added' ? clobbers.to : clobbers.from;
  if (owner === null || clobbers.changes === null) return [];
  const { repository, revision } = owner.source;
  return clobbers.changes[change]
    .filter((transition) => !isHarmless(transition, context.knowledge))
    .map((transition): Draft => {
      const kvm = careOf(transition, context);
      const isHarm = change === 'added' && kvm === 'nothing';
      return {
        facts: {
          kind: 'host-state',
          change,
          msrs: [
            { msr: msrName(transition.msr), exit: transition.exit, openers: transition.openers.map(openerName), kvm },
          ],
        },
        evidence: transition.entry
          .slice(0, 1)
          .flatMap(({ path, line }) => (line === null ? [] : [{ repository, revision, path, line }])),
        ...(isHarm ? {} : { level: kvm === null && change === 'added' ? 'warning' : 'info' }),
      };
    });
}

export const clobberAdded = {
  id: 'clobber-added',
  title: 'The module’s own code now leaves host state changed',
  level: 'error',
  for: ['kernel'],
  mirror: 'clobber-removed',
  why: 'The MSR is written for the TD and the host’s value does not come back on the way out; in the release before it did, or nothing was written.',
  action: 'KVM must save and restore the MSR, or deny what opens it.',
  scope: 'release',
  judge: (context): readonly Draft[] => hostDrafts(context, 'added'),
} as const satisfies Rule;

export const clobberRemoved = {
  id: 'clobber-removed',
  title: 'The module no longer leaves host state changed',
  level: 'info',
  for: ['kernel'],
  mirror: 'clobber-added',
  why: 'The module restores the MSR or no longer writes it; KVM’s own restore may be needless on this release.',
  action: 'Nothing to do; older releases still need KVM’s care.',
  scope: 'release',
  judge: (context): readonly Draft[] => hostDrafts(context, 'removed'),
} as const satisfies Rule;

export const clobberUndocumented = {
  id: 'clobber-undocumented',
  title: 'The module’s code leaves an MSR changed and specs/clobbers.md does not say so',
  level: 'warning',
  for: ['kernel'],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'The argued list is what verdicts rest on; evidence without a row is a clobber that nobody judged.',
  action: 'Add a row to specs/clobbers.md with its source, or argue why it is none.',
  scope: 'project',
  judge: ({ knowledge, clobbers }): readonly Draft[] =>
    rowDrafts(
      'undocumented',
      compareClobberTable(knowledge.clobbers, clobbers).evidenceWithoutRow.map(({ transition }) => ({
        feature: transition.guard ?? 'always',
        msr: msrName(transition.msr),
      })),
    ),
} as const satisfies Rule;

export const clobberUnsupported = {
  id: 'clobber-unsupported',
  title: 'specs/clobbers.md names an MSR that no evidence supports',
  level: 'info',
  for: ['kernel'],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'The row may rest on a source other than the code, on a release that was not read, or on a mistake.',
  action: 'Check the row’s source.',
  scope: 'project',
  judge: ({ knowledge, clobbers }): readonly Draft[] =>
    rowDrafts(
      'unsupported',
      compareClobberTable(knowledge.clobbers, clobbers).rowsWithoutEvidence.map(({ row: { feature }, msr }) => ({
        feature,
        msr,
      })),
    ),
} as const satisfies Rule;

type Row = { readonly feature: string; readonly msr: string };

/** All rows in one draft, each once. */
function rowDrafts(problem: 'undocumented' | 'unsupported', rows: readonly Row[]): readonly Draft[] {
  const unique = [...new Map(rows.map((row) => [`${row.msr} ${row.feature}`, row])).values()].sort((a, b) =>
    compareTexts(`${a.msr} ${a.feature}`, `${b.msr} ${b.feature}`),
  );
  return unique.length === 0 ? [] : [{ facts: { kind: 'clobber-rows', problem, rows: unique } }];
}
