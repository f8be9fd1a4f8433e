import { bitMask, or, rangeMask } from '../../model/mask.ts';
import type { LeafKey, Register } from '../../model/place.ts';

/** A CPUID place or a feature that prose names. */
export type Mention =
  | (LeafKey & {
      readonly kind: 'cpuid';
      readonly register: Register | null;
      /** The bits that are named; `null` where the whole register, or leaf, is. */
      readonly mask: number | null;
      readonly text: string;
    })
  /** `name` is without `X86_FEATURE_`. */
  | { readonly kind: 'feature'; readonly name: string; readonly text: string };

const NUMBER = '(?:0x[0-9a-f]{1,8}|[0-9][0-9a-f]{0,7}h?)(?![0-9a-z])';
const REGISTER = '(e[abcd]x)(?![0-9a-z_])';
/** `[19]`, `[bit 19]`, `[23:16]`, `.SMEP[bit 7]`, `.19`, ` bit 19`, ` bits 7:0`. */
const BITS =
  '(?:(?:\\.\\w{1,40})?\\s?\\[\\s?(?:bits?\\s)?([0-9][0-9:,\\s-]{0,60})\\]|\\.([0-9]{1,2})(?![\\w.])|,?\\s(?:bits?)\\s?([0-9]{1,2}(?:\\s?[:-]\\s?[0-9]{1,2})?)(?!\\w))?';

/** `CPUID.0x7.1:EAX[19]`, `CPUID(7,1).EAX`, `CPUID.(EAX=07H,ECX=1):EAX[bit 19]`, `CPUID leaf 7 sub-leaf 1`. */
const NAMED = new RegExp(
  `\\bCPUID(?:[.:]|\\s(?:leaf\\s|function\\s)?)?(?:[([]\\s?)?(?:EAX\\s?=\\s?)?(${NUMBER})` +
    `(?:(?:\\s?[,.:]\\s?|,?\\s(?=sub))(?:ECX\\s?=\\s?|sub-?leaf\\s)?(${NUMBER}))?(?:\\s?[)\\]])?(?:[.:\\s]\\s?${REGISTER}${BITS})?`,
  'gi',
);
/** The enumerators of the kernel: `CPUID_7_1_EAX`, `CPUID_1_EDX`, `CPUID_8000_0008_EBX`. */
const ENUMERATOR = /\bCPUID_([8C][0-9A-F]{3}_[0-9A-F]{4}|[0-9A-F]{1,8})(?:_([0-9]{1,2}))?_(E[ABCD]X)\b/g;
/** `7.1.EAX bit 19`, `0x7.1.eax.19`, `0x80000008.EAX[7:0]`. */
const BARE = new RegExp(`(?<![\\w.)(:])(${NUMBER})(?:\\.(${NUMBER}))?[.:]${REGISTER}${BITS}`, 'gi');
const FEATURE = /\bX86_FEATURE_([A-Z0-9_]{1,60})\b/g;

/** Leaves and sub-leaves are hexadecimal in the manuals, with `0x`, with `H`, or bare. */
function numberOf(text: string): number {
  return Number.parseInt(text.replace(/^0x/i, '').replace(/[h_]/gi, ''), 16);
}

/** The mask of `19`, `23:16`, `7,19,23`; `null` where a bit lies outside a register or a range is empty. */
function maskOf(text: string): number | null {
  let mask = 0;
  for (const piece of text.split(',')) {
    const [high, low] = piece.split(/[:-]/).map((bit) => (bit.trim() === '' ? Number.NaN : Number(bit)));
    if (high === undefined || !(high <= 31) || (low !== undefined && !(low <= 31))) return null;
    mask = or(mask, low === undefined ? bitMask(high) : rangeMask(Math.max(high, low), Math.min(high, low)));
  }
  return mask;
}

function readMatch(match: RegExpExecArray): Mention | null {
  const [text, leaf = '', subleaf, register, listed, dotted, spoken] = match;
  const bits = listed ?? dotted ?? spoken;
  const mask = bits === undefined ? null : maskOf(bits);
  if (bits !== undefined && mask === null) return null;
  return {
    kind: 'cpuid',
    leaf: numberOf(leaf),
    subleaf: subleaf === undefined ? null : numberOf(subleaf),
    register: register === undefined ? null : (register.toLowerCase() as Register),
    mask,
    text: text.trim(),
  };
}

/** Whether `CPUID 4` names a leaf, or counts something: a bare number must look like a leaf, or a register must follow. */
const namesLeaf = ([text, leaf = '', subleaf, register]: RegExpExecArray): boolean =>
  register !== undefined || subleaf !== undefined || !/^CPUID\s\d{1,7}$/i.test(text.trim()) || /^0x|h$/i.test(leaf);

/**
 * The CPUID places and features that a text names, in the order of the text, each spelling once. A name whose bits cannot be is
 * left out: a wrong place is worse than none.
 */
export function mentionsOf(text: string): readonly Mention[] {
  const found: { at: number; mention: Mention }[] = [];
  const taken = new Set<number>();
  for (const match of text.matchAll(NAMED)) {
    for (let at = match.index; at < match.index + match[0].length; at += 1) taken.add(at);
    const mention = namesLeaf(match) ? readMatch(match) : null;
    if (mention !== null) found.push({ at: match.index, mention });
  }
  for (const match of text.matchAll(ENUMERATOR)) {
    const mention = readMatch(match);
    if (mention !== null) found.push({ at: match.index, mention });
  }
  for (const match of text.matchAll(BARE)) {
    const mention = taken.has(match.index) ? null : readMatch(match);
    if (mention !== null) found.push({ at: match.index, mention });
  }
  for (const match of text.matchAll(FEATURE)) {
    found.push({ at: match.index, mention: { kind: 'feature', name: match[1] ?? '', text: match[0] } });
  }
  found.sort((a, b) => a.at - b.at);
  const seen = new Set<string>();
  return found.map(({ mention }) => mention).filter(({ text: spelling }) => !seen.has(spelling) && seen.add(spelling));
}
