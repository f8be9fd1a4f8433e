import type { DenialPlaces } from '../extract/kvm/places.ts';
import { hex, hex32 } from '../model/mask.ts';
import { formatPlace, type Place } from '../model/place.ts';
import { plain } from '../model/text.ts';

/** Bits of one register that nobody decided on, with their names. */
export type Undecided = Place & { readonly mask: number; readonly names: string };

/** Text that goes before a line, 1-based. */
type Insertion = { readonly before: number; readonly lines: readonly string[] };

/**
 * A draft for the maintainer: a unified diff against the file that denies the bits in the way of the tree's own code, and
 * says that it is a draft. It applies to the text that it was made from.
 */
export function draftDenial(
  path: string,
  text: string,
  places: DenialPlaces,
  bits: readonly Undecided[],
  why: string,
): string {
  const condition = (entry: string, bit: Undecided): string =>
    `${entry}->function == ${hex(bit.leaf)} && ${entry}->index == ${hex(bit.subleaf ?? 0)} && (${entry}->${bit.register} & ${hex32(bit.mask)})`;
  const helpers = [
    `/* DRAFT, not reviewed: ${comment(why)} */`,
    'static bool tdx_undecided_cpuid(const struct kvm_cpuid_entry2 *entry)',
    '{',
    ...bits.flatMap((bit) => [
      `\t/* ${comment(`${formatPlace(bit)}: ${bit.names}`)} */`,
      `\tif (${condition('entry', bit)})`,
      '\t\treturn true;',
    ]),
    '\treturn false;',
    '}',
    '',
    'static void tdx_clear_undecided_cpuid(struct kvm_cpuid_entry2 *entry)',
    '{',
    ...bits.flatMap((bit) => [
      `\tif (entry->function == ${hex(bit.leaf)} && entry->index == ${hex(bit.subleaf ?? 0)})`,
      `\t\tentry->${bit.register} &= ~${hex32(bit.mask)};`,
    ]),
    '}',
    '',
  ];
  const insertions: readonly Insertion[] = [
    { before: places.helpers, lines: helpers },
    { before: places.clear, lines: ['', `\ttdx_clear_undecided_cpuid(${places.entries.clear});`] },
    ...(places.refuse === null
      ? []
      : [
          {
            before: places.refuse,
            lines: [`\t\tif (tdx_undecided_cpuid(${places.entries.refuse}))`, '\t\t\treturn -EINVAL;', ''],
          },
        ]),
  ];
  return unifiedDiff(path, text, insertions);
}

/** A place behind the character before `column` of a line, both 1-based, and how what is added there is joined to it. */
export type OptIn = {
  readonly line: number;
  readonly column: number;
  readonly joins: '|' | ',';
  readonly macro: string | null;
};

/** The text with bits opted in at one place: by name where the code around names features, else as a mask. */
export function withOptIn(
  text: string,
  place: OptIn,
  bits: Undecided,
  names: readonly (string | null)[],
  why: string,
): string {
  const lines = text.split('\n');
  const line = lines[place.line - 1] ?? '';
  const values = names.every((name) => name !== null)
    ? names.map((name) => `${place.macro}(${name})`)
    : [hex32(bits.mask)];
  const note = `/* DRAFT, not reviewed: ${comment(`${formatPlace(bits)}: ${bits.names}; ${why}`)} */`;
  const before = line.slice(0, place.column - 1);
  // Behind a comma that ends a list, another one would make an empty item.
  const joins = place.joins === ',' && /,\s*$/.test(before) ? '' : place.joins === ',' ? ',' : ' |';
  const added = `${joins} ${values.join(place.joins === ',' ? ', ' : ' | ')} ${note}`;
  lines[place.line - 1] = before + added + line.slice(place.column - 1);
  return lines.join('\n');
}

/** A unified diff between two texts of as many lines. */
export function changedLinesDiff(path: string, before: string, after: string): string {
  const [old, now] = [before.split('\n'), after.split('\n')];
  const changed = old.flatMap((line, index) => (line === now[index] ? [] : [index]));
  const count = before.endsWith('\n') ? old.length - 1 : old.length;
  const groups: number[][] = [];
  for (const index of changed) {
    const last = groups.at(-1);
    if (last !== undefined && index - (last.at(-1) ?? 0) <= 2 * CONTEXT) last.push(index);
    else groups.push([index]);
  }
  const hunks = groups.map((group) => {
    const first = Math.max(0, (group[0] ?? 0) - CONTEXT);
    const end = Math.min(count, (group.at(-1) ?? 0) + CONTEXT + 1);
    const body: string[] = [];
    for (let index = first; index < end; index += 1) {
      const [line = '', other = ''] = [old[index], now[index]];
      body.push(...(line === other ? [` ${line}`] : [`-${line}`, `+${other}`]));
    }
    return [`@@ -${first + 1},${end - first} +${first + 1},${end - first} @@`, ...body].join('\n');
  });
  return [`--- a/${path}`, `+++ b/${path}`, ...hunks, ''].join('\n');
}

/** Names and reasons inside a C comment: nothing in them may end it. */
const comment = (text: string): string => plain(text).replace(/\*\//g, '* /');

/** The text with the insertions, for a check that the draft does what it says. */
export function applyInsertions(text: string, diff: string): string {
  const out = text.split('\n');
  let shift = 0;
  for (const hunk of diff.split(/^@@ /m).slice(1)) {
    const start = Number(/^-(\d+)/.exec(hunk)?.[1]);
    let at = start - 1 + shift;
    for (const line of hunk.split('\n').slice(1)) {
      if (line.startsWith('+')) {
        out.splice(at, 0, line.slice(1));
        shift += 1;
        at += 1;
      } else if (line.startsWith(' ')) at += 1;
    }
  }
  return out.join('\n');
}

const CONTEXT = 3;

/** A unified diff of insertions only; hunks whose context would meet are one. */
function unifiedDiff(path: string, text: string, insertions: readonly Insertion[]): string {
  const source = text.split('\n');
  const count = text.endsWith('\n') ? source.length - 1 : source.length;
  const sorted = [...insertions].sort((a, b) => a.before - b.before);
  const groups: Insertion[][] = [];
  for (const insertion of sorted) {
    const last = groups.at(-1);
    if (last !== undefined && insertion.before - (last.at(-1)?.before ?? 0) <= 2 * CONTEXT) last.push(insertion);
    else groups.push([insertion]);
  }
  let shift = 0;
  const hunks = groups.map((group) => {
    const first = Math.max(1, (group[0]?.before ?? 1) - CONTEXT);
    const last = Math.min(count, (group.at(-1)?.before ?? 1) + CONTEXT - 1);
    const body: string[] = [];
    for (let line = first; line <= last; line += 1) {
      for (const insertion of group)
        if (insertion.before === line) body.push(...insertion.lines.map((each) => `+${each}`));
      body.push(` ${source[line - 1] ?? ''}`);
    }
    const added = group.reduce((sum, { lines }) => sum + lines.length, 0);
    const old = last - first + 1;
    const head = `@@ -${first},${old} +${first + shift},${old + added} @@`;
    shift += added;
    return [head, ...body].join('\n');
  });
  return [`--- a/${path}`, `+++ b/${path}`, ...hunks, ''].join('\n');
}
