import { EFFECTS, type Update, type UpdateChange, type UpdateEffect } from '../../cases/update.ts';
import type { MaskChange } from '../../model/change.ts';
import { ATTRIBUTE_NAMES, XFAM_NAMES } from '../../model/control.ts';
import type { Decider } from '../../model/decider.ts';
import type { DeciderRule } from '../../model/decider-rules.ts';
import { deciderText } from '../../model/decider-text.ts';
import { bitsOf64, formatBits, hex, hex32 } from '../../model/mask.ts';
import { formatLeaf } from '../../model/place.ts';
import { deciderWords } from '../decider-words.ts';
import { placeJson } from '../machine.ts';
import { lineText, placeLines } from '../places.ts';
import { runsText } from '../status-words.ts';
import { wrap } from '../wrap.ts';

const HEADS: Readonly<Record<UpdateEffect, string>> = {
  settable: 'a VMM may newly set',
  'not-settable': 'a VMM may no longer set',
  one: 'always 1 now, wherever the leaf is answered',
  zero: 'always 0 now, wherever the leaf is answered',
  other: 'what decides the value changed',
};
/** A group of more rows than this gives the rest as a count; JSON has them all. */
const SHOWN = 12;

/** `bitwatch update` in words: the answer, what running TDs keep, what new TDs see, what is not known. */
export function updateText(update: Update): string {
  const { from, to, carry } = update;
  return `${[
    ...wrap(`Update from ${from} to ${to}: ${CARRY[carry.why](update)}`),
    '',
    'Running TDs',
    ...runningLines(update),
    '',
    'New TDs',
    ...newLines(update),
    ...(update.unknown.length === 0 ? [] : ['', 'Not known', ...update.unknown.flatMap((each) => wrap(each, '  - '))]),
  ].join('\n')}\n`;
}

const CARRY: Readonly<Record<Update['carry']['why'], (update: Update) => string>> = {
  'from-the-minimum-on': ({ to, carry }) =>
    `running TDs may be carried over; ${to} replaces ${carry.minimum} and newer of its line`,
  'below-the-minimum': ({ to, carry }) =>
    `running TDs cannot be carried over; ${to} replaces ${carry.minimum} and newer only`,
  'other-line': ({ to, carry }) =>
    `running TDs cannot be carried over; ${to} is of another line${carry.minimum === null ? '' : `, and replaces ${carry.minimum} and newer of its own`}`,
  'not-published': ({ to }) =>
    `whether running TDs may be carried over is not known; no minimum version is published for ${to}`,
  'older-release': ({ from, to }) =>
    `whether running TDs may be carried over is not known; ${to} is older than ${from}, and only the oldest release to start from is published`,
};

function runningLines(update: Update): readonly string[] {
  const { carry } = update;
  const loaders = carry.seamldr.length === 0 ? 'not published' : carry.seamldr.join(', ');
  const kernel = wrap('whether it can replace a module under running TDs was not read', '  kernel        ');
  const published = [
    ...wrap(carry.source ?? 'not published', '  minimum from  '),
    ...wrap(loaders, '  SEAMLDR       '),
  ];
  if (carry.answer === 'no')
    return [...published, ...wrap('nothing: they have to end before the update', '  keep          ')];
  return [
    ...published,
    ...wrap(
      `${carry.answer === 'yes' ? '' : 'where they are carried over, '}the CPUID values that TDH.MNG.INIT stored when each was built (inferred: no code was seen that stores them again)`,
      '  keep          ',
    ),
    ...wrap(openText(update), '  not read      '),
    ...kernel,
  ];
}

/** What of a running TD's CPUID the new code may answer otherwise: by its rules at CPUID, and by leaves of its table. */
function openText({ guest, newTds }: Update): string {
  if (guest === null || newTds === null) return 'what the code does when a guest executes CPUID, for both releases';
  const { added, removed } = newTds.tables.leaves;
  const rules = leavesOf([...guest.added, ...guest.removed]);
  const tables = leavesOf([...added, ...removed]);
  if (rules === '' && tables === '') return 'nothing: leaves and rules at CPUID are the same in both';
  const parts = [
    ...(rules === '' ? [] : [`other rules when the guest executes CPUID (leaf ${rules})`]),
    ...(tables === '' ? [] : [`leaves that came or went (${tables})`]),
  ];
  return `what the new code makes of a TD that the old one built: ${parts.join(', ')}`;
}

const leavesOf = (list: readonly { readonly leaf: number }[]): string =>
  [...new Set(list.map(({ leaf }) => leaf))]
    .sort((a, b) => a - b)
    .map((leaf) => formatLeaf({ leaf, subleaf: null }))
    .join(', ');

