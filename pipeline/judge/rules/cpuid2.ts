import type { Cpuid2Place, Cpuid2Site } from '../../model/cpuid2.ts';
import type { ClobberFact } from '../../model/finding.ts';
import { msrName } from '../../model/msr-name.ts';
import type { Evidence } from '../../model/source.ts';
import { clobberFacts, isShownLost, siteEvidence } from '../clobber-facts.ts';
import { type Cpuid2Verdict, judgeCpuid2 } from '../cpuid2.ts';
import type { Draft, PolicyContext, Rule } from '../rule.ts';
import { runsOn } from '../runs.ts';
import { isClosed } from './host-state.ts';

const shortPath = (path: string): string => path.replace(/^.*arch\/x86\/kvm\//, '');
const siteText = ({ path, function: name, word }: Cpuid2Site): string => `${path} ${name} ${word}`;

const atKernel = ({ policy: { source } }: PolicyContext, { path, line }: Cpuid2Place): Evidence => ({
  repository: source.repository,
  revision: source.revision,
  path,
  line,
});

type Lost = { readonly facts: readonly ClobberFact[]; readonly evidence: readonly Evidence[] };

/**
 * What is lost of the host where KVM acts on a wrong answer: MSRs that the module leaves changed in a release which this KVM runs,
 * for TDs that this KVM lets have what opens the write, and that KVM does not restore by what the TD really has.
 */
function lostBehind({ question }: Cpuid2Verdict, { policy, releases, clobbers, knowledge }: PolicyContext): Lost {
  const names = new Set(question.msrs.map(msrName));
  const rows = knowledge.clobbers
    .filter(({ kind }) => kind === 'clobber')
    .map((row) => ({ ...row, msrs: row.msrs.filter((msr) => names.has(msrName(msr))) }));
  const run = new Set(
    releases.filter((each) => runsOn(each, policy).kind !== 'no').map(({ module }) => module.release),
  );
  const found = clobbers
    .filter(({ release }) => run.has(release))
    .map((facts) => {
      const open = { ...facts, msrs: facts.msrs.filter((transition) => !isClosed(transition, policy)) };
      const lost = rows.flatMap((row) => clobberFacts(row, open, policy)).filter(isShownLost);
      return { lost, evidence: siteEvidence(open, lost) };
    });
  const unique = new Map(
    found.flatMap(({ lost }) => lost).map((fact) => [`${fact.feature} ${fact.msr} ${fact.exit}`, fact]),
  );
  // The newest release whose line is known: some were read without.
  const last = found.findLast(({ evidence }) => evidence.length > 0);
  return { facts: [...unique.values()], evidence: last?.evidence ?? [] };
}

export const setCpuid2DecidesHost = {
  id: 'set-cpuid2-decides-host',
  title: 'KVM acts for a TD on what KVM_SET_CPUID2 said, and nothing checks it',
  level: 'warning',
  for: ['kernel', 'operator'],
  mirror: null,
  noMirror: 'A kernel that checks has no finding.',
  why: 'The TDX module computes the TD’s CPUID from KVM_TDX_INIT_VM; KVM_SET_CPUID2 is the VMM’s word alone, and here KVM decides on the host by it.',
  action: 'Leave the path for TDs, or decide by what the TD really has: its XFAM, ATTRIBUTES and TD_PARAMS.',
  scope: 'policy',
  judge: (context): readonly Draft[] => {
    const { questions, kernel } = context.cpuid2;
    if (kernel === null) return [];
    return judgeCpuid2(questions, kernel).flatMap((verdict): readonly Draft[] => {
      const { question, ask, outcome } = verdict;
      if (outcome !== 'lie' || ask === null || question.about === 'guest') return [];
      const isHost = question.about === 'host';
      const lost = isHost ? lostBehind(verdict, context) : { facts: [], evidence: [] };
      return [
        {
          story: question.id,
          facts: {
            kind: 'set-cpuid2',
            question: question.id,
            about: question.about,
            decides: question.decides,
            guards: question.guards.map((all) => all.map(siteText).join(' + ')),
            lost: lost.facts,
          },
          // A wrong decision is a question; a value that the host loses, with the line that writes it, is harm.
          level: lost.evidence.length > 0 ? 'error' : isHost ? 'warning' : 'info',
          ...(isHost ? {} : { for: ['kernel'] as const }),
          evidence: [atKernel(context, ask.at), ...lost.evidence],
        },
      ];
    });
  },
} as const satisfies Rule;

export const setCpuid2NotExamined = {
  id: 'set-cpuid2-not-examined',
  title: 'What comes of KVM_SET_CPUID2 under a kernel was not judged, or not in full',
  level: 'info',
  for: ['kernel'],
  mirror: null,
  noMirror: 'It is a state, not a change.',
  why: 'A VMM gives CPUID to KVM_SET_CPUID2 apart from KVM_TDX_INIT_VM; what KVM does with a difference is not said here.',
  action: 'Read the place, and write into specs/cpuid2.md what it decides and what guards it.',
  scope: 'policy',
  judge: (context): readonly Draft[] => {
    const { questions, kernel } = context.cpuid2;
    // Without questions nobody asked.
    if (questions.length === 0) return [];
    if (kernel === null) return [{ facts: { kind: 'set-cpuid2-open', unlisted: [], unfound: [] } }];
    const unfound = judgeCpuid2(questions, kernel).flatMap(({ outcome, question }) =>
      outcome === 'not-asked' ? [question.id] : [],
    );
    const { unlisted } = kernel;
    if (unlisted.length + unfound.length === 0) return [];
    return [
      {
        facts: {
          kind: 'set-cpuid2-open',
          unlisted: [
            ...new Set(unlisted.map(({ path, function: name, word }) => `${shortPath(path)} ${name} ${word}`)),
          ],
          unfound,
        },
        // What KVM's own file for TDs newly asks is for somebody to decide on.
        ...(unlisted.length > 0 ? { level: 'warning' as const } : {}),
        evidence: unlisted.map((place) => atKernel(context, place)),
      },
    ];
  },
} as const satisfies Rule;
