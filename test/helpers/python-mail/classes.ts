import { type Difference, oneLine, resultOf } from './compare.ts';
import type { PythonAuthor, PythonMail } from './read.ts';

/**
 * A class of differences that is explained; docs/mail-differences.md says of each which reading is right. `explains` tells
 * the class by the mail itself (its raw field, its label, its bytes) and asks that the project's reading be the one that the
 * stated rule gives, worked out by Python (`other`): a mail of the class that is read wrongly is not explained.
 */
export type DifferenceClass = {
  readonly name: string;
  readonly explains: (difference: Difference, mail: PythonMail) => boolean;
};

const NOBODY: PythonAuthor = { name: '', email: '' };
const otherName = (mail: PythonMail): string => oneLine(resultOf(mail.other.author, () => NOBODY).name);
const otherSubject = (mail: PythonMail): string => oneLine(resultOf(mail.other.subject, () => ''));

const isName = ({ part, ours }: Difference, mail: PythonMail): boolean => part === 'name' && ours === otherName(mail);
const isText = ({ part, ours, leaf }: Difference): boolean =>
  (part === 'text' || part === 'body') && ours === leaf?.other;
const bytesOf = ({ leaf }: Difference): string => Buffer.from(leaf?.bytes ?? '', 'base64').toString('latin1');
const labelOf = ({ leaf }: Difference): string => (leaf?.label ?? '').toLowerCase();

/** What Python puts for bytes that it cannot decode: U+FFFD, in names a lone surrogate. */
const LOST = /[\ufffd\udc80-\udcff]/u;
const WORD_WITH_QUOTES = /=\?[^?\s]+\?[qQ]\?[^?]*"[^?]*\?=/;
const NEIGHBOURING_WORDS = /=\?([^?\s]+)\?[bBqQ]\?[^?]*\?=\s+=\?\1\?[bBqQ]\?/i;
/** Labels that the WHATWG Encoding Standard reads as a larger charset; Python has it under another name. */
const SUBSET = /^(gb2312|gbk|shift_jis|euc-kr|ks_c_5601-1987)$/;
const WORD_IN_SUBSET = /=\?(gb2312|gbk|shift_jis|euc-kr|ks_c_5601-1987)\?/i;

export const CLASSES: readonly DifferenceClass[] = [
  {
    name: 'name in a comment',
    explains: (difference, mail) =>
      isName(difference, mail) && difference.python === '' && /^[^<"(]*@[^<(]*\(.+\)\s*$/.test(mail.raw.from),
  },
  {
    name: 'quotes in an encoded word',
    explains: (difference, mail) => isName(difference, mail) && WORD_WITH_QUOTES.test(mail.raw.from),
  },
  {
    name: 'character split between encoded words',
    explains: (difference, mail) =>
      isName(difference, mail) && LOST.test(difference.python ?? '') && NEIGHBOURING_WORDS.test(mail.raw.from),
  },
  {
    name: 'label of a smaller charset, in a field',
    explains: ({ part, ours, python }, mail) =>
      part === 'subject' &&
      LOST.test(python ?? '') &&
      ours === otherSubject(mail) &&
      WORD_IN_SUBSET.test(mail.raw.subject),
  },
  {
    name: 'label of a smaller charset, in a body',
    explains: (difference) =>
      isText(difference) && LOST.test(difference.python ?? '') && SUBSET.test(labelOf(difference)),
  },
  {
    name: 'label that names no charset',
    explains: (difference) => isText(difference) && difference.python === null,
  },
  {
    name: '8-bit bytes in us-ascii',
    explains: (difference) =>
      isText(difference) && labelOf(difference) === 'us-ascii' && /[\x80-\xff]/.test(bytesOf(difference)),
  },
  {
    name: 'C1 bytes in iso-8859-1',
    explains: (difference) =>
      isText(difference) && labelOf(difference) === 'iso-8859-1' && /[\x80-\x9f]/.test(bytesOf(difference)),
  },
  {
    name: 'broken escape in quoted-printable',
    explains: (difference) => {
      const { part, ours, leaf } = difference;
      if (leaf?.otherBytes === undefined) return false;
      return part === 'bytes' ? ours === Buffer.from(leaf.otherBytes, 'base64').toString('latin1') : isText(difference);
    },
  },
];

/** The class that explains a difference; `null` where none does, or where Python gave nothing to explain it by. */
export function classOf(difference: Difference, mail: PythonMail | null): string | null {
  if (mail === null) return null;
  return CLASSES.find(({ explains }) => explains(difference, mail))?.name ?? null;
}
