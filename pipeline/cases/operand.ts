import { existsSync, statSync } from 'node:fs';
import { readInputText } from '../disk/read.ts';
import { type ClassedRelease, classify } from '../model/class.ts';
import { NoInputError, UsageError } from '../model/errors.ts';
import { lineOf } from '../model/lineage.ts';
import type { ModuleRelease } from '../model/module.ts';
import { compareVersions } from '../model/order.ts';
import type { Policy } from '../model/policy.ts';
import { suggest } from '../model/suggest.ts';
import { readPlainDecisions } from '../specs/lists-file.ts';
import { readModuleFile } from '../specs/module-file.ts';
import { NO_CACHE } from '../specs/plain.ts';
import { readPolicyFile } from '../specs/policy-file.ts';
import type { Specs } from '../specs/store.ts';
import type { Context } from './context.ts';
import { decidedPlace } from './decisions.ts';
import { newestFirst, policyNamed, releaseName, releaseNamed } from './named.ts';

export type Operand =
  | { readonly kind: 'release'; readonly release: ClassedRelease }
  | { readonly kind: 'policy'; readonly policy: Policy };

/** What `bitwatch diff` takes: a release, a KVM version, a specification file, or `GITDIR[@REV]`. */
export async function resolveOperand(context: Context, specs: Specs, text: string): Promise<Operand> {
  const release = releaseNamed(specs, text);
  if (release !== undefined) return { kind: 'release', release };
  const policy = policyNamed(specs, text);
  if (policy !== undefined) return { kind: 'policy', policy };
  return (
    (await fromDisk(context, specs, text)) ?? raiseUnknown(specs, text, 'release, KVM version, file or GITDIR[@REV]')
  );
}

/** A release by name, with its tables: `2.0.08`, `v2.0.08`, `TDX_2.0.08`, or `latest`. */
export function findRelease(specs: Specs, name: string): ClassedRelease {
  return releaseNamed(specs, name) ?? raiseUnknown(specs, name, 'release');
}

/**
 * A release by name, in a specification file, or as it stands in a tree: `2.0.08`, `my-module.yaml`, `GITDIR[@REV]`; with the
 * specifications that hold it. What it leaves of the host's state was not examined then: what a program derives from the code
 * does not compare with what people read there.
 */
export async function releaseIn(
  context: Context,
  specs: Specs,
  text: string,
): Promise<{ readonly release: ClassedRelease; readonly specs: Specs }> {
  const known = releaseNamed(specs, text);
  if (known !== undefined) return { release: known, specs };
  const found = (await fromDisk(context, specs, text)) ?? raiseUnknown(specs, text, 'release, file or GITDIR[@REV]');
  if (found.kind === 'policy')
    throw new UsageError(`${JSON.stringify(text)}: expected a release of the TDX module, found what KVM does`);
  const { release: name, source } = found.release.module;
  const shipped = specs.releases.find(({ module }) => module.release === name);
  if (shipped !== undefined && shipped.module.source.revision === source.revision) return { release: shipped, specs };
  const release = shipped === undefined ? found.release : apart(found.release);
  return { release, specs: { ...specs, releases: [...specs.releases, release] } };
}

/** A revision that is named like a release that was read elsewhere: it is not taken for it. */
function apart(release: ClassedRelease): ClassedRelease {
  const { release: name, source } = release.module;
  return { ...release, module: { ...release.module, release: `${name}+${source.revision.slice(0, 12)}` } };
}

/** The release that was read elsewhere under the name of one that was kept apart; null where there is none. */
export const namesake = (specs: Specs, { module }: ClassedRelease): ClassedRelease | null =>
  specs.releases.find((each) => module.release.startsWith(`${each.module.release}+`)) ?? null;

/** A KVM version by name, as a specification file, or as it stands in a kernel's tree: `7.1.5`, `my-kernel.yaml`, `GITDIR[@REV]`. */
export async function findPolicy(context: Context, specs: Specs, text: string): Promise<Policy> {
  const policy = policyNamed(specs, text);
  if (policy !== undefined) return policy;
  const found = await fromDisk(context, specs, text);
  if (found?.kind === 'policy') return { ...withBase(specs, found.policy), operand: text };
  const partial = specs.partial.find(({ version }) => version === text.replace(/^v(?=\d)/, ''));
  if (partial !== undefined)
    throw new NoInputError(
      `KVM ${partial.version} was read in part, so nothing is judged under it; \`bitwatch explain ${partial.version}\` says what was read; with its tree: GITDIR@REV`,
    );
  if (found !== null)
    throw new UsageError(`--kvm ${JSON.stringify(text)}: expected what KVM does, found a release of the TDX module`);
  const known = newestFirst(specs.policies.map(({ version }) => version));
  throw new UsageError(
    `no KVM version, file or GITDIR[@REV] ${JSON.stringify(text)}${suggest(text, known)}; known: ${known.join(', ') || 'none'}`,
  );
}

