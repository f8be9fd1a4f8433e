import type { ClobberFacts, MsrTransition, Opener } from '../model/clobber.ts';
import { bitsOf } from '../model/mask.ts';
import { formatPlace } from '../model/place.ts';
import type { Draft } from './rule.ts';

/** MSRs that are written on the way in and do not have the host's value on the way out. */
const leftBehind = (facts: ClobberFacts | null): readonly MsrTransition[] =>
  (facts?.msrs ?? []).filter((transition) => transition.entry.length > 0 && transition.exit !== 'restored');

/** True where the facts hold the same transition: MSR, guard and exit. */
const hasSame = (facts: ClobberFacts | null, transition: MsrTransition): boolean =>
  leftBehind(facts).some(
    (other) => other.msr === transition.msr && other.guard === transition.guard && other.exit === transition.exit,
  );

/** `7.0.ECX[5]`, `attributes:63` or `xfam:15`. */
export function openerName(opener: Opener): string {
  if (opener.kind === 'cpuid') return `${formatPlace(opener)}[${[...bitsOf(opener.mask)].reverse().join(',')}]`;
  return `${opener.kind}:${opener.bit}`;
}

/** One draft for each transition of `facts` that `other` does not have; the evidence is where `facts` were read. */
export function transitionDrafts(facts: ClobberFacts | null, other: ClobberFacts | null): readonly Draft[] {
  if (facts === null || other === null) return [];
  const { repository, revision } = facts.source;
  return leftBehind(facts)
    .filter((transition) => !hasSame(other, transition))
    .map(({ msr, exit, openers, entry }) => ({
      facts: { kind: 'msr' as const, msr, exit, openers: openers.map(openerName) },
      evidence: entry.flatMap(({ path, line }) => (line === null ? [] : [{ repository, revision, path, line }])),
    }));
}
