import { cpSync, mkdtempSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { inject } from 'vitest';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import { loadSpecs, type Specs } from '../../pipeline/specs/store.ts';
import { ROOT } from './run.ts';

let shipped: Promise<Specs> | undefined;

/** What `specs/` says, parsed and validated without the cache of a build: once for all test files of a worker. */
export function shippedSpecs(): Promise<Specs> {
  shipped ??= loadSpecs(join(ROOT, 'specs'), NO_CACHE);
  return shipped;
}

/** Of which a copy of `specs/` holds facts: releases of the TDX module, versions of KVM. */
export type Kept = { readonly releases: readonly string[]; readonly kernels: readonly string[] };

/** The rules of deciders stay: those of a release may be those of another. */
const KINDS: Readonly<Record<string, keyof Kept>> = {
  modules: 'releases',
  clobbers: 'releases',
  kvm: 'kernels',
  cpuid2: 'kernels',
};

/** Copies `specs/` with the facts of these releases and versions alone: fewer facts are sooner read and judged. */
export function smallSpecs(folder: string, kept: Kept): string {
  const root = join(ROOT, 'specs');
  cpSync(root, folder, {
    recursive: true,
    filter: (source) => {
      const kind = KINDS[dirname(relative(root, source))];
      return kind === undefined || kept[kind].includes(basename(source, '.yaml'));
    },
  });
  return folder;
}

let few: string | undefined;

/** The oldest release, the first of its kind that KVM takes, and the newest, on the newest KVM: to be read, once for all test files of a worker. */
export function fewSpecs(): string {
  few ??= smallSpecs(mkdtempSync(join(inject('sharedFolder'), 'specs-')), FEW);
  return few;
}

export const FEW: Kept = { releases: ['1.0.00', '1.5.06', '2.0.18'], kernels: ['7.1.5'] };
