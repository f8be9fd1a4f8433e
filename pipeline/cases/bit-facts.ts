import { clobberFacts } from '../judge/clobber-facts.ts';
import { BASE_RELEASE } from '../judge/judge.ts';
import { configurableBits } from '../judge/lookup.ts';
import { verdictsOf } from '../judge/verdict.ts';
import type { ReportFacts } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import type { BitFacts } from './page-facts.ts';
import { baseOf, clobbersByRelease } from './reviews.ts';

/** Every bit of the releases under every KVM version, for a page; the report says what the run was asked about. */
export function bitFactsOf(
  specs: Specs,
  report: ReportFacts,
  releases = specs.releases,
  discussions: BitFacts['discussions'] = null,
): BitFacts {
  const { policies, knowledge } = specs;
  const base = { release: BASE_RELEASE, configurable: configurableBits(baseOf(specs)) };
  const clobbers = clobbersByRelease(specs);
  return {
    releases,
    policies: policies.map((policy) => ({
      policy,
      verdicts: releases.map((release) => verdictsOf(release, policy, base, knowledge)),
    })),
    knowledge,
    hostFeatures: knowledge.clobbers.map((row) => {
      const exits = releases.map(({ module }) => clobberFacts(row, clobbers.get(module.release) ?? null, null));
      const restored = policies.map((policy) => clobberFacts(row, null, policy));
      return {
        row,
        msrs: row.msrs.map((msr, index) => ({
          msr: exits[0]?.[index]?.msr ?? msr,
          exits: exits.map((facts) => facts[index]?.exit ?? 'unknown'),
          restored: restored.map((facts) => facts[index]?.restoredByKvm === true),
        })),
      };
    }),
    base: BASE_RELEASE,
    webAddresses: new Map(
      specs.sources.filter(({ url }) => url.startsWith('https://')).map(({ repository, url }) => [repository, url]),
    ),
    discussions,
    first: firstOf(report),
  };
}

/** A run about one step or one KVM version is shown first; a run about all shows the page's own choice. */
function firstOf({ reviews }: ReportFacts): BitFacts['first'] {
  const step = reviews.filter(({ diff }) => diff !== null);
  const kvm = new Set(reviews.flatMap(({ policy }) => (policy === null ? [] : [policy.name])));
  const only = step.length === 1 ? step[0] : undefined;
  return {
    from: only?.from?.name ?? null,
    to: only?.to.name ?? null,
    kvm: kvm.size === 1 ? ([...kvm][0] ?? null) : null,
  };
}
