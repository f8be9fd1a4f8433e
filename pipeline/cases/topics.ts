import { type Cpuid2Verdict, judgeCpuid2 } from '../judge/cpuid2.ts';
import { isClosed as isKeptClosed } from '../judge/rules/host-state.ts';
import { runsOn } from '../judge/runs.ts';
import { GATE_FIELDS } from '../model/control.ts';
import type { Decider } from '../model/decider.ts';
import { GATE_KINDS, type GateId, type GateKind, gateId } from '../model/gate.ts';
import type { ClobberRow } from '../model/knowledge.ts';
import { and, or, rangeMask } from '../model/mask.ts';
import { disputedFeatures, type FixedMasks, type ModuleRelease } from '../model/module.ts';
import { msrName } from '../model/msr-name.ts';
import { compareNumbers } from '../model/order.ts';
import { comparePlaces, type Place, samePlace } from '../model/place.ts';
import { type PartialPolicy, type Policy, supportedMasks } from '../model/policy.ts';
import type { KnownRelease } from '../specs/lists-file.ts';
import type { Specs } from '../specs/store.ts';
import { type FlagTopic, flagTopic, type GuestTopic, guestTopic, type LeafTopic, leafTopic } from './guest-topics.ts';
import { buildOf, namedRelease } from './named.ts';
import { followsOf } from './release-steps.ts';

/** Something that people ask about besides a bit, a rule or a finding. */
export type Topic =
  | { readonly kind: 'release'; readonly release: ReleaseTopic; readonly build: string | null }
  | { readonly kind: 'kernel'; readonly policy: Policy }
  | { readonly kind: 'partial-kernel'; readonly partial: PartialPolicy }
  | { readonly kind: 'cpuid2'; readonly kernels: readonly Cpuid2Kernel[] }
  | { readonly kind: 'msr'; readonly msr: MsrTopic }
  | { readonly kind: 'control'; readonly control: ControlTopic }
  | { readonly kind: 'leaf'; readonly leaf: LeafTopic }
  | { readonly kind: 'guest'; readonly guest: GuestTopic }
  | { readonly kind: 'flag'; readonly flag: FlagTopic }
  | {
      readonly kind: 'family';
      readonly name: string;
      readonly members: readonly Member[];
      readonly rows: readonly ClobberRow[];
    };

export type ReleaseTopic = {
  readonly release: string;
  readonly known: KnownRelease | null;
  /** Null where the tables of the release were not read. */
  readonly source: { readonly repository: string; readonly revision: string; readonly path: string } | null;
  readonly follows: string | null;
  readonly mrseam: string | null;
  readonly features0: bigint | null;
  /** Bits of it that the platform decides; they are given as 1. */
  readonly features0Conditional: readonly number[];
  /** What mapping_file.json says, where that is something else. */
  readonly publishedFeatures0: bigint | null;
  /** Whether the code that decides its bits was read at this release, or some of its files were inferred from another one. */
  readonly deciders: 'read' | 'partly-inferred' | 'not-examined';
  readonly hostState: 'read' | 'partly-inferred' | 'not-read';
};

/** What one kernel makes of KVM_SET_CPUID2 where KVM_TDX_INIT_VM was told otherwise. */
export type Cpuid2Kernel = { readonly version: string; readonly verdicts: readonly Cpuid2Verdict[] };

export type MsrTopic = {
  readonly msr: string;
  /** False for a register that has no address: CR2, XCR0, PKRU, the debug registers. */
  readonly isMsr: boolean;
  readonly rows: readonly ClobberRow[];
  readonly releases: readonly { readonly release: string; readonly exit: string; readonly guard: string | null }[];
  /** Every release whose ways in and out were read. */
  readonly examined: readonly string[];
  readonly kernels: readonly { readonly version: string; readonly restoredAt: string | null }[];
  /** Whether, in releases that a KVM runs, the module leaves it changed only for TDs that have what no KVM lets a TD have. */
  readonly isClosed: boolean;
  /** Whether any KVM runs a release that leaves it changed. */
  readonly isRun: boolean;
};