/** A tree that names no base release was written against that of the newest kernel which names one, as far as anybody knows. */
function withBase(specs: Specs, policy: Policy): Policy {
  const newest = specs.policies.findLast(({ base }) => base !== undefined);
  if (policy.base !== undefined || newest?.base === undefined) return policy;
  const because = `taken from KVM ${newest.version}: ${newest.base.because}`;
  return { ...policy, base: { release: newest.base.release, because } };
}

/** The specifications with one KVM version alone; as they are where none is named. */
export async function specsUnder(context: Context, specs: Specs, kvm: string | null): Promise<Specs> {
  if (kvm === null) return specs;
  const policy = await findPolicy(context, specs, kvm);
  // A tree does not say what it was written against: it is taken for one of the shipped kernels'.
  const base = policy.base ?? specs.policies.findLast((each) => each.base !== undefined)?.base;
  return { ...specs, policies: [base === undefined ? policy : { ...policy, base }] };
}

/**
 * The specifications with what a kernel's tree asks of KVM_SET_CPUID2, where the text names a tree: as they are for a version,
 * whose facts they hold, and for a file, which says nothing of it.
 */
export async function withCpuid2(context: Context, specs: Specs, text: string): Promise<Specs> {
  if (policyNamed(specs, text) !== undefined || (existsSync(text) && statSync(text).isFile())) return specs;
  const [path, revision] = treeOf(text);
  const { readCpuid2Tree } = await import('./kvm-revision.ts');
  const facts = await readCpuid2Tree(context, specs, path, revision);
  const { questions, kernels } = specs.cpuid2;
  return { ...specs, cpuid2: { questions, kernels: [...kernels, facts] } };
}

function raiseUnknown(specs: Specs, text: string, expected: string): never {
  const known = specs.known.find(({ release }) => releaseName(release) === releaseName(text));
  if (known !== undefined)
    throw new NoInputError(
      `release ${known.release} is known by name only, its tables could not be read (seen: ${known.seen.join('; ')}); ${nearestText(specs, known.release)}`,
    );
  const releases = newestFirst(specs.releases.map(({ module }) => module.release));
  const kernels = expected.includes('KVM') ? specs.policies.map(({ version }) => version) : [];
  throw new UsageError(
    `no ${expected} ${JSON.stringify(text)}${suggest(releaseName(text), [...releases, ...kernels])}; releases, newest first: ${releases.join(', ')}`,
  );
}

/** Specifications with the decisions of one more file, in the form of `specs/decisions.yaml`. */
export async function addDecisions(specs: Specs, file: string): Promise<Specs> {
  const more = await readPlainDecisions(file, readInputText(file), NO_CACHE);
  for (const entry of more) if ('bits' in entry) decidedPlace(entry.bits, file);
  return { ...specs, decisions: [...specs.decisions, ...more] };
}

/** What can be asked instead: the releases that were read on either side of one. */
function nearestText({ releases }: Specs, name: string): string {
  const line = newestFirst(releases.map(({ module }) => module.release)).filter(
    (release) => lineOf(release) === lineOf(name),
  );
  const newer = line.findLast((release) => compareVersions(release, name) > 0);
  const older = line.find((release) => compareVersions(release, name) < 0);
  const beside = [older, newer].filter((release) => release !== undefined);
  return `${beside.length === 0 ? '' : `read on either side: ${beside.join(', ')}; `}with its source: GITDIR@REV`;
}

/** A specification file, or a revision of a repository: `GITDIR@REV`, HEAD where no revision is named. Null where nothing is there. */
async function fromDisk(context: Context, specs: Specs, text: string): Promise<Operand | null> {
  if (existsSync(text) && statSync(text).isFile()) return readSpecFile(text, specs);
  const [path, revision] = treeOf(text);
  if (path !== '' && existsSync(path)) return resolveRevision(context, specs, path, revision);
  // What can only be a path is said to be missing, not to be an unknown version.
  if (/[\\/]|\.ya?ml$/.test(path)) throw new NoInputError(`${path}: no such file or folder`);
  return null;
}

/** A repository and its revision, HEAD where none is named. */
function treeOf(text: string): readonly [string, string] {
  const at = text.lastIndexOf('@');
  return existsSync(text) || at < 0 ? [text, 'HEAD'] : [text.slice(0, at), text.slice(at + 1)];
}

async function readSpecFile(path: string, specs: Specs): Promise<Operand> {
  const text = readInputText(path);
  if (/^generation:/m.test(text)) return { kind: 'policy', policy: await readPolicyFile(path, text, NO_CACHE) };
  return { kind: 'release', release: classed(await readModuleFile(path, text, NO_CACHE), specs) };
}

/** A release that was just read, with the rules that specs/ holds for its name. */
const classed = (module: ModuleRelease, specs: Specs): ClassedRelease => ({
  module,
  registers: classify(module, specs.deciders.get(module.release)),
  rules: specs.deciders.get(module.release),
});

async function resolveRevision(context: Context, specs: Specs, path: string, revision: string): Promise<Operand> {
  // Git and the readers of C are loaded where a tree is read.
  const { readRevision } = await import('./kvm-revision.ts');
  return readRevision(context, specs, path, revision);
}
