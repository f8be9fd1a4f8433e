import { type ClassedRelease, configurableMask, type RegisterClasses } from '../../model/class.ts';
import { ATTRIBUTE_NAMES, XFAM_NAMES } from '../../model/control.ts';
import type { ClobberFact, ControlBit } from '../../model/finding.ts';
import { or, without } from '../../model/mask.ts';
import { msrName } from '../../model/msr-name.ts';
import { onceFor } from '../../model/once.ts';
import { holdsAt, type Policy, xfamMask } from '../../model/policy.ts';
import { clobberFacts, isLost, isShownLost } from '../clobber-facts.ts';
import { placeMask } from '../lookup.ts';
import type { Draft, PolicyContext, PolicyStepContext, Rule } from '../rule.ts';
import { controlBits } from '../runs.ts';
import { type Direction, mirrored } from './mirrored.ts';

/** Bits that a list of KVM gained or lost. */
function listDrafts(context: PolicyStepContext, list: 'allow' | 'deny', change: Direction): readonly Draft[] {
  const { repository, revision } = (change === 'added' ? context.to : context.from).source;
  return context.changes[list][change].map((entry) => ({
    places: [placeMask(entry, entry.mask)],
    facts: { kind: 'policy-list', list, change },
    evidence: [{ repository, revision, path: entry.path, line: entry.line }],
  }));
}

export const [policyDenyAdded, policyDenyRemoved] = mirrored(
  'policy-deny',
  'policy-step',
  (context, change) => listDrafts(context, 'deny', change),
  {
    added: {
      title: 'This KVM newly denies a bit',
      level: 'warning',
      for: ['userspace'],
      why: 'TDs can no longer get the bit on this kernel; KVM_TDX_INIT_VM fails with -EINVAL where user space sets it.',
      action: 'Remove the bit from CPU models for this kernel.',
    },
    removed: {
      title: 'This KVM no longer denies a bit',
      level: 'warning',
      for: ['kernel'],
      why: 'TDs may newly get the bit on this kernel; if its feature clobbers host state, host MSRs are at risk again.',
      action: 'Check that KVM now restores the host state of the feature.',
    },
  },
);

export const [policyAllowAdded, policyAllowRemoved] = mirrored(
  'policy-allow',
  'policy-step',
  (context, change) => listDrafts(context, 'allow', change),
  {
    added: {
      title: 'This KVM newly opts in to a bit',
      level: 'info',
      for: ['kernel'],
      why: 'TDs may newly get the bit on this kernel.',
      action: 'Check that KVM restores the host state of the feature.',
    },
    removed: {
      title: 'This KVM no longer opts in to a bit',
      level: 'warning',
      for: ['userspace'],
      why: 'TDs that use the bit no longer start on this kernel.',
      action: 'Remove the bit from CPU models for this kernel.',
    },
  },
);

type Control = 'attributes' | 'xfam';

/** The bits of ATTRIBUTES or XFAM that one KVM supports and the other does not. */
function gained(control: Control, have: Policy, had: Policy): readonly ControlBit[] {
  if (control === 'attributes') return controlBits(have.attributes & ~had.attributes, ATTRIBUTE_NAMES);
  return controlBits(xfamMask(have) & ~xfamMask(had), XFAM_NAMES);
}

/** What is lost of the host behind bits that a KVM supports, on any release that was examined. */
function lostBehind(context: PolicyStepContext, control: Control, bits: readonly ControlBit[]): readonly ClobberFact[] {
  const wanted = new Set(bits.map(({ bit }) => bit));
  const rows = context.knowledge.clobbers.filter(
    (row) => row.kind === 'clobber' && row[control].some((bit) => wanted.has(bit)),
  );
  const facts = context.clobbers.flatMap((release) => rows.flatMap((row) => clobberFacts(row, release, context.to)));
  const lost = new Map(facts.filter(isLost).map((fact) => [`${fact.feature} ${fact.msr} ${fact.exit}`, fact]));
  const shown = [...lost.values()].filter(isShownLost);
  return shown.length > 0 ? shown : [...lost.values()];
}

