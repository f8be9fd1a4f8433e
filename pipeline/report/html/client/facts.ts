import type { Discussions } from '../../../cases/page-facts.ts';
import { type ClassedRelease, classify, type RegisterClasses } from '../../../model/class.ts';
import type { ModuleRelease } from '../../../model/module.ts';
import { compareVersions } from '../../../model/order.ts';
import { comparePlaces, type Place, placeId } from '../../../model/place.ts';
import type { Policy } from '../../../model/policy.ts';
import type { Source } from '../../../model/source.ts';
import type { Specs } from '../../../specs/store.ts';
import type { PageData } from '../data.ts';
import { sourceOf } from '../links.ts';
import { type Packed, unpack } from '../pack.ts';
import { byId, link } from './dom.ts';

/** Everything that the page works with: the specifications as the commands have them, and what the run added. */
export type Facts = Pick<PageData, 'title' | 'today' | 'first' | 'map' | 'sections' | 'coverage'> & {
  readonly specs: Specs;
  readonly discussions: Discussions | null;
  /** Releases in the order of versions, also those that are known by name only, with the reason why they were not read. */
  readonly axis: readonly { readonly name: string; readonly release: ClassedRelease | null }[];
  /** Where something was read, as a link where its address is known; 0 stands for no line. */
  readonly evidence: (source: Pick<Source, 'repository' | 'revision' | 'path'>, line: number) => HTMLElement;
  /** Every register that any release has, in the order of places. */
  readonly places: () => readonly Place[];
};

export function readFacts(): Facts {
  const packed: Packed = JSON.parse(byId('data').textContent ?? '');
  // The page's own maker packed it: what comes out is what went in.
  return factsOf(unpack(packed) as PageData);
}

export function factsOf(data: PageData): Facts {
  const { modules, ...known } = data.specs;
  const releases = modules.map((module) => classedLater(module, data.specs));
  // What no review of a release rests on stays out of the page.
  const unused = {
    directory: '',
    partial: [],
    qemu: [],
    cpuid2: { questions: [], kernels: [] },
    registers: [],
    sources: [],
  };
  const specs: Specs = { ...known, ...unused, releases };
  const read = new Map(releases.map((release) => [release.module.release, release]));
  const names = new Set([...read.keys(), ...specs.known.map(({ release }) => release)]);
  let places: readonly Place[] | null = null;
  return {
    ...data,
    specs,
    axis: [...names].sort(compareVersions).map((name) => ({ name, release: read.get(name) ?? null })),
    evidence: (source, line) => {
      const { text, url, lineMark } = sourceOf(data.web, source);
      const mark = line === 0 ? '' : `${lineMark}${line}`;
      return link(url === '' ? '' : `${url}${mark}`, `${text}${line === 0 ? '' : `:${line}`}`);
    },
    places: () => {
      places ??= placesOf(releases);
      return places;
    },
  };
}

/** A release whose registers are worked out when they are asked for. */
function classedLater(module: ModuleRelease, { deciders }: PageData['specs']): ClassedRelease {
  let registers: readonly RegisterClasses[] | null = null;
  return {
    module,
    rules: deciders.get(module.release),
    get registers() {
      registers ??= classify(module, deciders.get(module.release));
      return registers;
    },
  };
}

function placesOf(releases: readonly ClassedRelease[]): readonly Place[] {
  const all = new Map(releases.flatMap(({ registers }) => registers.map((each) => [placeId(each), each])));
  return [...all.values()].sort(comparePlaces).map(({ leaf, subleaf, register }) => ({ leaf, subleaf, register }));
}

export const nameOf = ({ module }: ClassedRelease): string => module.release;

/** The newest release and KVM version of all; the page always has both but where its run had none. */
export const newestOf = ({ specs }: Facts): { readonly to: ClassedRelease | null; readonly kvm: Policy | null } => ({
  to: specs.releases.at(-1) ?? null,
  kvm: specs.policies.at(-1) ?? null,
});
