import type { BitName } from '../../model/field.ts';
import { FULL, hasBit } from '../../model/mask.ts';
import { namesOf } from '../../model/names.ts';
import { type Place, sameLeaf } from '../../model/place.ts';
import { bareMentions } from './bare-names.ts';
import { allText, type Mail } from './mail.ts';
import { type Mention, mentionsOf } from './mentions.ts';

/** What a mail itself says: its subject and all text, without the lines that it quotes. */
const ownText = (mail: Mail): string =>
  `${mail.subject}\n${allText(mail)
    .split('\n')
    .filter((line) => !line.startsWith('>'))
    .join('\n')}`;

/**
 * The CPUID places and features that a mail names in its own words; what it quotes was said by another. `bare` are the names that
 * count without `X86_FEATURE_` (see `bareNames`); a full spelling stands before a bare one.
 */
export function ownMentions(mail: Mail, bare: ReadonlySet<string>): readonly Mention[] {
  const text = ownText(mail);
  return [...mentionsOf(text), ...bareMentions(text, bare)];
}

/**
 * Finds the first spelling under which mentions name a bit: its place with just that bit among others, or the kernel's name of it.
 * A register or leaf that is named as a whole is not the bit. The finder gives `null` where none does.
 */
export function finderOfBit(
  place: Place,
  bit: number,
  names: readonly BitName[],
): (mentions: readonly Mention[]) => string | null {
  const known = new Set(
    namesOf(names, place)
      .filter(({ high, low }) => high === bit && low === bit)
      .map(({ name }) => name.toUpperCase()),
  );
  const isBit = (mention: Mention): boolean =>
    mention.kind === 'feature'
      ? known.has(mention.name)
      : sameLeaf(mention, place) &&
        mention.register === place.register &&
        mention.mask !== null &&
        mention.mask !== FULL &&
        hasBit(mention.mask, bit);
  return (mentions) => mentions.find(isBit)?.text ?? null;
}
