import type { UnitCache } from '../extract/kvm/open-tree.ts';
import { KVM_PATHS } from '../extract/kvm/paths.ts';
import type { KernelFile } from '../extract/kvm/tree.ts';
import { decodeText } from '../extract/text.ts';
import type { BlobReader } from '../git/blobs.ts';
import { listPathChanges, type PathChange } from '../git/path-changes.ts';
import { type Repository, resolveCommit } from '../git/repository.ts';
import { KnownError, NoInputError, UnavailableError } from '../model/errors.ts';
import type { Policy } from '../model/policy.ts';
import { policyOf, readPolicyRevision } from './kvm-revision.ts';

/** One revision where the policy's inputs changed: its policy, or why it could not be read. */
type HistoryStep = {
  readonly change: PathChange;
  readonly policy: Policy | null;
  readonly error: string | null;
};

/** Revisions in order, and what KVM did before the first of them; null where that cannot be read, as where KVM had no TDX yet. */
export type PolicyHistory = { readonly before: Policy | null; readonly steps: readonly HistoryStep[] };

/** Reads the policy of each revision in a range that touched its inputs, oldest first. Unchanged blobs are parsed once. */
export async function readHistory(repository: Repository, blobs: BlobReader, range: string): Promise<PolicyHistory> {
  const changes = await listPathChanges(repository, range, KVM_PATHS);
  if (changes.length === 0)
    throw new NoInputError(
      `${repository.name}: no revision of ${JSON.stringify(range)} touches what KVM's policy is read from`,
    );
  const units: UnitCache = new Map();
  const read = fileReader(blobs);
  const steps: HistoryStep[] = [];
  const readAt = (index: number): Promise<Settled> => settled(read(changes[index]?.tree ?? ''));
  const ahead: Promise<Settled>[] = [];
  for (const [index, change] of changes.entries()) {
    // git answers for the next revisions while this one is read.
    while (ahead.length < MAX_AHEAD && index + ahead.length < changes.length) ahead.push(readAt(index + ahead.length));
    const files = await ahead.shift();
    if (files === undefined) break;
    try {
      if ('error' in files) throw files.error;
      steps.push({ change, policy: policyOf(repository, change.commit, files.value, units), error: null });
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      steps.push({ change, policy: null, error: error.message });
    }
  }
  return { before: await policyBefore(repository, blobs, changes[0]?.commit ?? '', units), steps };
}

/** The policy of a commit's first parent: what the first revision of a range changed. */
async function policyBefore(
  repository: Repository,
  blobs: BlobReader,
  commit: string,
  units: UnitCache,
): Promise<Policy | null> {
  try {
    return await readPolicyRevision(repository, blobs, await resolveCommit(repository, `${commit}^`), units);
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return null;
  }
}

type Files = ReadonlyMap<string, KernelFile>;
/** Revisions whose files are asked for before they are needed. */
const MAX_AHEAD = 8;
/** Files of the last few revisions; each file of a kernel is up to half a megabyte. */
const MAX_FILES = 64;

type Settled = { readonly value: Files } | { readonly error: unknown };

const settled = (files: Promise<Files>): Promise<Settled> =>
  files.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

/** Reads what policies are read from, by a revision's tree; a blob that one of the last revisions had is not read again. */
function fileReader(blobs: BlobReader): (tree: string) => Promise<Files> {
  const known = new Map<string, Promise<KernelFile | null>>();
  const fileOf = (oid: string): Promise<KernelFile | null> => {
    const file =
      known.get(oid) ??
      blobs.read(oid).then((blob) => (blob === null ? null : { text: decodeText(blob.bytes).text, blob: oid }));
    known.delete(oid);
    known.set(oid, file);
    const [oldest] = known.keys();
    if (known.size > MAX_FILES && oldest !== undefined) known.delete(oldest);
    return file;
  };
  return async (tree) => {
    const found = await Promise.all(
      KVM_PATHS.map(async (path): Promise<readonly [string, KernelFile] | null> => {
        const oid = await blobs.idAt(tree, path);
        if (oid === null) return null;
        const file = await fileOf(oid);
        if (file === null) throw new UnavailableError(`${path} is object ${oid}, which this clone does not have`);
        return [path, file];
      }),
    );
    return new Map(found.filter((entry) => entry !== null));
  };
}
