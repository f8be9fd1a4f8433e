import { type DeciderChange, diffDeciders, diffGuestRules } from '../diff/deciders.ts';
import { diffReleases } from '../diff/release.ts';
import { kvmContext } from '../judge/judge.ts';
import type { KvmContext } from '../judge/rule.ts';
import type { ReleaseDiff } from '../model/change.ts';
import type { ClassedRelease } from '../model/class.ts';
import { featureNamesOf } from '../model/control.ts';
import type { Decider } from '../model/decider.ts';
import type { Computation, DeciderRule } from '../model/decider-rules.ts';
import { UsageError } from '../model/errors.ts';
import type { NamedBit } from '../model/finding.ts';
import { lineOf } from '../model/lineage.ts';
import { and } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import { compareVersions } from '../model/order.ts';
import { samePlace } from '../model/place.ts';
import type { Policy } from '../model/policy.ts';
import type { Runs } from '../model/review.ts';
import { suggest } from '../model/suggest.ts';
import type { Specs } from '../specs/store.ts';
import { namedRelease } from './named.ts';
import { groundOf } from './reviews.ts';

/** Whether TDs that run under one release may be carried over to another, by what mapping_file.json publishes. */
type Carry = {
  readonly answer: 'yes' | 'no' | 'unknown';
  readonly why: 'from-the-minimum-on' | 'below-the-minimum' | 'other-line' | 'not-published' | 'older-release';
  /** The oldest running release that the new one may replace; null where it is not published. */
  readonly minimum: string | null;
  /** SEAMLDR versions that load the new release; empty where they are not published. */
  readonly seamldr: readonly string[];
  /** Where the new release's line of mapping_file.json was seen; null where it was not. */
  readonly source: string | null;
};

/** What a change of who decides does to a TD that is built under the new release. */
export const EFFECTS = ['settable', 'not-settable', 'one', 'zero', 'other'] as const;
export type UpdateEffect = (typeof EFFECTS)[number];

export type UpdateChange = DeciderChange & {
  readonly effect: UpdateEffect;
  readonly bits: readonly NamedBit[];
  /** What KVM makes of bits that became settable, where one KVM was asked about: mask by verdict. */
  readonly verdicts: readonly { readonly verdict: string; readonly mask: number }[];
};

/** What new TDs see otherwise; null where the tables or the code of a release were not examined. */
type NewTds = {
  readonly changes: readonly UpdateChange[];
  readonly tables: ReleaseDiff;
  /** What the two releases call the bits of TDX_FEATURES0, the newer one where both do. */
  readonly featureNames: ReadonlyMap<number, string>;
};

export type Update = {
  readonly from: string;
  readonly to: string;
  readonly kvm: string | null;
  /** Whether the KVM that is asked about takes the new release; null without one, or without the release's tables. */
  readonly runs: Runs | null;
  readonly carry: Carry;
  /** Rules of the guest's CPUID that only one of the two has; null where they were not examined. */
  readonly guest: { readonly added: readonly DeciderRule[]; readonly removed: readonly DeciderRule[] } | null;
  readonly newTds: NewTds | null;
  /** Each fact that is missing, in a sentence. */
  readonly unknown: readonly string[];
};

/** What an update of the module does to TDs that run and to TDs that come. Throws a UsageError for a release that is not known. */
// The facts, both releases as somebody named them, and the KVM that is asked about.
export function updateOf(specs: Specs, fromText: string, toText: string, policy: Policy | null): Update {
  const [from, to] = [knownName(specs, fromText), knownName(specs, toText)];
  const [before, after] = [readRelease(specs, from), readRelease(specs, to)];
  const [oldRules, newRules] = [specs.deciders.get(from), specs.deciders.get(to)];
  const unread = [from, to].filter((release) => readRelease(specs, release) === undefined);
  const unexamined = [from, to].filter((release) => !unread.includes(release) && !specs.deciders.has(release));
  const seen = after === undefined || policy === null ? null : kvmContext(after, policy, groundOf(specs));
  const newTds = before === undefined || after === undefined ? null : newTdsOf(specs, before, after, seen);
  return {
    from,
    to,
    kvm: policy?.version ?? null,
    runs: seen?.runs ?? null,
    carry: carryOf(specs, from, to),
    guest: oldRules === undefined || newRules === undefined ? null : diffGuestRules(oldRules, newRules),
    newTds,
    unknown: [
      ...unread.map((release) => `the tables of ${release} could not be read: what its TDs see is not known`),
      ...unexamined.map((release) => `the code of ${release} was not examined: who decides its bits is not known`),
      ...inferredOf(specs, [from, to]),
      ...(newTds?.tables.coverage.unknown ?? []),
    ],
  };
}

