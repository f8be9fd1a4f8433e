import type { ClassChange } from '../../model/change.ts';
import { BRAND, constantAt, isBrand, isText, textOrder } from '../../model/constant-text.ts';
import { constantOf } from '../../model/decider.ts';
import type { FindingFacts, Level } from '../../model/finding.ts';
import type { GateId } from '../../model/gate.ts';
import { and, or, rangeMask, without, xor } from '../../model/mask.ts';
import { namesOf } from '../../model/names.ts';
import { samePlace } from '../../model/place.ts';
import { clobberFacts, isLost } from '../clobber-facts.ts';
import {
  bothEvidence,
  byGates,
  changesOf,
  clobbersOf,
  decidedMask,
  evidenceOf,
  guestsOf,
  isHosts,
  numberBits,
  placeMask,
  registerOf,
  stepsOf,
} from '../lookup.ts';
import type { Draft, ReleaseContext, Rule } from '../rule.ts';

type ClassFacts = Extract<FindingFacts, { readonly kind: 'class' }>;

const classFacts = (to: ClassFacts['to'], change: ClassChange, extra: Partial<ClassFacts> = {}): ClassFacts => ({
  kind: 'class',
  to,
  steps: stepsOf([change]),
  gates: [],
  clobbers: [],
  ...extra,
});

const draftOf = (context: ReleaseContext, change: ClassChange, mask: number, facts: ClassFacts): Draft => ({
  places: [placeMask(change, mask)],
  facts,
  evidence: bothEvidence(context, change),
});

/** Clobbering features apart, then features, then what is no feature, with the level of each. */
export const fixed1Added = {
  id: 'fixed1-added',
  title: 'A bit is now fixed to 1: every TD has it',
  level: 'warning',
  for: ['userspace', 'kernel'],
  mirror: 'fixed1-removed',
  why: 'KVM cannot hide the bit from any TD, and user space that does not know it computes a wrong CPUID. If its feature clobbers host state, every TD does so: the promise that no host-clobbering feature becomes fixed-1 is broken.',
  action:
    'Add the bit to user space’s fixed-1 table; if it clobbers host state, KVM must save and restore that state before it runs on this release.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    changesOf('fixed1-added', context).flatMap((change): readonly Draft[] => {
      const always = decidedMask(context.to, change, change.mask, (decider) => constantOf(decider) === 1);
      const hits = clobbersOf(context.knowledge, change, always).flatMap(({ row, mask }) => {
        const lost = clobberFacts(row, context.clobbers.to, context.kvm?.policy ?? null).filter(isLost);
        return lost.length === 0 ? [] : [{ feature: row.feature, mask, lost }];
      });
      const rest = hits.reduce((mask, hit) => without(mask, hit.mask), always);
      const numbers = numberBits(context.knowledge, change, rest);
      const parts: readonly (readonly [number, Level])[] = [
        [without(rest, numbers), 'warning'],
        [numbers, 'info'],
      ];
      return [
        ...hits.map(
          ({ feature, mask, lost }): Draft => ({
            ...draftOf(context, change, mask, classFacts('fixed1', change, { clobbers: lost })),
            story: feature,
            // Without the proof it is a question, not an error.
            level: lost.some(({ exit }) => exit !== 'unknown') ? 'error' : 'warning',
            evidence: evidenceOf(context.to, change),
          }),
        ),
        ...parts.flatMap(([mask, level]): readonly Draft[] => {
          if (mask === 0) return [];
          if (level !== 'info')
            return [{ ...draftOf(context, change, mask, classFacts('fixed1', change)), level, story: 'features' }];
          const cleared = clearedBeside(context, change, mask);
          const all = cleared.reduce((sum, each) => or(sum, each.mask), mask);
          const facts = classFacts('fixed1', change, { steps: stepsOf([change, ...cleared]) });
          return [{ ...draftOf(context, change, all, facts), level, story: 'numbers' }];
        }),
      ];
    }),
} as const satisfies Rule;

/** A number goes from one value to another in bits of both directions: those of the same fields that are 0 in every TD now. */
function clearedBeside(context: ReleaseContext, change: ClassChange, mask: number): readonly ClassChange[] {
  const fields = namesOf(context.knowledge.names, change)
    .map(({ high, low }) => rangeMask(high, low))
    .filter((field) => and(field, mask) !== 0)
    .reduce((all, field) => or(all, field), 0);
  return changesOf('fixed0-added', context)
    .filter((each) => samePlace(each, change))
    .map((each) => ({
      ...each,
      mask: decidedMask(context.to, each, and(each.mask, fields), (by) => constantOf(by) === 0),
    }))
    .filter((each) => each.mask !== 0);
}

export const fixed1Removed = {
  id: 'fixed1-removed',
  isPlain: true,
  title: 'A bit is no longer fixed to 1',
  level: 'info',
  for: ['userspace'],
  mirror: 'fixed1-added',
  why: 'User space that took the bit for granted may see it as 0; a table of fixed-1 bits keeps it as extra.',
  action: 'Check user space that computes the TD’s CPUID from a fixed-1 table.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    changesOf('fixed1-removed', context).map((change) =>
      draftOf(context, change, change.mask, classFacts('not-fixed1', change)),
    ),
} as const satisfies Rule;

