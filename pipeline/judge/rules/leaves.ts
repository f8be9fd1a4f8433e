import { type ZeroLeaves, zeroLeavesOf } from '../../model/beyond-tables.ts';
import type { ClassedRelease } from '../../model/class.ts';
import type { LeafKey } from '../../model/place.ts';
import type { Effect } from '../change-table.ts';
import { bothEvidence, byLeaf, changesOf, guestsOf, isKnownLeaf, placeMask } from '../lookup.ts';
import type { Draft, ReleaseContext, Rule } from '../rule.ts';
import { mirrored } from './mirrored.ts';

type LeafChange = 'added' | 'removed' | 've-added' | 've-removed';

/** All sub-leaves and registers of a leaf that came, went, or began or ended to fault, drafted together. */
function leafDrafts(effect: Effect, change: LeafChange, context: ReleaseContext): readonly Draft[] {
  const all = changesOf(effect, context);
  const withFixed1 = new Set(all.filter(({ to }) => to === 'fixed1').map((each) => each.leaf));
  return byLeaf(all).flatMap((changes): readonly Draft[] => {
    const [first] = changes;
    if (first === undefined) return [];
    const { leaf } = first;
    const fixed1 = withFixed1.has(leaf);
    const known = isKnown(context, { leaf, subleaf: null }) || isKnown(context, first);
    return [
      {
        places: changes.map((each) => placeMask(each, each.mask)),
        facts: { kind: 'leaf', leaf, change, fixed1, known, guest: guestsOf(context.to, first) },
        evidence: bothEvidence(context, first),
        // A fixed-1 bit in a leaf that nobody knows: user space would not know to query it.
        ...(change === 'added' && fixed1 && !known ? { level: 'warning' as const } : {}),
      },
    ];
  });
}

const isKnown = ({ knowledge }: ReleaseContext, key: LeafKey): boolean => isKnownLeaf(knowledge, key);

export const leafAdded = {
  id: 'leaf-added',
  isPlain: true,
  title: 'A leaf came into the table',
  level: 'info',
  for: ['userspace'],
  mirror: 'leaf-removed',
  why: 'Where the module answers the leaf itself, the guest kernel’s #VE handler and the hypervisor no longer do.',
  action: 'Check that user space queries the leaf when it computes the TD’s CPUID.',
  scope: 'release',
  judge: (context): readonly Draft[] => leafDrafts('leaf-added', 'added', context),
} as const satisfies Rule;

export const leafRemoved = {
  id: 'leaf-removed',
  isPlain: true,
  title: 'A leaf left the table',
  level: 'warning',
  for: ['userspace', 'operator'],
  mirror: 'leaf-added',
  why: 'The leaf injects #VE again; guests without a handler for it break.',
  action: 'Check guests that read the leaf.',
  scope: 'release',
  judge: (context): readonly Draft[] => leafDrafts('leaf-removed', 'removed', context),
} as const satisfies Rule;

export const veAdded = {
  id: 've-added',
  isPlain: true,
  title: 'A leaf injects #VE now',
  level: 'warning',
  for: ['userspace', 'operator'],
  mirror: 've-removed',
  why: 'The guest’s #VE handler asks the hypervisor, which user space must now answer.',
  action: 'Check that the hypervisor emulates the leaf.',
  scope: 'release',
  judge: (context): readonly Draft[] => leafDrafts('ve-added', 've-added', context),
} as const satisfies Rule;

export const veRemoved = {
  id: 've-removed',
  isPlain: true,
  title: 'A leaf no longer injects #VE',
  level: 'info',
  for: ['userspace'],
  mirror: 've-added',
  why: 'Where the module answers the leaf itself, what the hypervisor emulated is no longer seen.',
  action: 'Check that the values the module gives fit those that user space emulated.',
  scope: 'release',
  judge: (context): readonly Draft[] => leafDrafts('ve-removed', 've-removed', context),
} as const satisfies Rule;

/** What of `now` is not so in `before`; null where that is nothing. */
function newZeros(before: ZeroLeaves, now: ZeroLeaves): ZeroLeaves | null {
  const known = new Set([...before.always, ...before.asked]);
  const isNew = (leaf: number): boolean => !known.has(leaf);
  const [always, asked, rest] = [now.always.filter(isNew), now.asked.filter(isNew), now.rest && !before.rest];
  if (always.length + asked.length === 0 && !rest) return null;
  return { always, asked, guest: asked.length === 0 && !rest ? [] : now.guest, rest };
}

/** Of a leaf that came into a table, or left it, another rule tells. */
const outside = (zeros: ZeroLeaves, { module }: ClassedRelease): ZeroLeaves => {
  const table = new Set(module.lookup.map(({ leaf }) => leaf));
  const isOutside = (leaf: number): boolean => !table.has(leaf);
  return { ...zeros, always: zeros.always.filter(isOutside), asked: zeros.asked.filter(isOutside) };
};

export const [zeroLeavesAdded, zeroLeavesRemoved] = mirrored(
  'zero-leaves',
  'release',
  ({ from, to }, change): readonly Draft[] => {
    // Without the rules of both it is not known what leaves beyond the tables give.
    if (from.rules === undefined || to.rules === undefined) return [];
    const [before, after] = [outside(zeroLeavesOf(from), to), outside(zeroLeavesOf(to), from)];
    const zeros = change === 'added' ? newZeros(before, after) : newZeros(after, before);
    return zeros === null ? [] : [{ facts: { kind: 'zero-leaves', change, ...zeros } }];
  },
  {
    added: {
      title: 'Leaves that are in no table read as 0 instead of injecting #VE',
      level: 'info',
      for: ['userspace'],
      why: 'The leaf injected #VE, and the hypervisor answered. Where the module answers 0, the hypervisor is not asked any more.',
      action: 'Check what the guest took from the hypervisor’s answer for the leaf.',
    },
    removed: {
      title: 'Leaves that are in no table no longer read as 0',
      level: 'warning',
      for: ['userspace', 'operator'],
      why: 'The leaf injects #VE again; guests without a handler for it break.',
      action: 'Check guests that read the leaf.',
    },
  },
);
