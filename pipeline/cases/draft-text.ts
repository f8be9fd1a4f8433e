import type { DenialPlaces } from '../extract/kvm/places.ts';
import { hex, hex32 } from '../model/mask.ts';
import { formatPlace, type Place, subleafOf } from '../model/place.ts';
import { plain } from '../model/text.ts';

/** Bits of one register that nobody decided on, with their names. */
export type Undecided = Place & { readonly mask: number; readonly names: string };

/** Text that goes before a line, 1-based. */
type Insertion = { readonly before: number; readonly lines: readonly string[] };

/** A draft for the maintainer: the text with code that denies the bits in the way of the tree's own, and says that it is a draft. */
export function withDenial(text: string, places: DenialPlaces, bits: readonly Undecided[], why: string): string {
  const condition = (entry: string, bit: Undecided): string =>
    `${entry}->function == ${hex(bit.leaf)} && ${entry}->index == ${hex(subleafOf(bit))} && (${entry}->${bit.register} & ${hex32(bit.mask)})`;
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
      `\tif (entry->function == ${hex(bit.leaf)} && entry->index == ${hex(subleafOf(bit))})`,
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
  const lines = text.split('\n');
  // From the end, so that what stands before keeps its place.
  for (const { before, lines: added } of [...insertions].sort((a, b) => b.before - a.before))
    lines.splice(before - 1, 0, ...added);
  return lines.join('\n');
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
  { names, why }: { readonly names: readonly (string | null)[]; readonly why: string },
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

/** Names and reasons inside a C comment: nothing in them may end it. */
const comment = (text: string): string => plain(text).replace(/\*\//g, '* /');
