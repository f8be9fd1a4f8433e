import { existsSync, statSync } from 'node:fs';
import { readInputText } from '../disk/read.ts';
import { openBlobs } from '../git/blobs.ts';
import { openRepository, resolveCommit } from '../git/repository.ts';
import type { ClassedRelease } from '../model/class.ts';
import { classify } from '../model/class.ts';
import { NoInputError, UsageError } from '../model/errors.ts';
import type { ModuleRelease } from '../model/module.ts';
import type { Policy } from '../model/policy.ts';
import { suggest } from '../model/suggest.ts';
import { readModuleFile } from '../specs/module-file.ts';
import { NO_CACHE } from '../specs/plain.ts';
import { readPolicyFile } from '../specs/policy-file.ts';
import type { Specs } from '../specs/store.ts';
import type { Context } from './context.ts';
import { readModuleRevision } from './module-revision.ts';
import { fetchKnown } from './sources.ts';

export type Operand =
  | { readonly kind: 'release'; readonly release: ClassedRelease }
  | { readonly kind: 'policy'; readonly policy: Policy };

/** What `bitwatch diff` takes: a release, a KVM version, a specification file, or `GITDIR@REV`. */
export async function resolveOperand(context: Context, specs: Specs, text: string): Promise<Operand> {
  const release = specs.releases.find(({ module }) => module.release === text);
  if (release !== undefined) return { kind: 'release', release };
  const policy = specs.policies.find(({ version }) => version === text);
  if (policy !== undefined) return { kind: 'policy', policy };
  if (existsSync(text) && statSync(text).isFile()) return readSpecFile(text, specs);
  const at = text.lastIndexOf('@');
  if (at > 0 && existsSync(text.slice(0, at)))
    return resolveRevision(context, specs, text.slice(0, at), text.slice(at + 1));
  throw unknownRelease(specs, text);
}

/** A release by name, with its tables. */
export function findRelease(specs: Specs, name: string): ClassedRelease {
  const release = specs.releases.find(({ module }) => module.release === name);
  if (release === undefined) throw unknownRelease(specs, name);
  return release;
}

export function findPolicy(specs: Specs, version: string): Policy {
  const policy = specs.policies.find((candidate) => candidate.version === version);
  if (policy !== undefined) return policy;
  const known = specs.policies.map((candidate) => candidate.version);
  throw new UsageError(
    `no KVM policy ${JSON.stringify(version)}${suggest(version, known)}; known: ${known.join(', ') || 'none'}`,
  );
}

function unknownRelease(specs: Specs, text: string): Error {
  const known = specs.known.find(({ release }) => release === text);
  if (known !== undefined)
    return new NoInputError(
      `release ${text} is known by name only, its tables could not be read (seen: ${known.seen.join('; ')})`,
    );
  const names = [
    ...specs.releases.map(({ module }) => module.release),
    ...specs.policies.map(({ version }) => version),
  ];
  return new UsageError(`no release, KVM version, file or GITDIR@REV ${JSON.stringify(text)}${suggest(text, names)}`);
}

async function readSpecFile(path: string, specs: Specs): Promise<Operand> {
  const text = readInputText(path);
  if (/^generation:/m.test(text)) return { kind: 'policy', policy: await readPolicyFile(path, text, NO_CACHE) };
  return { kind: 'release', release: classed(await readModuleFile(path, text, NO_CACHE), specs) };
}

/** A release that was just read, with the rules that specs/ holds for its name. */
export const classed = (module: ModuleRelease, specs: Specs): ClassedRelease => ({
  module,
  registers: classify(module, specs.deciders.get(module.release)),
});

async function resolveRevision(context: Context, specs: Specs, path: string, revision: string): Promise<Operand> {
  const repository = openRepository(path, context.env);
  const commit = await resolveCommit(repository, revision);
  const blobs = openBlobs(repository, await fetchKnown(context, repository));
  try {
    if ((await blobs.read(`${commit}:arch/x86/kvm/vmx/tdx.c`)) !== null) {
      const { readPolicyRevision } = await import('./kvm-revision.ts');
      return { kind: 'policy', policy: await readPolicyRevision(repository, blobs, commit) };
    }
    return {
      kind: 'release',
      release: classed(await readModuleRevision(repository, blobs, commit, null), specs),
    };
  } finally {
    await blobs.close();
  }
}