function controlDrafts(context: PolicyStepContext, control: Control, change: Direction): readonly Draft[] {
  const [have, had] = change === 'added' ? [context.to, context.from] : [context.from, context.to];
  const bits = gained(control, have, had);
  if (bits.length === 0) return [];
  const clobbers = change === 'added' ? lostBehind(context, control, bits) : [];
  return [
    {
      facts: { kind: 'policy-control', control, change, bits, clobbers },
      // No evidence: a policy keeps no line of what is supported, and the file's first line is not where it stands.
      ...(change === 'removed' ? {} : { level: clobbers.some(isShownLost) ? 'error' : 'info' }),
    },
  ];
}

export const [policyAttributeAdded, policyAttributeRemoved] = mirrored(
  'policy-attribute',
  'policy-step',
  (context, change) => controlDrafts(context, 'attributes', change),
  {
    added: {
      title: 'This KVM newly supports a TD attribute',
      level: 'info',
      for: ['kernel'],
      why: 'TDs may have what the attribute gates: CPUID bits, and writes of host MSRs that the module makes for it.',
      action: 'Check that KVM restores every MSR behind the attribute.',
    },
    removed: {
      title: 'This KVM no longer supports a TD attribute',
      level: 'warning',
      for: ['userspace'],
      why: 'TDs that ask for the attribute no longer start on this kernel.',
      action: 'Remove the attribute from TD configurations for this kernel.',
    },
  },
);

export const [policyXfamAdded, policyXfamRemoved] = mirrored(
  'policy-xfam',
  'policy-step',
  (context, change) => controlDrafts(context, 'xfam', change),
  {
    added: {
      title: 'This KVM newly supports an extended feature for TDs',
      level: 'info',
      for: ['kernel'],
      why: 'TDs may have what the XFAM bit gates: CPUID bits, extended state, and writes of host MSRs that the module makes for it.',
      action: 'Check that KVM restores every MSR behind the feature.',
    },
    removed: {
      title: 'This KVM no longer supports an extended feature for TDs',
      level: 'warning',
      for: ['userspace'],
      why: 'TDs that ask for the feature in XFAM no longer start on this kernel.',
      action: 'Remove the feature from TD configurations for this kernel.',
    },
  },
);

/** Host state that one KVM restores and the other does not. */
function restoreDrafts({ from, to }: PolicyStepContext, change: Direction): readonly Draft[] {
  const [have, had]: readonly [Policy, Policy] = change === 'added' ? [to, from] : [from, to];
  const other = new Set(had.restores.map(({ msr }) => msrName(msr)));
  const { repository, revision } = have.source;
  return have.restores
    .filter(({ msr }) => !other.has(msrName(msr)))
    .map(({ msr, path, line }) => ({
      facts: { kind: 'restore', change, msrs: [msrName(msr)] },
      evidence: [{ repository, revision, path, line }],
    }));
}

export const [restoreAdded, restoreRemoved] = mirrored('restore', 'policy-step', restoreDrafts, {
  added: {
    title: 'This KVM newly restores host state after a TD ran',
    level: 'info',
    for: ['kernel'],
    why: 'Features that clobber the state become safe on this kernel.',
    action: 'Nothing to do; backports may want the change.',
  },
  removed: {
    title: 'This KVM no longer restores host state after a TD ran',
    level: 'warning',
    for: ['kernel'],
    why: 'A feature that clobbers the state leaves the host with a wrong value on this kernel, unless the module restores it.',
    action: 'Check the features that clobber the state; deny them, or restore it again.',
  },
});

