import { compareClobberTable } from '../diff/clobbers-table.ts';
import { compareRegisters, type RegisterMask } from '../diff/registers.ts';
import { CATALOGUE } from '../judge/catalogue.ts';
import { finish } from '../judge/finish.ts';
import {
  BASE_RELEASE,
  type ClobbersByRelease,
  judgePolicy,
  judgePolicyStep,
  judgeRelease,
  judgeStep,
} from '../judge/judge.ts';
import { applyWaivers, type WaiverEntry } from '../judge/waivers.ts';
import type { ClassedRelease } from '../model/class.ts';
import { UsageError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import { bitsOf64, hex } from '../model/mask.ts';
import type { ModuleRelease } from '../model/module.ts';
import { compareTexts, compareVersions } from '../model/order.ts';
import type { Policy } from '../model/policy.ts';
import type { RegisterCheck } from '../model/register-mask.ts';
import type { Coverage, Participant, ReportFacts, Review } from '../model/review.ts';
import { type Specs, waiverPlace } from '../specs/store.ts';

/** The major line of a release: 1.0, 1.5, 2.0. */
export const lineOf = (release: string): string => release.split(/[ .]/).slice(0, 2).join('.');

/**
 * Each release with the one before it. Within a line that is the next older one. The first release of a line branched off
 * the line before: its predecessor is the newest release there whose TDX_FEATURES0 it has whole, as far as that is known,
 * so that a later update of the old line is not mistaken for something that the new line took away.
 */
export function releaseSteps(
  releases: readonly ClassedRelease[],
): readonly { readonly from: ClassedRelease; readonly to: ClassedRelease }[] {
  const sorted = [...releases].sort((a, b) => compareVersions(a.module.release, b.module.release));
  return sorted.flatMap((to, index) => {
    const earlier = sorted.slice(0, index);
    const from = predecessorOf(to, earlier);
    return from === undefined ? [] : [{ from, to }];
  });
}

function predecessorOf(to: ClassedRelease, earlier: readonly ClassedRelease[]): ClassedRelease | undefined {
  const own = earlier.filter(({ module }) => lineOf(module.release) === lineOf(to.module.release)).at(-1);
  if (own !== undefined) return own;
  const lastLine = lineOf(earlier.at(-1)?.module.release ?? '');
  const line = earlier.filter(({ module }) => lineOf(module.release) === lastLine);
  const features = to.module.features0;
  const branch =
    features === null
      ? undefined
      : line.filter(({ module }) => module.features0 !== null && (module.features0 & ~features) === 0n).at(-1);
  return branch ?? line.at(-1);
}

const participantOf = (release: ClassedRelease): Participant => ({
  name: release.module.release,
  source: release.module.source,
  notes: release.module.notes,
});
const policyParticipant = (policy: Policy): Participant => ({
  name: policy.version,
  source: policy.source,
  notes: policy.notes,
});

export function baseOf(specs: Specs): ClassedRelease {
  const base = specs.releases.find(({ module }) => module.release === BASE_RELEASE);
  if (base === undefined)
    throw new UsageError(`specs/modules has no ${BASE_RELEASE}, the release that KVM's code was written against`);
  return base;
}

/** One successive pair. */
export function stepReview(
  specs: Specs,
  clobbers: ClobbersByRelease,
  from: ClassedRelease,
  to: ClassedRelease,
): Review {
  const { diff, findings } = judgeStep(from, to, clobbers, specs.knowledge);
  return {
    id: `${from.module.release}..${to.module.release}`,
    from: participantOf(from),
    to: participantOf(to),
    policy: null,
    diff,
    findings,
    command: `bitwatch review ${quoteArgument(to.module.release)} --since ${quoteArgument(from.module.release)}`,
  };
}

/** A release name with a blank must be quoted where a reader pastes the command. */
export const quoteArgument = (text: string): string =>
  /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** A release under a policy. */
export function releaseReview(
  specs: Specs,
  clobbers: ClobbersByRelease,
  release: ClassedRelease,
  policy: Policy,
  since: ClassedRelease | null,
): Review {
  const { findings } = judgeRelease(release, policy, baseOf(specs), since, clobbers, specs.knowledge);
  const tail = since === null ? '' : ` --since ${quoteArgument(since.module.release)}`;
  return {
    id: `${release.module.release} on ${policy.version}`,
    from: since === null ? null : participantOf(since),
    to: participantOf(release),
    policy: policyParticipant(policy),
    diff: null,
    findings,
    command: `bitwatch review ${quoteArgument(release.module.release)} --kvm ${quoteArgument(policy.version)}${tail}`,
  };
}

function policyReview(specs: Specs, policy: Policy): Review {
  return {
    id: policy.version,
    from: null,
    to: policyParticipant(policy),
    policy: policyParticipant(policy),
    diff: null,
    findings: judgePolicy(policy, specs.releases, specs.knowledge),
    command: 'bitwatch report',
  };
}

export function policyStepReview(specs: Specs, from: Policy, to: Policy): Review {
  return {
    id: `${from.version}..${to.version}`,
    from: policyParticipant(from),
    to: policyParticipant(to),
    policy: null,
    diff: null,
    findings: judgePolicyStep(from, to, specs.knowledge),
    command: `bitwatch diff ${quoteArgument(from.version)} ${quoteArgument(to.version)}`,
  };
}

/** What the whole project says: every step, every release under every policy, every policy, what could not be read. */
export function wholeReport(specs: Specs, clobbers: ClobbersByRelease, today: string): ReportFacts {
  const steps = releaseSteps(specs.releases).map(({ from, to }) => stepReview(specs, clobbers, from, to));
  const judged = specs.policies.flatMap((policy) =>
    specs.releases.map((release) => releaseReview(specs, clobbers, release, policy, null)),
  );
  const policies = specs.policies.map((policy) => policyReview(specs, policy));
  const policySteps = specs.policies
    .slice(1)
    .map((to, index) => policyStepReview(specs, specs.policies[index] ?? to, to));
  const reviews = [...steps, ...judged, ...policies, ...policySteps, factsReview(specs)];
  return withWaivers({ reviews, coverage: coverageOf(specs, steps) }, specs, today);
}

/** Findings about the facts themselves: releases without tables, sources that disagree. */
function factsReview(specs: Specs): Review {
  const subject = { from: null, to: 'specs', policy: null };
  const missing = unreadOf(specs).map(({ release }) => ({ facts: { kind: 'missing' as const, what: release } }));
  const disagree = specs.known.flatMap((known) => {
    const module = specs.releases.find((release) => release.module.release === known.release)?.module;
    if (module?.features0 == null || known.features0 === null || sameFeatures(module, known.features0)) return [];
    return [
      {
        facts: {
          kind: 'disagreement' as const,
          what: `TDX_FEATURES0 of ${known.release}`,
          left: `${hex(module.features0)} (source ${module.source.repository})`,
          right: `${hex(known.features0)} (mapping_file.json)`,
        },
      },
    ];
  });
  const table = compareClobberTable(specs.knowledge.clobbers, specs.clobbers);
  const row = (feature: string, msr: string) => ({ facts: { kind: 'clobber-row' as const, feature, msr } });
  const undocumented = uniqueBy(
    table.evidenceWithoutRow,
    ({ transition }) => `${transition.msr} ${transition.guard}`,
  ).map(({ transition }) => row(transition.guard ?? 'always', transition.msr));
  const unsupported = table.rowsWithoutEvidence.map(({ row: { feature }, msr }) => row(feature, msr));
  const registers = compareRegisters(specs.registers, newestChecks(specs))
    .filter(({ differs }) => differs)
    .map((columns) => ({
      facts: {
        kind: 'register-mask' as const,
        interface: columns.interface,
        register: columns.register,
        documented: maskText(columns.documented),
        enforced: maskText(columns.enforced),
        validated: maskText(columns.validated),
      },
    }));
  const findings = (
    [
      ['facts-missing', missing],
      ['sources-disagree', disagree],
      ['clobber-undocumented', undocumented],
      ['clobber-unsupported', unsupported],
      ['register-mask-mismatch', registers],
    ] as const
  ).flatMap(([rule, drafts]) => finish(CATALOGUE[rule], drafts, subject, specs.knowledge));
  return {
    id: 'specs',
    from: null,
    to: { name: 'specs', source: null, notes: [] },
    policy: null,
    diff: null,
    findings,
    command: 'bitwatch check',
  };
}

/** Equal in all bits that do not depend on the platform. */
const sameFeatures = (module: ModuleRelease, published: bigint): boolean =>
  ((module.features0 ?? 0n) ^ published) === 0n ||
  (((module.features0 ?? 0n) ^ published) &
    ~module.features0Conditional.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n)) ===
    0n;

