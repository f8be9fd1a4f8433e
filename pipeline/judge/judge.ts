import { diffReleases } from '../diff/release.ts';
import type { ReleaseDiff } from '../model/change.ts';
import type { ClassedRelease } from '../model/class.ts';
import type { ClobberFacts } from '../model/clobber.ts';
import type { Finding } from '../model/finding.ts';
import type { Knowledge } from '../model/knowledge.ts';
import type { Policy } from '../model/policy.ts';
import { RULES } from './catalogue.ts';
import { compareFindings, finish } from './finish.ts';
import { configurableBits } from './lookup.ts';
import type { PlaceVerdict, ReleaseContext } from './rule.ts';
import { verdictsOf } from './verdict.ts';

/** KVM's TDX code was written against this release's configurable bits (kvm list, December 2024). */
export const BASE_RELEASE = '1.5.06';

export type ClobbersByRelease = ReadonlyMap<string, ClobberFacts>;

/** One release against the one before it. */
export function judgeStep(
  from: ClassedRelease,
  to: ClassedRelease,
  clobbers: ClobbersByRelease,
  knowledge: Knowledge,
): { readonly diff: ReleaseDiff; readonly findings: readonly Finding[] } {
  const diff = diffReleases(from, to);
  const context = {
    from,
    to,
    diff,
    knowledge,
    clobbers: { from: clobbers.get(from.module.release) ?? null, to: clobbers.get(to.module.release) ?? null },
  };
  const subject = { from: from.module.release, to: to.module.release, policy: null };
  const findings = RULES.flatMap((rule) =>
    rule.scope === 'step' ? finish(rule, rule.judge(context), subject, knowledge) : [],
  );
  return { diff, findings: [...findings].sort(compareFindings) };
}

export type ReleaseJudgement = { readonly verdicts: readonly PlaceVerdict[]; readonly findings: readonly Finding[] };

/** One release under one policy; `since` leaves out what that release already offered. */
export function judgeRelease(
  release: ClassedRelease,
  policy: Policy,
  base: ClassedRelease,
  since: ClassedRelease | null,
  clobbers: ClobbersByRelease,
  knowledge: Knowledge,
): ReleaseJudgement {
  const baseline: ReleaseContext['base'] = { release: base.module.release, configurable: configurableBits(base) };
  const verdicts = verdictsOf(release, policy, baseline, knowledge);
  const context: ReleaseContext = {
    release,
    policy,
    verdicts,
    base: baseline,
    clobbers: clobbers.get(release.module.release) ?? null,
    since: since === null ? null : { release: since.module.release, configurable: configurableBits(since) },
    knowledge,
  };
  // `since` only narrows what is shown: the same fact keeps its fingerprint, and with it its waiver.
  const subject = { from: null, to: release.module.release, policy: policy.version };
  const findings = RULES.flatMap((rule) =>
    rule.scope === 'release' ? finish(rule, rule.judge(context), subject, knowledge) : [],
  );
  return { verdicts, findings: [...findings].sort(compareFindings) };
}

/** A policy against all releases that were read. */
export function judgePolicy(
  policy: Policy,
  releases: readonly ClassedRelease[],
  knowledge: Knowledge,
): readonly Finding[] {
  const subject = { from: null, to: policy.version, policy: policy.version };
  const findings = RULES.flatMap((rule) =>
    rule.scope === 'policy' ? finish(rule, rule.judge({ policy, releases, knowledge }), subject, knowledge) : [],
  );
  return [...findings].sort(compareFindings);
}

/** One KVM version against the one before it. */
export function judgePolicyStep(from: Policy, to: Policy, knowledge: Knowledge): readonly Finding[] {
  const subject = { from: from.version, to: to.version, policy: null };
  const findings = RULES.flatMap((rule) =>
    rule.scope === 'policy-step' ? finish(rule, rule.judge({ from, to, knowledge }), subject, knowledge) : [],
  );
  return [...findings].sort(compareFindings);
}
