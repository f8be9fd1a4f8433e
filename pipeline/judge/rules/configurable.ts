import type { ClobberFact, FindingFacts, Verdict } from '../../model/finding.ts';
import type { GateId } from '../../model/gate.ts';
import { and, without } from '../../model/mask.ts';
import { sameLeaf } from '../../model/place.ts';
import { holdsAt } from '../../model/policy.ts';
import type { Evidence } from '../../model/source.ts';
import { clobberFacts, isLost, isShownLost, siteEvidence } from '../clobber-facts.ts';
import {
  arguedOf,
  bothEvidence,
  changesOf,
  clobbersOf,
  configurableAt,
  evidenceOf,
  functionalOf,
  numberBits,
  placeMask,
  stepsOf,
} from '../lookup.ts';
import type { Draft, PlaceMask, PlaceVerdict, ReleaseContext, Rule } from '../rule.ts';

/** Verdicts under which a TD may have the bit. */
const LET_THROUGH: ReadonlySet<Verdict> = new Set(['exposed', 'passed', 'allowed']);

type Fresh = PlaceMask & Pick<PlaceVerdict, 'backing' | 'isField'> & { readonly verdict: Verdict | null };

/** The bits that a VMM could not set in the release before; judged where a KVM version runs the release. */
function freshOf(context: ReleaseContext): readonly Fresh[] {
  const { from, kvm, knowledge } = context;
  const judged: readonly Fresh[] =
    kvm !== null && kvm.runs.kind !== 'no'
      ? kvm.verdicts
      : changesOf('configurable-added', context).flatMap((change) => {
          const numbers = numberBits(knowledge, change, change.mask);
          return [
            { ...placeMask(change, without(change.mask, numbers)), verdict: null, backing: null, isField: false },
            { ...placeMask(change, numbers), verdict: null, backing: null, isField: true },
          ];
        });
  return judged.flatMap((each) => {
    const mask = without(each.mask, configurableAt(from, each));
    return mask === 0 ? [] : [{ ...each, mask }];
  });
}

/** The facts of newly configurable bits of one register. */
function factsOf(context: ReleaseContext, fresh: Fresh, clobbers: readonly ClobberFact[]): FindingFacts {
  const changes = context.changes.filter(
    (change) => sameLeaf(change, fresh) && change.register === fresh.register && and(change.mask, fresh.mask) !== 0,
  );
  return {
    kind: 'configurable',
    steps: stepsOf(changes),
    verdict: fresh.verdict,
    backing: fresh.backing,
    clobbers,
    functional: functionalOf(context.knowledge, fresh, fresh.mask),
    ...harmlessOf(context, fresh),
    base: fresh.verdict === null ? null : (context.kvm?.base ?? null),
  };
}

/** What specs/clobbers.md argues of features that leave nothing: whoever has to decide on them wants the reason. */
function harmlessOf({ knowledge }: ReleaseContext, fresh: Fresh): Pick<Configurable, 'harmless'> {
  if (fresh.verdict !== 'exposed') return {};
  const rows = arguedOf(knowledge, fresh, fresh.mask).filter(({ kind }) => kind === 'harmless');
  return { harmless: rows.map(({ feature, source }) => ({ feature, reason: source })) };
}

type Configurable = Extract<FindingFacts, { readonly kind: 'configurable' }>;

function draftOf(context: ReleaseContext, fresh: Fresh): Draft {
  const { verdict } = fresh;
  return {
    places: [placeMask(fresh, fresh.mask)],
    facts: factsOf(context, fresh, []),
    evidence: [...evidenceOf(context.to, fresh), ...capsEvidence(context, fresh)],
    ...(verdict === null ? {} : { verdict }),
  };
}

/** Where KVM's lists name the bits: what denies, allows or gives them to ordinary VMs. */
function capsEvidence({ kvm }: ReleaseContext, { verdict, backing, ...place }: Fresh): readonly Evidence[] {
  if (kvm === null) return [];
  const { deny, allow, known, source } = kvm.policy;
  const list =
    verdict === 'denied' ? deny : verdict === 'allowed' ? allow : backing?.kind === 'caps' ? known : undefined;
  return (list ?? [])
    .filter((entry) => holdsAt(entry, place) && and(entry.mask, place.mask) !== 0)
    .map(({ path, line }) => ({ repository: source.repository, revision: source.revision, path, line }));
}

/** The bits of a clobbering feature, a draft each, with what is lost by what is known. */
function clobberDrafts(
  context: ReleaseContext,
  fresh: readonly Fresh[],
  isWorse: (fact: ClobberFact) => boolean,
): readonly Draft[] {
  return fresh.flatMap((each) =>
    clobbersOf(context.knowledge, each, each.mask).flatMap(({ row, mask }): readonly Draft[] => {
      const facts = clobberFacts(
        row,
        context.clobbers.to,
        each.verdict === null ? null : (context.kvm?.policy ?? null),
      );
      const lost = facts.filter(isWorse);
      if (lost.length === 0) return [];
      return [
        {
          story: row.feature,
          places: [placeMask(each, mask)],
          facts: factsOf(context, { ...each, mask }, lost),
          evidence: [...evidenceOf(context.to, each), ...siteEvidence(context.clobbers.to, lost)],
          ...(each.verdict === null ? {} : { verdict: each.verdict }),
          // Without the proof in the evidence it is a question, not an error.
          ...(each.verdict !== null && lost.some(isShownLost) ? {} : { level: 'warning' as const }),
        },
      ];
    }),
  );
}