function newLines({ newTds, kvm, runs, from, to }: Update): readonly string[] {
  const kernel = runs === null ? [] : wrap(runsText(runs), `  KVM ${kvm} runs ${to}: `, '      ');
  if (newTds === null) return [...kernel, ...wrap('not known', '  ')];
  const { changes, tables } = newTds;
  const groups = EFFECTS.map((effect) => ({
    effect,
    rows: rowsOf(changes.filter((change) => change.effect === effect)),
  }));
  const controls = [
    ...maskLines('ATTRIBUTES that may be 1', tables.attributes.fixed0, ATTRIBUTE_NAMES),
    ...maskLines('ATTRIBUTES always 1', tables.attributes.fixed1, ATTRIBUTE_NAMES),
    ...maskLines('XFAM that may be 1', tables.xfam.fixed0, XFAM_NAMES),
    ...maskLines('XFAM always 1', tables.xfam.fixed1, XFAM_NAMES),
    ...maskLines('TDX_FEATURES0', tables.features0, newTds.featureNames),
  ];
  const slots =
    tables.configSlots.from === tables.configSlots.to
      ? []
      : [`  CPUID_CONFIG entries: ${tables.configSlots.from} to ${tables.configSlots.to}`];
  if (changes.length + controls.length + slots.length === 0)
    return [...kernel, ...wrap(`see the same under ${from} and ${to}: nobody else decides any bit`, '  ')];
  return [
    ...kernel,
    ...groups.flatMap(({ effect, rows }) =>
      rows.length === 0
        ? []
        : [
            `  ${HEADS[effect]}`,
            ...rows.slice(0, SHOWN).flatMap((row) => changeLines(row, kvm)),
            ...moreLines(rows.slice(SHOWN)),
          ],
    ),
    ...controls,
    ...slots,
  ];
}

function moreLines(rest: readonly (readonly UpdateChange[])[]): readonly string[] {
  const count = rest.flat().length;
  return count === 0
    ? []
    : [`    and ${count} more register${count === 1 ? '' : 's'}; --json has ${count === 1 ? 'it' : 'them'}`];
}

/** Registers whose bits change alike, sub-leaves together: rows with the same key are one. */
function rowsOf(changes: readonly UpdateChange[]): readonly (readonly UpdateChange[])[] {
  const rows = new Map<string, UpdateChange[]>();
  for (const change of changes) {
    const { leaf, register, mask, verdicts } = change;
    const key = JSON.stringify([leaf, register, mask, stepText(change), verdicts]);
    rows.set(key, [...(rows.get(key) ?? []), change]);
  }
  return [...rows.values()];
}

const stepText = ({ from, to }: UpdateChange): string => `${wordsOf(from)} -> ${wordsOf(to)}`;

function changeLines(row: readonly UpdateChange[], kvm: string | null): readonly string[] {
  const [first] = row;
  if (first === undefined) return [];
  // Where it is the same for all bits, one word says so.
  const verdicts = first.verdicts
    .map(({ verdict, mask }) => (mask === first.mask ? verdict : `${verdict} ${formatBits(mask)}`))
    .join(', ');
  return [
    ...placeLines(row).flatMap((line) => wrap(lineText(line), '    ', '      ')),
    ...wrap(stepText(first), '      '),
    ...(verdicts === '' ? [] : wrap(verdicts, `      KVM ${kvm}: `)),
  ];
}

const wordsOf = (decider: Decider | null): string => (decider === null ? 'not in the table' : deciderWords(decider));

function maskLines(what: string, { added, removed }: MaskChange, names: ReadonlyMap<number, string>) {
  const list = (mask: bigint): string =>
    bitsOf64(mask)
      .map((bit) => names.get(bit) ?? `bit ${bit}`)
      .join(', ');
  return [
    ...(added === 0n ? [] : wrap(list(added), `  ${what}, added: `, '      ')),
    ...(removed === 0n ? [] : wrap(list(removed), `  ${what}, removed: `, '      ')),
  ];
}

const ruleJson = ({ id, leaf, subleaf }: DeciderRule) => ({
  rule: id,
  leaf: hex(leaf),
  subleaf: subleaf === undefined ? null : hex(subleaf),
});
const maskJson = ({ from, to }: MaskChange) => ({
  from: from === null ? null : hex(from),
  to: to === null ? null : hex(to),
});

/** `bitwatch.update/1`. */
export function updateJson({ from, to, kvm, runs, carry, guest, newTds, unknown }: Update) {
  return {
    schema: 'bitwatch.update/1',
    from,
    to,
    kvm,
    runs: runs === null ? null : { answer: runs.kind, because: runsText(runs) },
    carryOver: carry,
    running:
      guest === null
        ? null
        : { guestRulesAdded: guest.added.map(ruleJson), guestRulesRemoved: guest.removed.map(ruleJson) },
    newTds:
      newTds === null
        ? null
        : {
            changes: newTds.changes.map((change) => ({
              ...placeJson(change),
              mask: hex32(change.mask),
              bits: change.bits,
              effect: change.effect,
              from: change.from === null ? null : deciderText(change.from),
              to: change.to === null ? null : deciderText(change.to),
              verdicts: change.verdicts.map(({ verdict, mask }) => ({ verdict, mask: hex32(mask) })),
            })),
            attributes: {
              fixed0: maskJson(newTds.tables.attributes.fixed0),
              fixed1: maskJson(newTds.tables.attributes.fixed1),
            },
            xfam: { fixed0: maskJson(newTds.tables.xfam.fixed0), fixed1: maskJson(newTds.tables.xfam.fixed1) },
            features0: maskJson(newTds.tables.features0),
            configSlots: newTds.tables.configSlots,
          },
    unknown,
  };
}
