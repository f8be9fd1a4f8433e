import type { PolicyHistory } from '../cases/kvm-history.ts';
import { type Ground, judgePolicyStep } from '../judge/judge.ts';
import type { BitName } from '../model/field.ts';
import { plain } from '../model/text.ts';
import { policyJson } from './machine.ts';
import { wordsOf } from './words/words.ts';
import { wrap } from './wrap.ts';

/** A history is about what KVM lists: it is judged on no release. */
const NOTHING: Ground = {
  releases: [],
  clobbers: new Map(),
  knowledge: { required: [], staticRegisters: [], clobbers: [], names: [], levels: [] },
  cpuid2: { questions: [], kernels: [] },
  base: null,
};

/** What changed from the last readable policy to this one; null where nothing that a policy holds did. */
function changesAt(
  { before: start, steps }: PolicyHistory,
  index: number,
  names: readonly BitName[],
): readonly { readonly rule: string; readonly headline: string }[] {
  const before = steps.slice(0, index).findLast((step) => step.policy !== null)?.policy ?? start;
  const after = steps[index]?.policy;
  if (before == null || after == null) return [];
  const generation =
    before.generation === after.generation
      ? []
      : [{ rule: 'generation', headline: `generation ${before.generation} -> ${after.generation}` }];
  const findings = judgePolicyStep(before, after, { ...NOTHING, knowledge: { ...NOTHING.knowledge, names } }).findings;
  return [...generation, ...findings.map((finding) => ({ rule: finding.rule, headline: wordsOf(finding).headline }))];
}

export function historyJson(history: PolicyHistory, names: readonly BitName[]) {
  return {
    schema: 'bitwatch.policy-history/1',
    revisions: history.steps.map(({ change, policy, error }, index) => ({
      revision: change.commit,
      subject: plain(change.subject),
      paths: [...change.paths.keys()],
      error,
      changes: changesAt(history, index, names),
      policy: policy === null ? null : policyJson(policy, names),
    })),
  };
}

/** Revisions that changed the policy, and those that could not be read; the others are counted. */
export function historyText(history: PolicyHistory, names: readonly BitName[]): string {
  const { before, steps } = history;
  const lines: string[] = [];
  let same = 0;
  for (const [index, { change, policy, error }] of steps.entries()) {
    const changes = changesAt(history, index, names);
    if (error === null && changes.length === 0 && (index > 0 || before !== null)) {
      same += 1;
      continue;
    }
    lines.push(...wrap(plain(change.subject), `${change.commit.slice(0, 12)} `));
    if (error !== null) lines.push(...wrap(error, '  not read: '));
    else if (index === 0 && before === null && policy !== null)
      lines.push(`  begins as ${policy.generation} (KVM ${policy.version})`);
    for (const { rule, headline } of changes) lines.push(...wrap(headline, `  ${rule}: `, '    '));
  }
  return `${lines.join('\n')}\n${same} of ${steps.length} revisions touched the files and left the policy as it was\n`;
}