export type ControlTopic = {
  readonly field: (typeof GATE_FIELDS)[GateKind]['field'];
  readonly bit: number;
  readonly name: string | null;
  /** `unread` where the release's masks are not known. */
  readonly releases: readonly { readonly release: string; readonly may: 'set' | 'always 1' | 'always 0' | 'unread' }[];
  readonly kernels: readonly { readonly version: string; readonly supports: boolean }[];
  /** What the newest release keeps behind it. */
  readonly gated: readonly (Place & { readonly mask: number })[];
  /** What the newest release clears where it is 1. */
  readonly clears: readonly (Place & { readonly mask: number })[];
  readonly rows: readonly ClobberRow[];
};

/** A feature whose name says that it is of a family. */
type Member = Place & { readonly name: string; readonly mask: number };

/** What a text may be about, beside bits: each that there is, so that a name of two things is not silently one of them. */
export function topicsOf(specs: Specs, text: string): readonly Topic[] {
  if (/^(?:KVM_)?SET_CPUID2?$/i.test(text)) return [cpuid2Topic(specs)];
  const release = releaseTopic(specs, text);
  if (release !== null) return [release];
  const kernel = text.replace(/^(?:kvm|linux)?[ -]?v?(?=\d)/i, '');
  const policy = specs.policies.find(({ version }) => version === kernel);
  if (policy !== undefined) return [{ kind: 'kernel', policy }];
  const partial = specs.partial.find(({ version }) => version === kernel);
  if (partial !== undefined) return [{ kind: 'partial-kernel', partial }];
  const [leaf, guest, flag] = [leafTopic(specs, text), guestTopic(specs, text), flagTopic(specs, text)];
  return [
    ...(leaf === null ? [] : [{ kind: 'leaf', leaf } as const]),
    ...(guest === null ? [] : [{ kind: 'guest', guest } as const]),
    ...(flag === null ? [] : [{ kind: 'flag', flag } as const]),
    ...msrTopic(specs, text),
    ...controlTopics(specs, text),
    ...familyTopic(specs, text),
  ];
}

function cpuid2Topic({ cpuid2, policies }: Specs): Topic {
  const kernels = cpuid2.kernels.filter(({ version }) => policies.some((policy) => policy.version === version));
  return {
    kind: 'cpuid2',
    kernels: kernels.map((facts) => ({ version: facts.version, verdicts: judgeCpuid2(cpuid2.questions, facts) })),
  };
}

/** By name, by a build number behind it, or by the MRSEAM that its binary measures to, whole or its first 8 digits. */
function releaseTopic(specs: Specs, text: string): Topic | null {
  const measured = measuredRelease(specs, text);
  const { name, build } = buildOf(text);
  const release = measured ?? namedRelease(specs, name);
  return release === null ? null : { kind: 'release', build, release: topicOfRelease(specs, release) };
}

/** The release that measures to this MRSEAM; 16 digits are a fingerprint. */
function measuredRelease({ releases, known }: Specs, text: string): string | null {
  const digest = /^(?:0x)?([0-9a-f]{8,96})$/i.exec(text)?.[1]?.toLowerCase();
  if (digest === undefined || digest.length === 16) return null;
  const all = [...releases.map(({ module }) => module), ...known];
  return all.find(({ mrseam }) => mrseam?.startsWith(digest))?.release ?? null;
}

function topicOfRelease(specs: Specs, release: string): ReleaseTopic {
  const known = specs.known.find((each) => each.release === release) ?? null;
  const read = specs.releases.find(({ module }) => module.release === release)?.module;
  return {
    release,
    known,
    ...(read === undefined ? unreadParts(known) : readParts(specs, read, known)),
    deciders: decidersOf(specs, release),
    hostState: hostStateRead(specs, release),
  };
}

type Parts = Pick<
  ReleaseTopic,
  'source' | 'follows' | 'mrseam' | 'features0' | 'features0Conditional' | 'publishedFeatures0'
