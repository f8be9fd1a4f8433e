import type { BitName } from '../../model/knowledge.ts';
import { hasBit } from '../../model/mask.ts';
import { namesOf } from '../../model/names.ts';
import type { Place } from '../../model/place.ts';
import { allText, type Mail } from './mail.ts';
import { type Mention, mentionsOf } from './mentions.ts';

/** What a mail itself says: its subject and all text, without the lines that it quotes. */
const ownText = (mail: Mail): string =>
  `${mail.subject}\n${allText(mail)
    .split('\n')
    .filter((line) => !line.startsWith('>'))
    .join('\n')}`;

/** The CPUID places and features that a mail names in its own words; what it quotes was said by another. */
export const ownMentions = (mail: Mail): readonly Mention[] => mentionsOf(ownText(mail));

/**
 * The first spelling under which one of the mentions names a bit: its place with just that bit among others, or the kernel's name
 * of it. A register or leaf that is named as a whole is not the bit. `null` where none does.
 */
export function mentionOfBit(
  mentions: readonly Mention[],
  place: Place,
  bit: number,
  names: readonly BitName[],
): string | null {
  const known = new Set(
    namesOf(names, place)
      .filter(({ high, low }) => high === bit && low === bit)
      .map(({ name }) => name.toUpperCase()),
  );
  const hit = mentions.find((mention) =>
    mention.kind === 'feature'
      ? known.has(mention.name)
      : mention.leaf === place.leaf &&
        (mention.subleaf ?? 0) === (place.subleaf ?? 0) &&
        mention.register === place.register &&
        mention.mask !== null &&
        hasBit(mention.mask, bit),
  );
  return hit?.text ?? null;
}
