import type { DeciderChange } from '../../model/change.ts';
import type { Decider } from '../../model/decider.ts';
import type { Condition } from '../../model/decider-rules.ts';
import { deciderText } from '../../model/decider-text.ts';
import { bothEvidence, placeMask } from '../lookup.ts';
import type { Draft, ReleaseContext, Rule } from '../rule.ts';

/** A decider without the numbers that tell one bit of the same story from another. */
const shapeOf = (decider: Decider): string =>
  deciderText(decider)
    .replace(/(paravirt):\d+/g, '$1')
    .replace(/(cpuid):\S+\]/g, '$1');

const draftOf = (context: ReleaseContext, change: DeciderChange): Draft => ({
  story: `${shapeOf(change.from)} ${shapeOf(change.to)}`,
  places: [placeMask(change, change.mask)],
  facts: { kind: 'decider', steps: [{ from: change.from, to: change.to }] },
  evidence: bothEvidence(context, change),
});

const asksGuest = (condition: Condition): boolean =>
  condition.kind === 'guest' ||
  condition.kind === 'paravirt' ||
  (condition.kind === 'not' && asksGuest(condition.of)) ||
  (condition.kind === 'any' && condition.of.some(asksGuest));

const isOne = ({ by }: Decider): boolean => by.kind === 'constant' && by.value === 1;

/** A bit that every TD had, and that stays 1 only until the guest asks for something else. */
const isOptOut = ({ from, to }: DeciderChange): boolean =>
  isOne(from) && to.conditions.some(({ when, otherwise }) => otherwise === 1 && asksGuest(when));

export const meaningChanged = {
  id: 'meaning-changed',
  title: 'A bit that was 1 in every TD now depends on what guest and VMM ask for',
  level: 'warning',
  for: ['userspace'],
  mirror: null,
  noMirror: 'A bit that becomes 1 in every TD again is reported as fixed1-added.',
  why: 'Guests that set REDUCE_VE lose the feature where the VMM does not configure it or they do not ask for it in FEATURE_PARAVIRT_CTRL (openvmm #2131).',
  action:
    'User space: keep configuring the bit to 1. Guests that set REDUCE_VE: ask for the feature in FEATURE_PARAVIRT_CTRL too.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    context.diff.deciders.filter(isOptOut).map((change) => draftOf(context, change)),
} as const satisfies Rule;

const MOST_EVIDENCE = 3;

export const decidingCodeChanged = {
  id: 'deciding-code-changed',
  title: 'The code that decides changed, not examined',
  level: 'warning',
  for: ['kernel', 'userspace'],
  mirror: null,
  noMirror: 'It is a state: it ends when somebody examines the code.',
  why: 'The rules of the release before would say of this one what nobody read: until its code is examined, only its tables are told and not who decides a bit beyond them.',
  action: 'Read the functions at these lines and write what they decide into specs/deciders (docs/extending.md).',
  scope: 'release',
  judge: ({ from, to, kvm }): readonly Draft[] => {
    const changes = to.unexamined ?? [];
    // Under a KVM alone a release is held against nothing: its own review has told it.
    if (changes.length === 0 || (kvm !== null && from.module.release === to.module.release)) return [];
    const { repository, revision } = to.module.source;
    return [
      {
        facts: { kind: 'deciding-code', changes },
        // All of them stand in the facts; a few lead there.
        evidence: changes
          .flatMap(({ path, line }) => (line === null ? [] : [{ repository, revision, path, line }]))
          .slice(0, MOST_EVIDENCE),
      },
    ];
  },
} as const satisfies Rule;

export const deciderChanged = {
  id: 'decider-changed',
  isPlain: true,
  title: 'What decides a bit’s value changed',
  level: 'info',
  for: ['userspace'],
  mirror: 'decider-changed',
  why: 'The module’s code gives the bit its value in another way than the release before, whatever its tables say.',
  action: 'Check what user space computes for the bit.',
  scope: 'release',
  judge: (context): readonly Draft[] => context.diff.deciders.map((change) => draftOf(context, change)),
} as const satisfies Rule;