/** What the newest release whose check was read enforces. */
const newestChecks = (specs: Specs): readonly RegisterCheck[] =>
  specs.clobbers.findLast(({ registerChecks }) => (registerChecks ?? []).length > 0)?.registerChecks ?? [];

/** `set none, clear 63:32, 4, 1, 0`, or that nothing is checked. */
function maskText(mask: RegisterMask | null): string {
  if (mask === null) return 'not checked';
  const bits = (value: bigint): string =>
    [...bitsOf64(value)].reverse().reduce<string[]>(joinRuns, []).join(', ') || 'none';
  return `set ${bits(mask.mustBeSet)}, clear ${bits(mask.mustBeClear)}`;
}

/** Appends a bit to runs written `63:32`, highest first. */
function joinRuns(runs: string[], bit: number): string[] {
  const last = runs.at(-1)?.split(':').map(Number);
  if (last !== undefined && last.at(-1) === bit + 1) runs[runs.length - 1] = `${last[0]}:${bit}`;
  else runs.push(`${bit}`);
  return runs;
}

const uniqueBy = <T>(items: readonly T[], key: (item: T) => string): readonly T[] => [
  ...new Map(items.map((item) => [key(item), item] as const)).values(),
];

export function unreadOf(specs: Specs): Coverage['unread'] {
  const read = new Set(specs.releases.map(({ module }) => module.release));
  return specs.known
    .filter(({ release }) => !read.has(release))
    .map(({ release, sourceReleased }) => ({
      release,
      reason:
        sourceReleased === false
          ? 'its source is not published yet'
          : 'its source could not be read from the public history that is at hand',
    }));
}

