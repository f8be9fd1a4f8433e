import { changeText } from '../../model/decider-text.ts';
import type { FindingFacts } from '../../model/finding.ts';
import { CLASS_TEXT, clobberText, deciderSteps, EXIT_TEXT, type FactsOf, gateText, stepsText } from './fact-words.ts';

type Kind = FindingFacts['kind'];

/** What the facts add to the rule's reason; empty where the headline says it all. */
export const factsText = (facts: FindingFacts): string => reason(facts.kind, facts);

const reason = <K extends Kind>(kind: K, facts: FactsOf<K>): string => REASONS[kind]?.(facts) ?? '';

const told = (parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');

const reasonsText = ({ reasons }: FactsOf<'required' | 'static-leaf'>): string =>
  reasons.map((each) => `${each.charAt(0).toUpperCase()}${each.slice(1)}.`).join(' ');

const REASONS: { readonly [K in Kind]?: (facts: FactsOf<K>) => string } = {
  configurable: configurableReason,
  'not-configurable': ({ steps }) => `Now: ${[...new Set(steps.map(({ to }) => CLASS_TEXT[to]))].join(', ')}.`,
  class: ({ steps, gates, clobbers }) =>
    told([
      `${stepsText(steps)}.`,
      gates.length === 0 ? '' : `Gated by ${gates.map(gateText).join(', ')}.`,
      ...clobbers.map(clobberText),
    ]),
  leaf: ({ guest, fixed1, known }) =>
    told([
      guest.length === 0
        ? ''
        : `It injects #VE until the guest sets ${guest.join(' and ')}; from then on the module answers it.`,
      fixed1
        ? `It holds fixed-1 bits${known ? '' : ', and neither the kernel’s names nor specs/leaves.md know the leaf'}.`
        : '',
    ]),
  decider: (facts) => {
    const steps = deciderSteps(facts);
    return steps.length < 2 ? '' : told(steps.map((step) => `${step}.`));
  },
  'deciding-code': ({ changes }) => `In full: ${changes.map(changeText).join(', ')}.`,
  required: reasonsText,
  'static-leaf': reasonsText,
  'host-state': hostStateReason,
  'policy-control': ({ clobbers }) => told(clobbers.map(clobberText)),
  'set-cpuid2': ({ guards, lost }) =>
    told([
      guards.length === 0
        ? 'No guard is known.'
        : `What guards it in other kernels is not there: ${guards.join(', or ')}.`,
      ...lost.map(clobberText),
    ]),
  decision: (facts) => `Its reason was: ${facts.reason}.`,
};

function configurableReason({ steps, clobbers, functional, harmless = [] }: FactsOf<'configurable'>): string {
  return told([
    steps.length === 0 ? '' : `Before: ${[...new Set(steps.map(({ from }) => CLASS_TEXT[from]))].join(', ')}.`,
    ...clobbers.map(clobberText),
    functional.length === 0
      ? ''
      : `Functional, no clobber: ${functional.join(', ')} ${functional.length === 1 ? 'needs' : 'need'} the VMM’s help (specs/clobbers.md).`,
    ...harmless.map(({ feature, reason: why }) => `${feature} leaves nothing by specs/clobbers.md: ${why}.`),
  ]);
}

function hostStateReason({ msrs, change }: FactsOf<'host-state'>): string {
  const before = change === 'added' ? '' : 'In the release before: ';
  return told(
    msrs.map(({ msr, exit, openers, kvm }) => {
      const opened = openers.length === 0 ? 'every TD does it' : `opened by ${openers.join(', ')}`;
      const care = kvm === null || change === 'removed' ? '' : `; ${CARE_TEXT[kvm]}`;
      return `${before}${msr} ${EXIT_TEXT[exit]}; ${opened}${care}.`;
    }),
  );
}

const CARE_TEXT = {
  restores: 'KVM restores it',
  closes: 'KVM never opens it',
  nothing: 'KVM neither restores it nor keeps TDs from it',
} as const;
