import { findBits } from '../../../cases/find-bits.ts';
import { newestFirst, policyNamed, releaseName, releaseNamed } from '../../../cases/named.ts';
import type { BitSelection } from '../../../model/bit-text.ts';
import type { ClassedRelease } from '../../../model/class.ts';
import { KnownError } from '../../../model/errors.ts';
import { bitsOf } from '../../../model/mask.ts';
import { formatPlace, type Place } from '../../../model/place.ts';
import type { Policy } from '../../../model/policy.ts';
import { suggest } from '../../../model/suggest.ts';
import { type Facts, nameOf, newestOf } from './facts.ts';

export const VIEWS = ['map', 'bits', 'host'] as const;

/** What the reader chose; the address behind # holds the same. */
export type Route = {
  readonly view: (typeof VIEWS)[number];
  readonly to: ClassedRelease;
  /** What the release is held against; null for the one whose code it has. */
  readonly from: ClassedRelease | null;
  readonly kvm: Policy | null;
  /** Whether the address names a release or KVM version itself. */
  readonly isChosen: boolean;
  readonly bit: (Place & { readonly bit: number }) | null;
  /** What the matrix of all bits shows. */
  readonly show: string;
};

/** A link or search that names what the page does not know. */
export type Problem = { readonly what: string; readonly offers: readonly Offer[] };
type Offer = { readonly text: string; readonly hash: string };

type Parts = Partial<Record<'view' | 'to' | 'from' | 'kvm' | 'bit' | 'show', string>>;

/** The address of a route, its parts in one order; empty ones are left out. */
export function hashOf(parts: Parts): string {
  const params = new URLSearchParams();
  for (const key of ['view', 'to', 'from', 'kvm', 'bit', 'show'] as const) {
    const value = parts[key];
    if (value !== undefined && value !== '' && !(key === 'view' && value === 'map')) params.set(key, value);
  }
  return `#${params}`;
}

/** The parts of a route that go on to other views: what is compared, and under what. */
export const contextOf = ({ to, from, kvm, isChosen }: Route): Parts =>
  isChosen
    ? {
        to: nameOf(to),
        ...(from === null ? {} : { from: nameOf(from) }),
        ...(kvm === null ? {} : { kvm: kvm.version }),
      }
    : {};

export const partsOf = (route: Route): Parts => ({
  view: route.view,
  ...contextOf(route),
  bit: route.bit === null ? '' : bitText(route.bit, route.bit.bit),
  show: route.show,
});

export const bitText = (place: Place, bit: number): string => `${formatPlace(place)}[${bit}]`;

/** What an address means, or the first thing in it that the page does not know. */
export function readRoute(facts: Facts, hash: string): Route | Problem {
  const params = new URLSearchParams(hash.replace(/^#/, ''));
  const text = (key: keyof Parts): string => params.get(key) ?? '';
  // An address that says nothing means what the run was about.
  const first = [...params.keys()].length === 0 ? facts.first : null;
  const names: Names = {
    to: text('to') || (first?.to ?? ''),
    from: text('from') || (first?.from ?? ''),
    kvm: text('kvm') || (first?.kvm ?? ''),
  };
  const compared = readNames(facts, names);
  if ('what' in compared) return compared;
  const bit = text('bit') === '' ? null : bitNamed(facts, text('bit'));
  if (bit !== null && 'what' in bit) return bit;
  return {
    view: VIEWS.find((view) => view === text('view')) ?? 'map',
    ...compared,
    isChosen: names.to !== '' || names.kvm !== '',
    bit,
    show: text('show'),
  };
}

/** Names of releases and of a KVM version; empty where none is given. */
type Names = Readonly<Record<'to' | 'from' | 'kvm', string>>;

/** What is compared, and under what; the newest of each where no name is given. */
function readNames(facts: Facts, names: Names): Pick<Route, 'to' | 'from' | 'kvm'> | Problem {
  const { specs } = facts;
  const newest = newestOf(facts);
  const to = names.to === '' ? newest.to : (releaseNamed(specs, names.to) ?? null);
  const from = names.from === '' ? null : (releaseNamed(specs, names.from) ?? null);
  const kvm = names.kvm === '' ? newest.kvm : (policyNamed(specs, names.kvm) ?? null);
  if (to === null) return unknownRelease(facts, names.to, (release) => ({ to: release, kvm: names.kvm }));
  if (names.from !== '' && from === null)
    return unknownRelease(facts, names.from, (release) => ({ ...names, from: release }));
  if (kvm === null && names.kvm !== '') return unknownKvm(facts, names.kvm, nameOf(to));
  return { to, from, kvm };
}

function unknownRelease({ specs }: Facts, name: string, parts: (release: string) => Parts): Problem {
  const known = specs.known.find(({ release }) => releaseName(release) === releaseName(name));
  const releases = newestFirst(specs.releases.map(nameOf));
  const what =
    known === undefined
      ? `The link names the release “${name}”, which this page does not know${suggest(releaseName(name), releases)}.`
      : `Release ${known.release} is known by name only: its tables could not be read, so nothing can be said of it.`;
  return {
    what: releases.length === 0 ? 'This page holds no release.' : `${what} It knows these, newest first:`,
    offers: releases.map((release) => ({ text: release, hash: hashOf(parts(release)) })),
  };
}

function unknownKvm({ specs }: Facts, name: string, to: string): Problem {
  const versions = newestFirst(specs.policies.map(({ version }) => version));
  return {
    what: `The link names KVM “${name}”, which this page does not know${suggest(name, versions)}. It knows these, newest first:`,
    offers: versions.map((version) => ({ text: `KVM ${version}`, hash: hashOf({ to, kvm: version }) })),
  };
}

/** One bit that an address names; a selection of several offers each. */
function bitNamed(facts: Facts, text: string): Route['bit'] | Problem {
  const found = searched(facts, text, {});
  if ('what' in found) return found;
  const [place, bit] = found.bit;
  return { leaf: place.leaf, subleaf: place.subleaf, register: place.register, bit };
}

/** More bits than a reader picks from. */
const MOST = 96;

/** What a search means: one bit, or what to choose from. As on the command line, in every spelling that it takes. */
export function searched(
  { specs }: Facts,
  text: string,
  context: Parts,
): { readonly bit: readonly [Place, number] } | Problem {
  let selections: readonly BitSelection[];
  try {
    selections = findBits(specs, text);
  } catch (error) {
    if (error instanceof KnownError) return { what: `${error.message}.`, offers: [] };
    throw error;
  }
  const bits = selections.flatMap(({ place, mask }) => bitsOf(mask).map((bit) => [place, bit] as const));
  const [only] = bits;
  if (only !== undefined && bits.length === 1) return { bit: only };
  return {
    what: `“${text}” names ${bits.length} bits${bits.length > MOST ? `, of which these are the first ${MOST}` : ''}. Choose one:`,
    offers: bits.slice(0, MOST).map(([place, bit]) => ({
      text: bitText(place, bit),
      hash: hashOf({ ...context, bit: bitText(place, bit) }),
    })),
  };
}