>;

/** Of a release that is known by name only what was published of it. */
const unreadParts = (known: KnownRelease | null): Parts => ({
  source: null,
  follows: null,
  mrseam: known?.mrseam ?? null,
  features0: known?.features0 ?? null,
  features0Conditional: [],
  publishedFeatures0: null,
});

const readParts = (specs: Specs, module: ModuleRelease, known: KnownRelease | null): Parts => ({
  source: module.source,
  follows: followsOf(specs, module.release)?.follows ?? null,
  mrseam: module.mrseam ?? known?.mrseam ?? null,
  features0: module.features0 ?? known?.features0 ?? null,
  features0Conditional: module.features0 === null ? [] : module.features0Conditional,
  publishedFeatures0: disputedFeatures(module, known?.features0 ?? null)?.published ?? null,
});

function decidersOf({ deciders }: Specs, release: string): ReleaseTopic['deciders'] {
  const rules = deciders.get(release);
  if (rules === undefined) return 'not-examined';
  return rules.sources.every(({ how }) => how === 'read') ? 'read' : 'partly-inferred';
}

/** Of host state the same as of deciders: what rests on other releases is no reading of this one. */
export function hostStateRead(specs: Specs, release: string): ReleaseTopic['hostState'] {
  const facts = specs.clobbers.find((each) => each.release === release);
  if (facts === undefined) return 'not-read';
  const isInferred = facts.msrs.some(
    ({ learnt }) => learnt?.entry.how === 'inferred' || learnt?.exit.how === 'inferred',
  );
  return isInferred ? 'partly-inferred' : 'read';
}

function msrTopic(specs: Specs, text: string): readonly Topic[] {
  const msr = msrName(text);
  const rows = specs.knowledge.clobbers.filter((row) => row.msrs.some((each) => msrName(each) === msr));
  const transitions = specs.clobbers.flatMap((facts) =>
    facts.msrs
      .filter((transition) => msrName(transition.msr) === msr)
      .map((transition) => ({ ...transition, release: facts.release })),
  );
  const releases = transitions.map(({ release, exit, guard }) => ({ release, exit, guard }));
  const left = transitions.filter(({ entry, exit }) => entry.length > 0 && exit !== 'restored');
  const kernels = specs.policies.map(({ version, restores }) => {
    const restore = restores.find((each) => msrName(each.msr) === msr);
    return { version, restoredAt: restore === undefined ? null : `${restore.path}:${restore.line}` };
  });
  const isKnown = rows.length > 0 || releases.length > 0 || kernels.some(({ restoredAt }) => restoredAt !== null);
  const examined = specs.clobbers.map(({ release }) => release);
  // A release that KVM refuses leaves nothing behind on its hosts.
  const run = left.flatMap((each) =>
    specs.policies.filter((policy) => isRunBy(specs, each.release, policy)).map((policy) => ({ each, policy })),
  );
  const isClosed = run.length > 0 && run.every(({ each, policy }) => isKeptClosed(each, policy));
  const isRun = run.length > 0;
  const isMsr = transitions.length === 0 || transitions.some(({ address }) => address !== null);
  return isKnown ? [{ kind: 'msr', msr: { msr, isMsr, rows, releases, examined, kernels, isClosed, isRun } }] : [];
}

function isRunBy({ releases }: Specs, name: string, policy: Policy): boolean {
  const release = releases.find(({ module }) => module.release === name);
  return release === undefined || runsOn(release, policy).kind !== 'no';
}

/** `ATTRIBUTES.PERFMON`, `PERFMON`, `attributes:63`, `XFAM[15]`: a bit of ATTRIBUTES or XFAM. */
function controlTopics(specs: Specs, text: string): readonly Topic[] {
  const [, only, rest = text] = /^(?:td[._])?(attributes?|xfam)[.:[ ]+(.+?)\]?$/i.exec(text) ?? [];
  return GATE_KINDS.flatMap((kind) => {
    const { field, names } = GATE_FIELDS[kind];
    if (only !== undefined && !field.toLowerCase().startsWith(only.toLowerCase())) return [];
    const bits = /^\d{1,2}$/.test(rest) && only !== undefined ? [Number(rest)] : bitsNamed(names, rest);
    return bits
      .filter((bit) => bit < 64)
      .map((bit) => ({ kind: 'control' as const, control: controlOf(specs, kind, bit) }));
  });
}

