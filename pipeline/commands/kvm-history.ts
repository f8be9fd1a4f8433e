import { KVM_PATHS, type UnitCache } from '../extract/kvm/tree.ts';
import { judgePolicyStep } from '../judge/judge.ts';
import { KnownError, NoInputError } from '../model/errors.ts';
import type { BitName, Knowledge } from '../model/knowledge.ts';
import type { Policy } from '../model/policy.ts';
import { policyJson } from '../report/machine.ts';
import { plain } from '../report/plain.ts';
import { wrap } from '../report/text.ts';
import { wordsOf } from '../report/words.ts';
import type { BlobReader } from '../sources/blobs.ts';
import { listPathChanges, type PathChange } from '../sources/path-changes.ts';
import type { Repository } from '../sources/repository.ts';
import { readPolicyRevision } from './kvm-revision.ts';

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
  const steps: HistoryStep[] = [];
  for (const change of changes) {
    try {
      steps.push({ change, policy: await readPolicyRevision(repository, blobs, change.commit, units), error: null });
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      steps.push({ change, policy: null, error: error.message });
    }
  }
  return steps;
}

const NOTHING: Knowledge = {
  dynamic: new Map(),
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
