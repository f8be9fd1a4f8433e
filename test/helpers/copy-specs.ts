import { cpSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';

/** Of which a copy of `specs/` holds facts: releases of the TDX module, versions of KVM. */
export type Kept = { readonly releases: readonly string[]; readonly kernels: readonly string[] };

/** The rules of deciders stay: those of a release may be those of another. */
const KINDS: Readonly<Record<string, keyof Kept>> = {
  modules: 'releases',
  clobbers: 'releases',
  kvm: 'kernels',
  cpuid2: 'kernels',
};

/** Copies specifications with the facts of these releases and versions alone, over what the folder holds. */
export function copySpecs(root: string, folder: string, kept: Kept): string {
  cpSync(root, folder, {
    recursive: true,
    filter: (source) => {
      const kind = KINDS[dirname(relative(root, source))];
      return kind === undefined || kept[kind].includes(basename(source, '.yaml'));
    },
  });
  return folder;
}
