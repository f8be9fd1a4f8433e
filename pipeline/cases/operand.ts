import { existsSync, statSync } from 'node:fs';
import { readInputText } from '../disk/read.ts';
import { type ClassedRelease, classify } from '../model/class.ts';
import { NoInputError, UsageError } from '../model/errors.ts';
import type { ModuleRelease } from '../model/module.ts';
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
  return (await fromDisk(context, specs, text)) ?? raiseUnknown(specs, text);
}

/** A release by name, with its tables: `2.0.08`, `v2.0.08`, `TDX_2.0.08`, or `latest`. */
export function findRelease(specs: Specs, name: string): ClassedRelease {
  return releaseNamed(specs, name) ?? raiseUnknown(specs, name);
}

/** A KVM version by name, as a specification file, or as it stands in a kernel's tree: `7.1.5`, `my-kernel.yaml`, `GITDIR[@REV]`. */
export async function findPolicy(context: Context, specs: Specs, text: string): Promise<Policy> {
  const policy = policyNamed(specs, text);
  if (policy !== undefined) return policy;
  const found = await fromDisk(context, specs, text);
  if (found?.kind === 'policy') return withBase(specs, found.policy);
  if (found !== null)
    throw new UsageError(`--kvm ${JSON.stringify(text)}: expected what KVM does, found a release of the TDX module`);
  const known = newestFirst(specs.policies.map(({ version }) => version));
  throw new UsageError(
    `no KVM version, specification file or GITDIR[@REV] ${JSON.stringify(text)}${suggest(text, known)}; known: ${known.join(', ') || 'none'}`,
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

function raiseUnknown(specs: Specs, text: string): never {
  const known = specs.known.find(({ release }) => releaseName(release) === releaseName(text));
  if (known !== undefined)
    throw new NoInputError(
      `release ${known.release} is known by name only, its tables could not be read (seen: ${known.seen.join('; ')})`,
    );
  const releases = newestFirst(specs.releases.map(({ module }) => module.release));
  const names = [...releases, ...specs.policies.map(({ version }) => version)];
  throw new UsageError(
    `no release, KVM version, file or GITDIR@REV ${JSON.stringify(text)}${suggest(releaseName(text), names)}; releases, newest first: ${releases.join(', ')}`,
  );
}

/** Specifications with the decisions of one more file, in the form of `specs/decisions.yaml`. */
export async function addDecisions(specs: Specs, file: string): Promise<Specs> {
  const more = await readPlainDecisions(file, readInputText(file), NO_CACHE);
  for (const entry of more) if ('bits' in entry) decidedPlace(entry.bits, file);
  return { ...specs, decisions: [...specs.decisions, ...more] };
}

/** A specification file, or a revision of a repository: `GITDIR@REV`, HEAD where no revision is named. Null where nothing is there. */
async function fromDisk(context: Context, specs: Specs, text: string): Promise<Operand | null> {
  if (existsSync(text)) {
    if (statSync(text).isFile()) return readSpecFile(text, specs);
    return resolveRevision(context, specs, text, 'HEAD');
  }
  const at = text.lastIndexOf('@');
  return at > 0 && existsSync(text.slice(0, at))
    ? resolveRevision(context, specs, text.slice(0, at), text.slice(at + 1))
    : null;
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
});

async function resolveRevision(context: Context, specs: Specs, path: string, revision: string): Promise<Operand> {
  // Git and the readers of C are loaded where a tree is read.
  const { readRevision } = await import('./kvm-revision.ts');
  return readRevision(context, specs, path, revision);
}
