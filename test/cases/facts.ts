import type { ClassedRelease } from '../../pipeline/model/class.ts';
import type { Specs } from '../../pipeline/specs/store.ts';
import { KNOWLEDGE } from '../judge/ground.ts';

/** Specifications with nothing in them but what a test says. */
export const specsOf = (extra: Partial<Specs> = {}): Specs => ({
  directory: 'specs',
  releases: [],
  deciders: new Map(),
  unexamined: new Map(),
  known: [],
  lineage: [],
  policies: [],
  partial: [],
  qemu: [],
  cpuid2: { questions: [], kernels: [] },
  knowledge: KNOWLEDGE,
  clobbers: [],
  registers: [],
  decisions: [],
  waivers: [],
  sources: [],
  ...extra,
});

/** A release with more facts about its module. */
export const moduleWith = (release: ClassedRelease, extra: Partial<ClassedRelease['module']>): ClassedRelease => ({
  ...release,
  module: { ...release.module, ...extra },
});