export const fixed0Added = {
  id: 'fixed0-added',
  isPlain: true,
  title: 'A bit is now fixed to 0',
  level: 'warning',
  for: ['userspace', 'operator'],
  mirror: null,
  noMirror: 'What a fixed-0 bit becomes has its own rule: configurable-added, fixed1-added or native-added.',
  why: 'No TD can have the feature any more; a migration source on an older release may have TDs that use it.',
  action: 'Remove the bit from TD configurations and CPU models for this release.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    changesOf('fixed0-added', context).flatMap((change) => {
      // A bit that the table clears and the code then computes is not 0 in every TD.
      const never = decidedMask(context.to, change, change.mask, (decider) => constantOf(decider) === 0);
      const numbers = numberBits(context.knowledge, change, never);
      return (
        [
          [without(never, numbers), 'warning', 'features'],
          [numbers, 'info', 'numbers'],
        ] as const
      ).flatMap(([mask, level, story]): readonly Draft[] =>
        mask === 0 ? [] : [{ ...draftOf(context, change, mask, classFacts('fixed0', change)), level, story }],
      );
    }),
} as const satisfies Rule;

export const nativeAdded = {
  id: 'native-added',
  isPlain: true,
  title: 'The host’s value of a bit now passes through',
  level: 'warning',
  for: ['operator', 'userspace'],
  mirror: null,
  noMirror: 'What a native bit becomes has its own rule: configurable-added, fixed1-added or fixed0-added.',
  why: 'Neither KVM nor user space controls the bit: the TD sees what the host CPU has, so TDs differ between hosts. Bits that XFAM or ATTRIBUTES gate are under control and are info.',
  action: 'Check that the bit is harmless to every TD, and that migration pools agree on it.',
  scope: 'release',
  judge: (context): readonly Draft[] =>
    changesOf('native-added', context).flatMap((change) =>
      nativeParts(context, change).map(
        ([mask, story, gates]): Draft => ({
          ...draftOf(context, change, mask, classFacts(story === 'gated' ? 'gated' : 'native', change, { gates })),
          // What different gates open is told apart: one gate's name would be read as that of all.
          story: gates.length === 0 ? story : `${story} ${gates.join(' ')}`,
          ...(story === 'open' ? {} : { level: 'info' }),
        }),
      ),
    ),
} as const satisfies Rule;

type NativeStory = 'open' | 'gated' | 'numbers';

/** What passes as the host has it, apart from what something else has a say in, and from numbers. */
function nativeParts(
  context: ReleaseContext,
  change: ClassChange,
): readonly (readonly [number, NativeStory, readonly GateId[]])[] {
  return byGates(context.to, change, change.mask).flatMap(({ gates, mask }) => {
    const open = gates.length > 0 ? 0 : decidedMask(context.to, change, mask, isHosts);
    const numbers = numberBits(context.knowledge, change, open);
    return (
      [
        [without(open, numbers), 'open', []],
        [numbers, 'numbers', []],
        [without(mask, open), 'gated', gates],
      ] as const
    ).filter(([part]) => part !== 0);
  });
}

export const constantChanged = {
  id: 'constant-changed',
  isPlain: true,
  title: 'A text that TDs read changed',
  level: 'info',
  for: ['userspace'],
  mirror: 'constant-changed',
  why: 'Software that compares the text draws another conclusion.',
  action: 'Check software that compares the text, such as a test for TDX.',
  scope: 'release',
  judge: ({ from, to }): readonly Draft[] => {
    const texts = to.registers.flatMap((register) => {
      const [before, after] = [constantAt(registerOf(from, register)), constantAt(register)];
      return before === null || after === null || !isText(before) || !isText(after)
        ? []
        : [{ register, before, after }];
    });
    const changed = texts.filter(({ before, after }) => before !== after);
    const leaves = [...new Set(changed.map(({ register }) => register.leaf))];
    // The brand string stands in three leaves, and is told with the words that stayed.
    const stories = [
      leaves.some(isBrand) ? BRAND : [],
      ...leaves.filter((leaf) => !isBrand(leaf)).map((leaf) => [leaf]),
    ];
    return stories
      .filter((story) => story.length > 0)
      .map((story): Draft => {
        const isOwn = ({ register }: (typeof texts)[number]): boolean => story.includes(register.leaf);
        const own = texts.filter(isOwn).sort((a, b) => textOrder(a.register) - textOrder(b.register));
        return {
          story: story.join(),
          places: changed.filter(isOwn).map(({ register, before, after }) => placeMask(register, xor(before, after))),
          facts: {
            kind: 'constant',
            before: own.map(({ before }) => before),
            after: own.map(({ after }) => after),
            guest: [...new Set(changed.filter(isOwn).flatMap(({ register }) => guestsOf(to, register)))],
          },
        };
      });
  },
} as const satisfies Rule;
