import type { BitName } from '../../model/field.ts';
import { placeId } from '../../model/place.ts';
import type { Mention } from './mentions.ts';

/**
 * Names that mail writes for something else than the CPUID bit, with what it means. Counted in 26,000 mails of two kernel lists: whole
 * threads that name TDX, and every sixth mail of all.
 */
const OTHERWISE_USED: { readonly [name: string]: string } = {
  HYPERVISOR: 'the word, in capitals',
  LONGRUN: 'a product',
  PARALLAX: 'a word',
  RECOVERY: 'a word',
  SERIALIZE: 'a word: that a write serializes',
  SHA512: 'the hash of a file',
  SYSCALL: 'any system call, or its entry code',
  X2APIC: 'a mode of the APIC',
  XSAVE: 'state that is managed so, and any of its instructions',
  XSAVES: 'the same',
};

/** A word in capitals that is no part of an identifier, a path, an option, an assignment or a list in braces. */
const WORD = /(?=[A-Z])(?<![\w./:@#$%&*+=<>-]|\{[^}\s]{0,60})([A-Z][A-Z0-9_]{4,59})(?![\w/*@<=$-]|\.\w)/g;
/** Where a patch begins: what is below is code, most of it around the change. */
const PATCH = /^(?:diff --git |--- a\/|Index: )/m;

const placeOf = (name: BitName): string => `${placeId(name)}.${name.low}`;

/**
 * The names of single bits that prose may write without `X86_FEATURE_`: the kernel's, in capitals, at least five characters, of one
 * bit only, and not in everyday use for something else.
 */
export function bareNames(names: readonly BitName[]): ReadonlySet<string> {
  const places = new Map<string, string | null>();
  for (const name of names) {
    const known = places.get(name.name);
    const place = name.high === name.low ? placeOf(name) : null;
    places.set(name.name, known === undefined || known === place ? place : null);
  }
  const single = [...places].filter(([, place]) => place !== null).map(([name]) => name);
  return new Set(single.filter((name) => /^[A-Z][A-Z0-9_]{4,59}$/.test(name) && !Object.hasOwn(OTHERWISE_USED, name)));
}

/** The features that the prose above a patch names barely, each once, in the order of the text. */
export function bareMentions(text: string, known: ReadonlySet<string>): readonly Mention[] {
  const [prose = ''] = text.split(PATCH, 1);
  const found = new Set([...prose.matchAll(WORD)].map(([, name = '']) => name));
  return [...found].filter((name) => known.has(name)).map((name) => ({ kind: 'feature', name, text: name }));
}