/** The registers of all releases that a VMM may set bits of, by leaf. */
const settableByLeaf = onceFor(
  (releases: readonly ClassedRelease[]): ReadonlyMap<number, readonly RegisterClasses[]> => {
    const leaves = new Map<number, RegisterClasses[]>();
    for (const { registers } of releases)
      for (const register of registers) {
        if (configurableMask(register) === 0) continue;
        const own = leaves.get(register.leaf);
        if (own === undefined) leaves.set(register.leaf, [register]);
        else own.push(register);
      }
    return leaves;
  },
);

/** Entries of a list whose bits no release that was read lets a VMM set. */
function staleDrafts({ policy, releases }: PolicyContext, list: 'allow' | 'deny'): readonly Draft[] {
  const settable = settableByLeaf(releases);
  return policy[list].flatMap((entry): readonly Draft[] => {
    const offered = (settable.get(entry.leaf) ?? []).reduce(
      (all, register) => (holdsAt(entry, register) ? or(all, configurableMask(register)) : all),
      0,
    );
    const mask = without(entry.mask, offered);
    if (mask === 0) return [];
    const { repository, revision } = policy.source;
    return [
      {
        places: [placeMask(entry, mask)],
        facts: { kind: 'stale', list },
        evidence: [{ repository, revision, path: entry.path, line: entry.line }],
      },
    ];
  });
}

const staleRule = <const List extends 'allow' | 'deny'>(list: List) => ({
  id: `${list}-stale` as const,
  title: `KVM’s ${list} list names a bit that no release offers`,
  level: 'info' as const,
  for: ['kernel'] as const,
  mirror: null,
  noMirror: 'An entry that comes into use needs no finding.',
  why: 'The entry has no effect on any release that could be read; it may be a mistake in the place or mask, or foresight.',
  action: 'Check the place and the bit of the entry.',
  scope: 'policy' as const,
  judge: (context: PolicyContext): readonly Draft[] => staleDrafts(context, list),
});

export const [allowStale, denyStale] = [staleRule('allow'), staleRule('deny')] as const;

/** Bits that KVM shows and takes differently; a disagreement about all that its code does not name has no place. */
const splitDrafts = ({ policy }: PolicyContext, side: 'hidden-not-refused' | 'shown-but-refused'): readonly Draft[] =>
  (policy.disagreements ?? [])
    .filter(({ kind }) => kind === side)
    .map(({ leaf, subleaf, register, mask, shown, setUp }): Draft => {
      const { repository, revision } = policy.source;
      const isNamed = leaf !== null && register !== null;
      return {
        ...(isNamed ? { places: [{ leaf, subleaf, register, mask }] } : { story: 'unnamed' }),
        facts: { kind: 'split', side, isNamed },
        evidence: [shown, setUp].map(({ path, line }) => ({ repository, revision, path, line })),
      };
    });

export const hiddenNotRefused = {
  id: 'hidden-not-refused',
  title: 'KVM_TDX_CAPABILITIES hides a bit that KVM_TDX_INIT_VM takes',
  level: 'error',
  for: ['kernel'],
  mirror: 'shown-but-refused',
  why: 'User space may still set the bit: hiding it protects nothing.',
  action: 'Refuse in KVM_TDX_INIT_VM what KVM_TDX_CAPABILITIES hides.',
  scope: 'policy',
  judge: (context): readonly Draft[] => splitDrafts(context, 'hidden-not-refused'),
} as const satisfies Rule;

export const shownButRefused = {
  id: 'shown-but-refused',
  title: 'KVM_TDX_CAPABILITIES shows a bit that KVM_TDX_INIT_VM refuses',
  level: 'warning',
  for: ['kernel', 'userspace'],
  mirror: 'hidden-not-refused',
  why: 'User space that sets what KVM reports gets -EINVAL.',
  action: 'Hide the bit in KVM_TDX_CAPABILITIES, or take it in KVM_TDX_INIT_VM.',
  scope: 'policy',
  judge: (context): readonly Draft[] => splitDrafts(context, 'shown-but-refused'),
} as const satisfies Rule;
