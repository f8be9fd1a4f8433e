import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';
import { openFolder } from '../../pipeline/specs/folder.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import { loadSpecs, type Specs } from '../../pipeline/specs/store.ts';
import { copySpecs, type Kept } from './copy-specs.ts';
import { ROOT } from './run.ts';

let shipped: Promise<Specs> | undefined;

/** What `specs/` says, parsed and validated without the cache of a build: once for all test files of a worker. */
export function shippedSpecs(): Promise<Specs> {
  shipped ??= loadSpecs(openFolder(join(ROOT, 'specs')), NO_CACHE);
  return shipped;
}

/** Copies the shipped `specs/` with the facts of these releases and versions alone: fewer facts are sooner read and judged. */
export const smallSpecs = (folder: string, kept: Kept): string => copySpecs(join(ROOT, 'specs'), folder, kept);

/** The smallest specifications that can be read: no release, no kernel and no name of a bit. */
export function emptySpecs(folder: string): string {
  mkdirSync(join(folder, 'modules'), { recursive: true });
  for (const name of ['required.md', 'leaves.md', 'clobbers.md', 'registers.md'])
    copyFileSync(join(ROOT, 'specs', name), join(folder, name));
  writeFileSync(join(folder, 'releases.yaml'), 'releases: []\n');
  writeFileSync(join(folder, 'levels.yaml'), 'levels: []\n');
  writeFileSync(join(folder, 'names.yaml'), 'source: []\nnames: []\n');
  return folder;
}

let few: string | undefined;

/** The oldest release, the first of its kind that KVM takes, and the newest, on the newest KVM: to be read, once for all test files of a worker. */
export function fewSpecs(): string {
  if (few === undefined) {
    few = mkdtempSync(join(inject('sharedFolder'), 'specs-'));
    chmodSync(few, 0o755);
    smallSpecs(few, FEW);
  }
  return few;
}

export const FEW: Kept = { releases: ['1.0.00', '1.5.06', '2.0.18'], kernels: ['7.1.5'] };
