import type { Cpuid2Ask, Cpuid2Facts, Cpuid2Knowledge, Cpuid2Question } from '../model/cpuid2.ts';
import type { Policy } from '../model/policy.ts';

/**
 * What comes of a question under one kernel. `lie`: the answer decides on the host and nothing keeps a VMM that told
 * KVM_TDX_INIT_VM otherwise from it; `kept`: a guard does; `shown`: the TD alone is told; `required`: KVM insists.
 */
export type Cpuid2Outcome = 'lie' | 'kept' | 'shown' | 'required' | 'not-asked';

export type Cpuid2Verdict = {
  readonly question: Cpuid2Question;
  readonly ask: Cpuid2Ask | null;
  readonly outcome: Cpuid2Outcome;
};

/** Each question under one kernel, what a VMM can lie about first. */
export function judgeCpuid2(questions: readonly Cpuid2Question[], { asks }: Cpuid2Facts): readonly Cpuid2Verdict[] {
  const verdicts = questions.map((question): Cpuid2Verdict => {
    const ask = asks.find((each) => each.question === question.id) ?? null;
    return { question, ask, outcome: ask === null ? 'not-asked' : outcomeOf(question, ask) };
  });
  return ORDER.flatMap((outcome) => verdicts.filter((each) => each.outcome === outcome));
}

const ORDER: readonly Cpuid2Outcome[] = ['lie', 'kept', 'required', 'shown', 'not-asked'];

function outcomeOf({ about }: Cpuid2Question, { guard }: Cpuid2Ask): Cpuid2Outcome {
  if (about === 'guest') return 'shown';
  if (guard === null) return 'lie';
  return about === 'host' ? 'kept' : 'required';
}

/** What was read of the kernel of a policy; null where its revision was not read for it. */
export const cpuid2Of = ({ kernels }: Cpuid2Knowledge, { source }: Policy): Cpuid2Facts | null =>
  kernels.find((each) => each.source.revision === source.revision) ?? null;
