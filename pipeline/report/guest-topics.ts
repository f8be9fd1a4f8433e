import type { FlagTopic, GuestTopic, LeafTopic } from '../cases/guest-topics.ts';
import type { TdControl } from '../model/decider-rules.ts';
import { hex, hex32 } from '../model/mask.ts';
import { beyondWords } from './decider-words.ts';
import { placeJson } from './machine.ts';
import { lineText, placeLines } from './places.ts';
import { wrap } from './wrap.ts';

/** Neighbours of the list of all as runs: `1.5 Beta to 2.0.18`. */
export function runText(names: readonly string[], all: readonly string[]): string {
  const runs: string[][] = [];
  for (const name of names) {
    const run = runs.at(-1);
    if (run !== undefined && all.indexOf(name) === all.indexOf(run.at(-1) ?? '') + 1) run.push(name);
    else runs.push([name]);
  }
  return runs.map((run) => (run.length < 3 ? run.join(', ') : `${run[0]} to ${run.at(-1)}`)).join(', ');
}

/** What a TD reads of a leaf that is in no table, in runs of releases. */
export function leafLines({ leaf, subleaf, releases }: LeafTopic): readonly string[] {
  const all = releases.map(({ release }) => release);
  const byText = new Map<string, string[]>();
  for (const { release, beyond } of releases) {
    const text = beyond === null ? 'not examined' : beyondWords(beyond);
    byText.set(text, [...(byText.get(text) ?? []), release]);
  }
  return [
    `leaf 0x${leaf.toString(16)}${subleaf === null ? '' : `.${subleaf}`} is in the tables of no release that was read: no VMM configures it, and the module’s code alone answers it`,
    ...[...byText].flatMap(([text, names]) => [...wrap(runText(names, all), '  '), ...wrap(text, '      ')]),
  ];
}

/** What comes with a control in every release that has it. */
const NOTES: Readonly<Record<TdControl, string>> = {
  PENDING_VE_DISABLE: 'it begins as ATTRIBUTES.SEPT_VE_DISABLE, and changes only with CONFIG_FLAGS.FLEXIBLE_PENDING_VE',
  ENUM_TOPOLOGY: 'refused where a virtual CPU was initialized without an x2APIC id',
  VIRT_CPUID2: 'no VMM has a say',
  REDUCE_VE: 'it sets ENUM_TOPOLOGY and VIRT_CPUID2 too',
  ENABLE_HW_KEYS: 'refused where the platform has no sealing (TDX_FEATURES0 hw_sealing)',
  LOCK: 'from then on TD_CTLS and FEATURE_PARAVIRT_CTRL stay as they are',
};

/** Since when a guest can set it, and what it does in the newest release that has it. */
export function guestLines({ control, releases, effect }: GuestTopic): readonly string[] {
  const all = releases.map(({ release }) => release);
  const line = (label: string, has: boolean | null): readonly string[] => {
    const names = releases.filter((each) => each.has === has).map(({ release }) => release);
    return names.length === 0 ? [] : wrap(runText(names, all), `  ${label.padEnd(13)} `);
  };
  const first = effect === null ? 'no release that was read has it' : `the guest sets it; ${NOTES[control]}`;
  return [
    `TD_CTLS.${control}: ${first}`,
    ...line('in', true),
    ...line('not in', false),
    ...line('not examined', null),
    ...effectLines(effect),
  ];
}

function effectLines(effect: GuestTopic['effect']): readonly string[] {
  if (effect === null) return [];
  const { release, answered, zero, decides } = effect;
  const lines = [
    ...(answered.length === 0 ? [] : wrap(`leaf ${leavesText(answered)}: #VE without it`, '  answered      ')),
    ...(zero === null ? [] : wrap(`${zeroText(zero)}: #VE without it`, '  read as 0     ')),
    ...(decides.length === 0
      ? []
      : placeLines(decides).flatMap((each, at) =>
          wrap(lineText(each), at === 0 ? '  has a say in  ' : ' '.repeat(16)),
        )),
  ];
  return [`In ${release}`, ...(lines.length === 0 ? ['  it decides no CPUID bit'] : lines)];
}

const zeroText = ({ asked, rest }: { readonly asked: readonly number[]; readonly rest: boolean }): string =>
  [
    ...(asked.length === 0 ? [] : [`leaf ${leavesText(asked)}`]),
    ...(rest ? [`any ${asked.length === 0 ? '' : 'other '}leaf that the tables lack`] : []),
  ].join(', and ');

const leavesText = (leaves: readonly number[]): string => leaves.map(hex).join(', ');

export const leafTopicJson = ({ leaf, subleaf, releases }: LeafTopic) => ({
  leaf: hex(leaf),
  subleaf: subleaf === null ? null : hex(subleaf),
  releases: releases.map(({ release, beyond }) => ({
    release,
    decider: beyond === null ? null : beyondWords(beyond),
  })),
});

export const guestTopicJson = ({ control, releases, effect }: GuestTopic) => ({
  control,
  releases,
  effect:
    effect === null
      ? null
      : {
          release: effect.release,
          answered: effect.answered.map(hex),
          zero: effect.zero === null ? null : { leaves: effect.zero.asked.map(hex), rest: effect.zero.rest },
          decides: effect.decides.map((each) => ({ ...placeJson(each), mask: hex32(each.mask) })),
        },
});

/** Since when a VMM may ask for a flag, which KVM does, and what waits for it. */
export function flagLines({ bit, name, releases, kernels, gated }: FlagTopic): readonly string[] {
  const all = releases.map(({ release }) => release);
  const setting = kernels.filter(({ sets }) => sets === true).map(({ version }) => version);
  const unread = kernels.filter(({ sets }) => sets === null).map(({ version }) => version);
  const line = (label: string, has: boolean | null): readonly string[] => {
    const names = releases.filter((each) => each.has === has).map(({ release }) => release);
    return names.length === 0 ? [] : wrap(runText(names, all), `  ${label.padEnd(14)} `);
  };
  const answer = setting.length === 0 ? 'no KVM that was read for it sets it' : `set by KVM ${setting.join(', ')}`;
  return [
    `CONFIG_FLAGS.${name} (bit ${bit}): ${answer}`,
    ...line('a VMM may set', true),
    ...line('always 0', false),
    ...line('not examined', null),
    ...(unread.length === 0 ? [] : wrap(`KVM ${unread.join(', ')}`, '  not read       ')),
    ...placeLines(gated).flatMap((each) => wrap(lineText(each), '  opens          ')),
  ];
}