// The facts, both releases, and what KVM makes of the new one's bits. Null where the code of one was not examined.
function newTdsOf(specs: Specs, before: ClassedRelease, after: ClassedRelease, seen: KvmContext | null): NewTds | null {
  if (!specs.deciders.has(before.module.release) || !specs.deciders.has(after.module.release)) return null;
  return {
    changes: diffDeciders(before, after).map((change): UpdateChange => {
      const effect = effectOf(change);
      const verdicts = effect !== 'settable' ? [] : (seen?.verdicts ?? []);
      return {
        ...change,
        effect,
        bits: namedBits(specs.knowledge.names, change, change.mask),
        verdicts: verdicts.flatMap((each) => {
          const mask = samePlace(each, change) ? and(each.mask, change.mask) : 0;
          return mask === 0 ? [] : [{ verdict: each.verdict, mask }];
        }),
      };
    }),
    tables: diffReleases(before, after),
    featureNames: featureNamesOf(new Map([...before.module.featureNames, ...after.module.featureNames])),
  };
}

function knownName(specs: Specs, text: string): string {
  const name = namedRelease(specs, text);
  if (name !== null) return name;
  const names = [...specs.releases.map(({ module }) => module.release), ...specs.known.map(({ release }) => release)];
  throw new UsageError(
    `no release ${JSON.stringify(text)} is known${suggest(text, names)}; \`bitwatch list releases\` lists them`,
  );
}

const readRelease = (specs: Specs, name: string) => specs.releases.find(({ module }) => module.release === name);

const inferredOf = (specs: Specs, releases: readonly string[]): readonly string[] =>
  [...new Set(releases)].flatMap((release) => {
    const inferred = (specs.deciders.get(release)?.sources ?? []).filter(({ how }) => how === 'inferred');
    return inferred.map(({ path, reason }) => `${release}: ${path} is inferred, not read: ${reason ?? 'no reason'}`);
  });

/**
 * The minimum is the published one. A release of another major.minor is not reached whatever its number: the same repository's
 * README says so of what its loader calls incapable. Whether an older release may replace a newer one is published nowhere.
 */
function carryOf(specs: Specs, from: string, to: string): Carry {
  const entry = specs.known.find(({ release }) => release === to);
  const minimum = entry?.updatesFrom ?? null;
  const source = entry?.seen.find((text) => text.endsWith('mapping_file.json')) ?? null;
  const rest = { minimum, seamldr: entry?.seamldr ?? [], source };
  if (lineOf(from) !== lineOf(to)) return { answer: 'no', why: 'other-line', ...rest };
  if (minimum === null) return { answer: 'unknown', why: 'not-published', ...rest };
  if (compareVersions(from, minimum) < 0) return { answer: 'no', why: 'below-the-minimum', ...rest };
  if (compareVersions(from, to) > 0) return { answer: 'unknown', why: 'older-release', ...rest };
  return { answer: 'yes', why: 'from-the-minimum-on', ...rest };
}

/** Computations that start from what the VMM configured. */
const FROM_VMM: readonly Computation[] = ['fms', 'maxpa', 'topology', 'native-cache'];

const isSettable = (decider: Decider | null): boolean =>
  decider !== null &&
  (decider.by.kind === 'vmm' ||
    decider.by.kind === 'vmm-and-host' ||
    (decider.by.kind === 'computed' && FROM_VMM.includes(decider.by.what)));

/** True where every TD that gets an answer at all gets this value. */
const isAlways = (decider: Decider | null, value: 0 | 1): boolean =>
  decider !== null &&
  decider.by.kind === 'constant' &&
  decider.by.value === value &&
  decider.conditions.every(({ otherwise }) => otherwise === value || otherwise === 've');

function effectOf({ from, to }: DeciderChange): UpdateEffect {
  if (isSettable(to) && !isSettable(from)) return 'settable';
  if (isSettable(from) && !isSettable(to)) return 'not-settable';
  if (isAlways(to, 1) && !isAlways(from, 1)) return 'one';
  if (isAlways(to, 0) && !isAlways(from, 0)) return 'zero';
  return 'other';
}