export const exposedClobbersHost = {
  id: 'exposed-clobbers-host',
  title: 'A VMM may set it, this KVM lets it through, and it clobbers host state that this KVM does not restore',
  level: 'error',
  for: ['kernel', 'operator'],
  mirror: null,
  noMirror: 'A denial or a restore that comes is reported as policy-deny-added or restore-added.',
  why: 'A TD that uses the feature leaves the host’s MSR with a value that is not the host’s.',
  action: 'Do not give TDs the bit on this kernel; KVM must deny it or restore the MSR.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    // Not only what is new: a bit that the release before had harms the host all the same.
    clobberDrafts(
      context,
      (context.kvm?.verdicts ?? []).filter(({ verdict }) => LET_THROUGH.has(verdict)),
      isLost,
    ),
} as const satisfies Rule;

export const configurableAddedClobbersHost = {
  id: 'configurable-added-clobbers-host',
  title: 'A VMM may newly set a bit whose feature clobbers host state',
  level: 'warning',
  for: ['kernel'],
  mirror: null,
  noMirror: 'configurable-removed reports the way back; a clobber that can no longer happen needs no second finding.',
  why: 'After a TD used the feature, an MSR of the host keeps the TD’s or an initial value unless KVM saves and restores it. A KVM that lets unknown bits through corrupts host MSRs.',
  action: 'KVM must deny the bit, or restore the MSR after TDH.VP.ENTER, before it runs on this release.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    clobberDrafts(
      context,
      freshOf(context).filter(({ verdict }) => verdict === null),
      ({ exit }) => exit !== 'restored',
    ),
} as const satisfies Rule;

export const exposedUnreviewed = {
  id: 'exposed-unreviewed',
  title: 'A VMM may newly set a feature, this KVM lets it through, and nobody decided so',
  level: 'warning',
  for: ['kernel'],
  mirror: null,
  noMirror: 'A bit that was denied is reported as policy-deny-added.',
  why: 'KVM doesn’t filter it: the release that its code was written against does not offer it, and KVM does not give it to ordinary VMs either.',
  action: 'Review the feature for TDs: deny it, or record that it is harmless.',
  scope: 'release',
  judge: (context): readonly Draft[] => verdictDrafts(context, 'exposed'),
} as const satisfies Rule;

export const needsOptin = {
  id: 'needs-optin',
  title: 'A VMM may newly set a feature, and this KVM’s allowlist does not allow it',
  level: 'warning',
  for: ['kernel'],
  mirror: null,
  noMirror: 'A bit that was opted in is reported as policy-allow-added.',
  why: 'The bit stays hidden until KVM opts in: guests do not get the feature on this kernel.',
  action: 'Opt in if KVM can support the feature for TDs; else leave it hidden.',
  scope: 'release',
  judge: (context): readonly Draft[] => verdictDrafts(context, 'needs-optin'),
} as const satisfies Rule;

const verdictDrafts = (context: ReleaseContext, wanted: Verdict): readonly Draft[] =>
  freshOf(context)
    .filter(({ verdict, isField }) => verdict === wanted && !isField)
    .map((fresh) => draftOf(context, fresh));

export const configurableAdded = {
  id: 'configurable-added',
  isPlain: true,
  title: 'A VMM may newly set a bit',
  level: 'warning',
  for: ['kernel'],
  mirror: 'configurable-removed',
  why: 'KVM must decide whether a TD may have it; a KVM without a filter lets it through unreviewed.',
  action: 'Decide for KVM: opt in, deny, or leave hidden; check the feature for host state that it clobbers.',
  scope: 'release',
  judge: (context): readonly Draft[] => {
    const isNew = (place: PlaceMask): boolean => context.diff.leaves.added.some((leaf) => sameLeaf(leaf, place));
    // What is exposed or waits for an opt-in belongs to more urgent rules; verdicts are told apart from one another.
    return freshOf(context)
      .filter((fresh) => !(fresh.isField && isNew(fresh)))
      .map((fresh) => ({
        ...draftOf(context, fresh),
        ...(fresh.verdict === null && !fresh.isField ? {} : { level: 'info' as const }),
      }));
  },
} as const satisfies Rule;

export const configurableRemoved = {
  id: 'configurable-removed',
  isPlain: true,
  title: 'A VMM may no longer set a bit',
  level: 'warning',
  for: ['userspace'],
  mirror: 'configurable-added',
  why: 'A TD whose CPUID sets the bit no longer starts: KVM_TDX_INIT_VM fails, for TDH.MNG.INIT returns OPERAND_INVALID on CPUID_CONFIG.',
  action:
    'Do not pass the bit to KVM_TDX_INIT_VM on this release; user space must read KVM_TDX_CAPABILITIES instead of assuming it.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    changesOf('configurable-removed', context).map((change) => ({
      places: [placeMask(change, change.mask)],
      facts: { kind: 'not-configurable', steps: stepsOf([change]) },
      evidence: bothEvidence(context, change),
    })),
} as const satisfies Rule;

export const choiceChanged = {
  id: 'choice-changed',
  isPlain: true,
  title: 'What a VMM’s choice of a bit does changed',
  level: 'info',
  for: ['userspace'],
  mirror: 'choice-changed',
  why: 'Where the VMM chooses freely the TD gets what it asks for; where it may only clear the bit, the TD gets a 1 only on hosts that have it. Neither makes KVM_TDX_INIT_VM fail.',
  action: 'Check TD configurations that set the bit on hosts without the feature.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    changesOf('choice-changed', context).map((change) => ({
      places: [placeMask(change, change.mask)],
      facts: { kind: 'class', to: 'choice', steps: stepsOf([change]), gates: [] as readonly GateId[], clobbers: [] },
      evidence: bothEvidence(context, change),
    })),
} as const satisfies Rule;
