import { type KernelFile, KVM_PATHS, type UnitCache } from '../extract/kvm/tree.ts';
import { decodeText } from '../extract/text.ts';
import type { BlobReader } from '../git/blobs.ts';
import { listPathChanges, type PathChange } from '../git/path-changes.ts';
import type { Repository } from '../git/repository.ts';
import { judgePolicyStep } from '../judge/judge.ts';
import { KnownError, NoInputError, UnavailableError } from '../model/errors.ts';
import type { BitName, Knowledge } from '../model/knowledge.ts';
import type { Policy } from '../model/policy.ts';
import { plain } from '../model/text.ts';
import { policyJson } from '../report/machine.ts';
import { wrap } from '../report/text.ts';
import { wordsOf } from '../report/words.ts';
import { policyOf } from './kvm-revision.ts';

/** One revision where the policy's inputs changed: its policy, or why it could not be read. */
export type HistoryStep = {
  readonly change: PathChange;
  readonly policy: Policy | null;
  readonly error: string | null;
};

/** Reads the policy of each revision in a range that touched its inputs, oldest first. Unchanged blobs are parsed once. */
export async function readHistory(
  repository: Repository,
  blobs: BlobReader,
  range: string,
): Promise<readonly HistoryStep[]> {
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
  return steps;
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

const NOTHING: Knowledge = {
  required: [],
  staticRegisters: [],
  clobbers: [],
  names: [],
  levels: [],
};

/** What changed from the last readable policy to this one; null where nothing that a policy holds did. */
function changesAt(
  steps: readonly HistoryStep[],
  index: number,
  names: readonly BitName[],
): readonly { readonly rule: string; readonly headline: string }[] {
  const before = steps.slice(0, index).findLast((step) => step.policy !== null)?.policy;
  const after = steps[index]?.policy;
  if (before == null || after == null) return [];
  const generation =
    before.generation === after.generation
      ? []
      : [{ rule: 'generation', headline: `generation ${before.generation} -> ${after.generation}` }];
  const attributes =
    before.attributes === after.attributes
      ? []
      : [
          {
            rule: 'attributes',
            headline: `attributes 0x${before.attributes.toString(16)} -> 0x${after.attributes.toString(16)}`,
          },
        ];
  const findings = judgePolicyStep(before, after, { ...NOTHING, names });
  return [
    ...generation,
    ...attributes,
    ...findings.map((finding) => ({ rule: finding.rule, headline: wordsOf(finding).headline })),
  ];
}

export function historyJson(steps: readonly HistoryStep[], names: readonly BitName[]) {
  return {
    schema: 'bitwatch.policy-history/1',
    revisions: steps.map(({ change, policy, error }, index) => ({
      revision: change.commit,
      subject: plain(change.subject),
      paths: [...change.paths.keys()],
      error,
      changes: changesAt(steps, index, names),
      policy: policy === null ? null : policyJson(policy, names),
    })),
  };
}

/** Revisions that changed the policy, and those that could not be read; the others are counted. */
export function historyText(steps: readonly HistoryStep[], names: readonly BitName[]): string {
  const lines: string[] = [];
  let same = 0;
  for (const [index, { change, policy, error }] of steps.entries()) {
    const changes = changesAt(steps, index, names);
    if (error === null && changes.length === 0 && index > 0) {
      same += 1;
      continue;
    }
    lines.push(...wrap(plain(change.subject), `${change.commit.slice(0, 12)} `));
    if (error !== null) lines.push(...wrap(error, '  not read: '));
    else if (index === 0 && policy !== null) lines.push(`  begins as ${policy.generation} (KVM ${policy.version})`);
    for (const { rule, headline } of changes) lines.push(...wrap(headline, `  ${rule}: `, '    '));
  }
  return `${lines.join('\n')}\n${same} of ${steps.length} revisions touched the files and left the policy as it was\n`;
}
