import { clobberFacts } from '../judge/clobber-facts.ts';
import { kvmContext } from '../judge/judge.ts';
import type { ReportFacts } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import type { BitFacts } from './page-facts.ts';
import { groundOf } from './reviews.ts';

/** Every bit of the releases under every KVM version, for a page; the report says what the run was asked about. */
export function bitFactsOf(
  specs: Specs,
  report: ReportFacts,
  script: string,
  { releases = specs.releases, discussions = null }: Partial<Pick<BitFacts, 'releases' | 'discussions'>> = {},
): BitFacts {
  const { policies, knowledge } = specs;
  const ground = groundOf(specs);
  const { clobbers } = ground;
  return {
    script,
    releases,
    policies: policies.map((policy) => ({
      policy,
      verdicts: releases.map((release) => kvmContext(release, policy, ground).verdicts),
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
    base: ground.base ?? '',
    webAddresses: new Map(
      specs.sources.filter(({ url }) => url.startsWith('https://')).map(({ repository, url }) => [repository, url]),
    ),
    discussions,
    first: firstOf(report),
  };
}

/** A run about one step or one KVM version is shown first; a run about all shows the page's own choice. */
function firstOf({ reviews }: ReportFacts): BitFacts['first'] {
  const step = reviews.filter((review) => review.kind === 'release');
  const kvm = new Set(step.flatMap(({ policy }) => (policy === null ? [] : [policy.name])));
  const only = step.length === 1 ? step[0] : undefined;
  return {
    from: only?.from.name ?? null,
    to: only?.to.name ?? null,
    kvm: kvm.size === 1 ? ([...kvm][0] ?? null) : null,
  };
}
