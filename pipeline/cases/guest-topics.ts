import { type Beyond, beyondTables, TOPOLOGY, type ZeroLeaves, zeroLeavesOf } from '../model/beyond-tables.ts';
import type { ClassedRelease } from '../model/class.ts';
import { CONFIG_FLAG_NAMES } from '../model/control.ts';
import { asksGuest, flagsAsked } from '../model/decider.ts';
import { TD_CONTROLS, type TdControl } from '../model/decider-rules.ts';
import type { BitName } from '../model/field.ts';
import type { FoundPlace } from '../model/finding.ts';
import { or } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import type { LeafKey, Place } from '../model/place.ts';
import type { Specs } from '../specs/store.ts';

/** A leaf, or sub-leaf, that no release has in its tables: what a TD reads of it all the same. */
export type LeafTopic = LeafKey & {
  /** `null` where the release's code was not examined. */
  readonly releases: readonly { readonly release: string; readonly beyond: Beyond | null }[];
};

/** A bit of TD_CTLS, which the guest sets. */
export type GuestTopic = {
  readonly control: TdControl;
  /** `null` where the release's code was not examined. */
  readonly releases: readonly { readonly release: string; readonly has: boolean | null }[];
  /** What it does in the newest release that has it; null where none has. */
  readonly effect: {
    readonly release: string;
    /** Leaves of the tables that inject #VE without it. */
    readonly answered: readonly number[];
    /** Leaves that the tables lack, where it is what they need. */
    readonly zero: Pick<ZeroLeaves, 'asked' | 'rest'> | null;
    /** Bits whose value it has a say in. */
    readonly decides: readonly FoundPlace[];
  } | null;
};

/** `0xf`, `leaf 0x7.3`: none where a release has it in its tables. */
export function leafTopic({ releases }: Specs, text: string): LeafTopic | null {
  const [, digits, sub] = /^(?:leaf\s+|cpuid\.)?0x([0-9a-f]{1,8})(?:\.(0x[0-9a-f]+|\d+))?$/i.exec(text.trim()) ?? [];
  if (digits === undefined) return null;
  const [leaf, subleaf] = [Number.parseInt(digits, 16), sub === undefined ? null : Number(sub)];
  const isOf = (place: Place): boolean =>
    place.leaf === leaf && (subleaf === null || place.subleaf === null || place.subleaf === subleaf);
  // The leaves of the topology are told bit by bit.
  if (TOPOLOGY.includes(leaf) || releases.some(({ registers }) => registers.some(isOf))) return null;
  const place: Place = { leaf, subleaf, register: 'eax' };
  return {
    leaf,
    subleaf,
    releases: releases.map((each) => ({ release: each.module.release, beyond: beyondTables(each, place, 0) })),
  };
}

/** `REDUCE_VE`, `TD_CTLS.ENUM_TOPOLOGY`. */
export function guestTopic({ releases, knowledge }: Specs, text: string): GuestTopic | null {
  const name = text
    .trim()
    .toUpperCase()
    .replace(/^TD_CTLS\./, '');
  const control = TD_CONTROLS.find((each) => each === name);
  if (control === undefined) return null;
  const hasIt = ({ rules }: ClassedRelease): boolean | null => rules?.limits.tdControls.includes(control) ?? null;
  const newest = releases.findLast((each) => hasIt(each) === true);
  return {
    control,
    releases: releases.map((each) => ({ release: each.module.release, has: hasIt(each) })),
    effect: newest === undefined ? null : effectOf(newest, control, knowledge.names),
  };
}

function effectOf(release: ClassedRelease, control: TdControl, names: readonly BitName[]): GuestTopic['effect'] {
  const asked = release.registers.map(({ leaf, subleaf, register, deciders }) => ({
    ...{ leaf, subleaf, register },
    parts: deciders.map(({ mask, decider }) => ({ mask, of: asksGuest(decider, control) })),
  }));
  const zero = zeroLeavesOf(release);
  return {
    release: release.module.release,
    answered: [...new Set(asked.filter(({ parts }) => parts.some(({ of }) => of.fault)).map(({ leaf }) => leaf))],
    zero: zero.guest.some((each) => each === control) ? { asked: zero.asked, rest: zero.rest } : null,
    decides: asked.flatMap(({ parts, ...place }) => {
      const mask = parts.reduce((all, part) => (part.of.value ? or(all, part.mask) : all), 0);
      return mask === 0 ? [] : [{ ...place, mask, bits: namedBits(names, place, mask) }];
    }),
  };
}

/** A bit of CONFIG_FLAGS, which KVM sets in TD_PARAMS. */
export type FlagTopic = {
  readonly bit: number;
  readonly name: string;
  /** `null` where the release's code was not examined. */
  readonly releases: readonly { readonly release: string; readonly has: boolean | null }[];
  /** `null` where the kernel was not read for it. */
  readonly kernels: readonly { readonly version: string; readonly sets: boolean | null }[];
  /** Bits that wait for it in the newest release that has it. */
  readonly gated: readonly FoundPlace[];
};

/** `MAXGPA_VIRT`, `CONFIG_FLAGS.MAXPA_VIRT`. */
export function flagTopic({ releases, policies, knowledge }: Specs, text: string): FlagTopic | null {
  const name = text
    .trim()
    .toUpperCase()
    .replace(/^CONFIG_FLAGS\./, '');
  const [bit] = [...CONFIG_FLAG_NAMES].find(([, each]) => each === name) ?? [];
  if (bit === undefined) return null;
  const isSet = (mask: bigint): boolean => ((mask >> BigInt(bit)) & 1n) === 1n;
  const hasIt = ({ rules }: ClassedRelease): boolean | null =>
    rules === undefined ? null : isSet(rules.limits.configFlags);
  const newest = releases.findLast((each) => hasIt(each) === true);
  return {
    bit,
    name,
    releases: releases.map((each) => ({ release: each.module.release, has: hasIt(each) })),
    kernels: policies.map(({ version, configFlags }) => ({
      version,
      sets: configFlags === undefined ? null : configFlags.some(({ mask }) => isSet(mask)),
    })),
    gated: (newest?.registers ?? []).flatMap(({ leaf, subleaf, register, deciders }) => {
      const place = { leaf, subleaf, register };
      const mask = deciders.reduce(
        (all, part) => (flagsAsked(part.decider).includes(bit) ? or(all, part.mask) : all),
        0,
      );
      return mask === 0 ? [] : [{ ...place, mask, bits: namedBits(knowledge.names, place, mask) }];
    }),
  };
}