/** The bit of a name, else those of a family: `CET` is CET_USER and CET_KERNEL. */
function bitsNamed(names: ReadonlyMap<number, string>, text: string): readonly number[] {
  const word = text.toUpperCase();
  const exact = [...names].filter(([, name]) => name === word);
  return (exact.length > 0 ? exact : [...names].filter(([, name]) => name.startsWith(`${word}_`))).map(([bit]) => bit);
}

function controlOf(specs: Specs, kind: GateKind, bit: number): ControlTopic {
  const { field, names } = GATE_FIELDS[kind];
  const name = names.get(bit) ?? null;
  const gate: GateId = gateId({ kind, bit });
  const newest = specs.releases.at(-1);
  return {
    field,
    bit,
    name,
    releases: specs.releases.map(({ module }) => ({ release: module.release, may: mayOf(module[kind], bit) })),
    kernels: specs.policies.map((policy) => ({
      version: policy.version,
      supports: ((supportedMasks(policy)[kind] >> BigInt(bit)) & 1n) === 1n,
    })),
    gated: (newest?.registers ?? []).flatMap(({ gates, leaf, subleaf, register }) => {
      const mask = gates.get(gate) ?? 0;
      return mask === 0 ? [] : [{ leaf, subleaf, register, mask }];
    }),
    clears: (newest?.registers ?? []).flatMap(({ deciders, leaf, subleaf, register }) => {
      const mask = deciders.reduce((all, bits) => (isClearedBy(bits.decider, kind, bit) ? or(all, bits.mask) : all), 0);
      return mask === 0 ? [] : [{ leaf, subleaf, register, mask }];
    }),
    rows: specs.knowledge.clobbers.filter((row) => row[kind].includes(bit)),
  };
}

const isClearedBy = ({ conditions }: Decider, kind: GateKind, bit: number): boolean =>
  conditions.some(
    ({ when, otherwise }) =>
      otherwise === 0 && when.kind === 'not' && when.of.kind === kind && when.of.bits.includes(bit),
  );

function mayOf(masks: FixedMasks | null, bit: number): ControlTopic['releases'][number]['may'] {
  if (masks === null) return 'unread';
  const isSet = (mask: bigint): boolean => ((mask >> BigInt(bit)) & 1n) === 1n;
  if (isSet(masks.fixed1)) return 'always 1';
  return isSet(masks.fixed0) ? 'set' : 'always 0';
}

/** Features whose names begin with a word, and rows of `specs/clobbers.md` that do: TSX, AMX, PERFMON. */
function familyTopic(specs: Specs, text: string): readonly Topic[] {
  if (!/^[A-Za-z][A-Za-z0-9]{1,15}$/.test(text)) return [];
  const word = new RegExp(`^${text}(?:[-_ (]|\\d|$)`, 'i');
  const rows = specs.knowledge.clobbers.filter(({ feature }) => word.test(feature));
  const isOpened = (place: Place & { readonly mask: number }): boolean =>
    rows.some(({ bits }) => bits.some((bit) => samePlace(bit, place) && and(bit.mask, place.mask) !== 0));
  const members = specs.knowledge.names
    .map(({ high, low, name, leaf, subleaf, register }) => ({
      leaf,
      subleaf,
      register,
      name,
      mask: rangeMask(high, low),
    }))
    .filter((member) => word.test(member.name) || isOpened(member))
    .sort((a, b) => comparePlaces(a, b) || compareNumbers(a.mask, b.mask));
  return members.length + rows.length < 2 ? [] : [{ kind: 'family', name: text.toUpperCase(), members, rows }];
}
