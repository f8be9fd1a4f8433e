import type { Cpuid2Outcome, Cpuid2Verdict } from '../../judge/cpuid2.ts';
import type { Cpuid2Place } from '../../model/cpuid2.ts';
import { wrap } from '../wrap.ts';

const HEADS: Readonly<Record<Cpuid2Outcome, string>> = {
  lie: 'KVM acts on it, and no check was found: a VMM can lie there',
  kept: 'would decide on the host, and is kept from it',
  required: 'KVM insists on it',
  shown: 'decides what the TD is told, and nothing of the host',
  'not-asked': 'not found in this kernel, or not asked there',
};
const OUTCOMES = Object.keys(HEADS) as readonly Cpuid2Outcome[];

const lineText = ({ path, line }: Cpuid2Place): string => `${path.replace(/^.*\/kvm\//, '')}:${line}`;

/** What KVM asks of KVM_SET_CPUID2 for a TD, by what comes of it; `wordy` says too where it differs. */
export function cpuid2Lines(verdicts: readonly Cpuid2Verdict[], wordy: boolean): readonly string[] {
  return OUTCOMES.flatMap((outcome) => {
    const group = verdicts.filter((each) => each.outcome === outcome);
    if (group.length === 0) return [];
    return [
      `  ${HEADS[outcome]}`,
      ...group.flatMap(({ question, ask }) => {
        const at =
          ask === null ? '' : ` (${lineText(ask.at)}${ask.guard === null ? '' : `; kept by ${lineText(ask.guard)}`})`;
        return [
          ...wrap(`${question.decides}${at}`, '    - ', '      '),
          // What the table says of a difference holds where its guard stands.
          ...(wordy && outcome !== 'lie' ? wrap(`where they differ: ${question.differs}`, '      ') : []),
        ];
      }),
    ];
  });
}

/** The same for machines. */
export const cpuid2Json = (verdicts: readonly Cpuid2Verdict[]) =>
  verdicts.map(({ question, ask, outcome }) => ({
    question: question.id,
    about: question.about,
    decides: question.decides,
    differs: question.differs,
    outcome,
    at: ask?.at ?? null,
    guard: ask?.guard ?? null,
  }));