export function coverageOf(specs: Specs, steps: readonly Review[]): Coverage {
  return {
    releases: specs.releases.map(({ module }) => module.release),
    policies: specs.policies.map(({ version }) => version),
    unread: unreadOf(specs),
    cells: steps.reduce((all, step) => all + (step.diff?.coverage.cells ?? 0), 0),
    skipped: [...new Set(steps.flatMap((step) => step.diff?.coverage.unknown ?? []))].sort(compareTexts),
  };
}

/** Waivers apply to all findings at once: only so can one that matches nothing be told. */
export function withWaivers(report: ReportFacts, specs: Specs, today: string): ReportFacts {
  const all = report.reviews.flatMap((review) => review.findings);
  const judged = applyWaivers(all, waiversOf(specs), today, specs.knowledge);
  const waived = new Map(
    judged.filter((finding) => finding.waived !== null).map((finding) => [finding.fingerprint, finding.waived]),
  );
  const own: readonly Finding[] = judged.filter(
    (finding) => finding.rule === 'waiver-unmatched' || finding.rule === 'waiver-expired',
  );
  return {
    ...report,
    reviews: report.reviews.map((review) => ({
      ...review,
      findings: [
        ...review.findings.map((finding) => ({ ...finding, waived: waived.get(finding.fingerprint) ?? null })),
        ...(review.id === 'specs' ? own : []),
      ],
    })),
  };
}

export function waiversOf(specs: Specs): readonly WaiverEntry[] {
  return specs.waivers.map((plain) => {
    const person = { reason: plain.reason, by: plain.by, until: plain.until ?? null };
    if ('fingerprint' in plain) return { ...person, selector: { fingerprint: plain.fingerprint } };
    const bit = waiverPlace(plain.bit);
    return {
      ...person,
      selector: {
        rule: plain.rule,
        place: bit?.place ?? null,
        release: plain.release ?? null,
        policy: plain.policy ?? null,
      },
    };
  });
}
