import type { ClassedRelease } from '../model/class.ts';
import type { Finding, RuleId } from '../model/finding.ts';
import type { Knowledge } from '../model/knowledge.ts';
import { and, bitMask, bitsOf, hasBit, or } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import { comparePlaces, type Place, placeId } from '../model/place.ts';
import type { Policy } from '../model/policy.ts';
import type { FindingChange, OpenAfter, ReleaseEffect, VerdictChange } from '../model/series-effect.ts';
import { clobberFacts } from './clobber-facts.ts';
import { compareFindings } from './finish.ts';
import { type ClobbersByRelease, judgeRelease, type ReleaseJudgement } from './judge.ts';
import { clobbersOf } from './lookup.ts';
import type { PlaceVerdict } from './rule.ts';

/** What the judgement of a series rests on. */
export type SeriesGround = {
  readonly releases: readonly ClassedRelease[];
  /** The release that KVM's code was written against. */
  readonly base: ClassedRelease;
  readonly clobbers: ClobbersByRelease;
  readonly knowledge: Knowledge;
};

/** Findings that stay a maintainer's question: bits that TDs get unreviewed, and bits that wait for an opt-in. */
const OPEN: ReadonlySet<RuleId> = new Set(['exposed-clobbers-host', 'exposed-unreviewed', 'needs-optin']);

const judge = (
  release: ClassedRelease,
  policy: Policy,
  { base, clobbers, knowledge }: SeriesGround,
): ReleaseJudgement => judgeRelease(release, policy, base, null, clobbers, knowledge);

/** What going from one policy to another does to the TDs of each release; `null` before is a kernel without TDX support. */
export function releaseEffects(before: Policy | null, after: Policy, ground: SeriesGround): readonly ReleaseEffect[] {
  return ground.releases.map((release) => {
    const had = before === null ? null : judge(release, before, ground);
    const have = judge(release, after, ground);
    return {
      release: release.module.release,
      verdicts: verdictChanges(release, had?.verdicts ?? null, have.verdicts, after, ground),
      closed: had === null ? [] : findingChanges(had.findings, have.findings, ground.knowledge),
      opened: findingChanges(have.findings, had?.findings ?? [], ground.knowledge),
    };
  });
}

/** What stays open under a policy, for the releases that are named, in their order. */
export function openAfter(names: readonly string[], policy: Policy, ground: SeriesGround): readonly OpenAfter[] {
  return names.flatMap((name) => {
    const release = ground.releases.find(({ module }) => module.release === name);
    if (release === undefined) return [];
    const findings = judge(release, policy, ground).findings.filter(({ rule }) => OPEN.has(rule));
    return [{ release: name, findings: [...findings].sort(compareFindings) }];
  });
}

/** Verdicts by place and bit: two policies may cut the same register into other masks. */
function byBit(verdicts: readonly PlaceVerdict[]): ReadonlyMap<string, PlaceVerdict['verdict']> {
  return new Map(
    verdicts.flatMap((judged) =>
      bitsOf(judged.mask).map((bit) => [`${placeId(judged)} ${bit}`, judged.verdict] as const),
    ),
  );
}

function verdictChanges(
  release: ClassedRelease,
  before: readonly PlaceVerdict[] | null,
  after: readonly PlaceVerdict[],
  policy: Policy,
  { clobbers, knowledge }: SeriesGround,
): readonly VerdictChange[] {
  const had = byBit(before ?? []);
  const facts = clobbers.get(release.module.release) ?? null;
  return after
    .flatMap((judged): readonly VerdictChange[] => {
      const place: Place = { leaf: judged.leaf, subleaf: judged.subleaf, register: judged.register };
      const masks = new Map<PlaceVerdict['verdict'] | null, number>();
      for (const bit of bitsOf(judged.mask)) {
        const from = had.get(`${placeId(judged)} ${bit}`) ?? null;
        if (from !== judged.verdict) masks.set(from, or(masks.get(from) ?? 0, bitMask(bit)));
      }
      return [...masks].map(([from, mask]) => ({
        ...place,
        mask,
        bits: namedBits(knowledge.names, place, mask),
        class: judged.class,
        from,
        to: judged.verdict,
        clobbers: clobbersOf(knowledge, place, mask).flatMap(({ row }) => clobberFacts(row, facts, policy)),
      }));
    })
    .sort((a, b) => comparePlaces(a, b) || a.mask - b.mask);
}

/** The bits to which a rule applies in one list and not in the other. Facts without a place compare as a whole. */
function findingChanges(
  have: readonly Finding[],
  had: readonly Finding[],
  knowledge: Knowledge,
): readonly FindingChange[] {
  const key = ({ rule, place, facts }: Finding): string =>
    `${rule} ${place === null ? JSON.stringify(facts) : placeId(place)}`;
  const old = new Map<string, number>();
  for (const finding of had) old.set(key(finding), or(old.get(key(finding)) ?? 0, finding.mask));
  return have.flatMap((finding): readonly FindingChange[] => {
    const { rule, level, place } = finding;
    const known = old.get(key(finding));
    if (place === null || finding.mask === 0)
      return known === undefined ? [{ rule, level, place, mask: 0, bits: [] }] : [];
    const mask = bitsOf(finding.mask)
      .filter((bit) => !hasBit(known ?? 0, bit))
      .reduce((all, bit) => or(all, bitMask(bit)), 0);
    return mask === 0
      ? []
      : [{ rule, level, place, mask: and(mask, finding.mask), bits: namedBits(knowledge.names, place, mask) }];
  });
}
