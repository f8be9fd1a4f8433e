import { diffPolicies } from '../../diff/policy.ts';
import { isSameCode } from '../../extract/c/same.ts';
import type { UnitCache } from '../../extract/kvm/open-tree.ts';
import { KVM_PATHS } from '../../extract/kvm/paths.ts';
import { pathsOf } from '../../extract/mail/patch.ts';
import { decodeText } from '../../extract/text.ts';
import type { Patch } from '../../git/apply-series.ts';
import type { BlobReader } from '../../git/blobs.ts';
import type { Repository } from '../../git/repository.ts';
import { modesOf, type Scratch } from '../../git/scratch.ts';
import { type MidState, splitsGained } from '../../judge/bisect.ts';
import type { Ground } from '../../judge/judge.ts';
import { DataError, KnownError, UnavailableError } from '../../model/errors.ts';
import type { Policy } from '../../model/policy.ts';
import type { PolicyChanges, SeriesStep } from '../../model/series-effect.ts';
import { readPolicyRevision } from '../kvm-revision.ts';

/** The files that decide over a policy; the top make file only names its version. */
export const INPUTS: ReadonlySet<string> = new Set(KVM_PATHS.filter((path) => path !== 'Makefile'));

/** What the states that patches make are read with. */
export type States = {
  readonly repository: Repository;
  readonly scratch: Scratch;
  /** Reads what the scratch repository holds. */
  readonly made: BlobReader;
  readonly units: UnitCache;
};

/** Reads the policy of a tree that git made of a base and patches. */
export async function readTree({ repository, scratch, made, units }: States, tree: string): Promise<Policy> {
  await checkModes(scratch, tree);
  return readPolicyRevision(repository, made, tree, units);
}

/** A link in the place of a file would be read as a file that holds its target. */
export async function checkModes(scratch: Scratch, tree: string): Promise<void> {
  for (const [path, mode] of await modesOf(scratch, tree, KVM_PATHS))
    if (mode !== '100644' && mode !== '100755')
      throw new DataError({ where: { file: path }, expected: 'a regular file', found: `mode ${mode}` });
}

type Applied = {
  readonly states: States;
  readonly base: string;
  readonly patches: readonly Patch[];
  /** A tree for each patch. */
  readonly trees: readonly string[];
  readonly before: Policy | null;
  readonly after: Policy;
};

/** What each patch does to the policy, and the policies of the states between them. */
export async function readSteps(
  { states, base, patches, trees, before, after }: Applied,
  ground: Ground,
): Promise<{ readonly steps: readonly SeriesStep[]; readonly mids: readonly MidState[] }> {
  const steps: SeriesStep[] = [];
  const mids: MidState[] = [];
  let [had, isKnown] = [before, true];
  for (const [at, patch] of patches.entries()) {
    const { part, title } = patch;
    const tree = trees[at] ?? '';
    const isLast = at === patches.length - 1;
    const own = pathsOf(patch.files).filter((path) => INPUTS.has(path));
    const still = { part, title, changes: null, splits: { added: [], removed: [] }, reason: null };
    const kind =
      own.length === 0
        ? 'elsewhere'
        : (await isComment(states.made, trees[at - 1] ?? base, tree, own))
          ? 'comments'
          : null;
    const read: Policy | string = isLast
      ? after
      : kind !== null && isKnown && had !== null
        ? had
        : await settled(() => readTree(states, tree));
    if (!isLast) mids.push({ part, policy: typeof read === 'string' ? null : read });
    isKnown = typeof read !== 'string';
    if (kind !== null) steps.push({ ...still, kind });
    else if (typeof read === 'string') steps.push({ ...still, kind: 'unread', reason: read });
    else {
      const changes = diffPolicies(had, read, ground.knowledge.names);
      const splits = {
        added: splitsGained(read, had, ground),
        removed: had === null ? [] : splitsGained(had, read, ground),
      };
      const isSame = !isChange(changes) && splits.added.length === 0 && splits.removed.length === 0;
      steps.push(isSame ? { ...still, kind: 'same' } : { ...still, kind: 'changes', changes, splits });
    }
    if (typeof read !== 'string') had = read;
  }
  return { steps, mids };
}

/** Whether two policies differ in anything that is reported. */
export function isChange({ generation, attributes, configLimit, ...lists }: PolicyChanges): boolean {
  return (
    generation.from !== generation.to ||
    attributes.added !== attributes.removed ||
    configLimit.from !== configLimit.to ||
    Object.values(lists).some(({ added, removed }) => added.length > 0 || removed.length > 0)
  );
}

/** Why a state within the series cannot be read; a source that cannot be reached is another matter. */
async function settled(read: () => Promise<Policy>): Promise<Policy | string> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof KnownError) || error instanceof UnavailableError) throw error;
    return error.message;
  }
}

/** Whether the files of two trees are the same code. */
async function isComment(blobs: BlobReader, before: string, after: string, paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    const [old, own] = [await blobs.read(`${before}:${path}`), await blobs.read(`${after}:${path}`)];
    if (old === null || own === null) return false;
    if (!isSameCode(path, decodeText(old.bytes).text, decodeText(own.bytes).text)) return false;
  }
  return true;
}
