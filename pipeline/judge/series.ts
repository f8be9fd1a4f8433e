import { type ClassedRelease, configurableMask } from '../model/class.ts';
import type { Finding, FoundPlace } from '../model/finding.ts';
import { bitMask, bitsOf, hasBit, or, without } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import { onceFor } from '../model/once.ts';
import { comparePlaces, type Place, placeId } from '../model/place.ts';
import type { Policy } from '../model/policy.ts';
import type { FindingChange, OpenAfter, ReleaseEffect, VerdictChange } from '../model/series-effect.ts';
import type { RuleId } from './catalogue.ts';
import { clobberFacts } from './clobber-facts.ts';
import { type Ground, judgeRelease, type ReleaseJudgement } from './judge.ts';
import { clobbersOf } from './lookup.ts';
import type { PlaceVerdict } from './rule.ts';
import { closedMask } from './verdict.ts';

/** Findings that stay a maintainer's question: bits that TDs get unreviewed, and bits that wait for an opt-in. */
const OPEN: ReadonlySet<string> = new Set<RuleId>(['exposed-clobbers-host', 'exposed-unreviewed', 'needs-optin']);

/** A release as it would be without any CPUID: what it is held against. What the two differ in is the same under every policy. */
const nothingOf = onceFor(
  (release: ClassedRelease): ClassedRelease => ({
    module: { ...release.module, lookup: [], configurable: [] },
    registers: [],
  }),
);

/** A release under a policy, held against nothing: all that the policy leaves open on it, which is nothing where there is none. */
function judge(release: ClassedRelease, policy: Policy | null, ground: Ground): ReleaseJudgement {
  const judgement = judgeRelease({ from: nothingOf(release), to: release, policy }, ground);
  return { ...judgement, findings: judgement.findings.filter(({ rule }) => OPEN.has(rule)) };
}

/** What going from one policy to another does to the TDs of each release; `null` before is a kernel without TDX support. */
export function releaseEffects(before: Policy | null, after: Policy, ground: Ground): readonly ReleaseEffect[] {
  return ground.releases.map((release) => {
    const had = judge(release, before, ground);
    const have = judge(release, after, ground);
    return {
      release: release.module.release,
      gates:
        // Of a release that KVM refuses there is no TD that could get anything.
        before === null || have.kvm?.runs.kind === 'no'
          ? { opened: [], shut: [] }
          : { opened: openedGates(release, before, after, ground), shut: openedGates(release, after, before, ground) },
      verdicts: verdictChanges(release, { before: had.verdicts, after: have.verdicts }, after, ground),
      closed: findingChanges(had.findings, have.findings),
      opened: findingChanges(have.findings, had.findings),
    };
  });
}

/** Bits that a VMM does not set, closed under one policy and not under the other. */
function openedGates(release: ClassedRelease, from: Policy, to: Policy, { knowledge }: Ground): readonly FoundPlace[] {
  return release.registers.flatMap((register) => {
    const { leaf, subleaf, register: name } = register;
    const opened = without(closedMask(register, from), closedMask(register, to));
    const mask = without(opened, configurableMask(register));
    const place: Place = { leaf, subleaf, register: name };
    return mask === 0 ? [] : [{ ...place, mask, bits: namedBits(knowledge.names, place, mask) }];
  });
}

/** What stays open under a policy, for the releases that are named, in their order; findings in their total order. */
export function openAfter(names: readonly string[], policy: Policy, ground: Ground): readonly OpenAfter[] {
  return names.flatMap((name) => {
    const release = ground.releases.find(({ module }) => module.release === name);
    if (release === undefined) return [];
    return [{ release: name, findings: judge(release, policy, ground).findings }];
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
  { before, after }: { readonly before: readonly PlaceVerdict[]; readonly after: readonly PlaceVerdict[] },
  policy: Policy,
  { clobbers, knowledge }: Ground,
): readonly VerdictChange[] {
  const had = byBit(before);
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

/** The bits to which a rule applies in one list and not in the other: what stays open always stands at a place. */
function findingChanges(have: readonly Finding[], had: readonly Finding[]): readonly FindingChange[] {
  const old = new Map<string, number>();
  for (const { rule, places } of had)
    for (const place of places) {
      const id = `${rule} ${placeId(place)}`;
      old.set(id, or(old.get(id) ?? 0, place.mask));
    }
  return have.flatMap(({ rule, level, places }) =>
    places.flatMap(({ leaf, subleaf, register, mask, bits }): readonly FindingChange[] => {
      const place: Place = { leaf, subleaf, register };
      const rest = without(mask, old.get(`${rule} ${placeId(place)}`) ?? 0);
      return rest === 0 ? [] : [{ rule, level, place, mask: rest, bits: bits.filter(({ bit }) => hasBit(rest, bit)) }];
    }),
  );
}
