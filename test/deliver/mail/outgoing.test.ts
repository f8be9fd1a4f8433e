import fc from 'fast-check';
import { expect, test } from 'vitest';
import { composeMail } from '../../../pipeline/deliver/mail/compose.ts';
import { readOutgoing } from '../../../pipeline/deliver/mail/outgoing.ts';
import { DataError } from '../../../pipeline/model/errors.ts';
import { anyCharacter } from '../../helpers/any-character.ts';
import { letter } from './letters.ts';

const MAIL = composeMail(letter()).toString();
const read = (text: string | Buffer) => readOutgoing('draft.eml', Buffer.from(text));

test('a draft is read as it will be sent', () => {
  const mail = read(MAIL);
  expect([mail.id, mail.parent, mail.from.email]).toEqual([letter().messageId, letter().inReplyTo, 'bot@example.org']);
  expect(mail.recipients.map(({ email }) => email)).toEqual(['jane@example.com', 'open@lists.example.org']);
});

test('a person may edit the text of a draft', () => {
  expect(read(MAIL.replace('An answer', 'A better answer')).bytes.toString()).toContain('A better answer');
});

test.each([
  ['a hidden recipient', MAIL.replace('\nCc:', '\nBcc: all@example.org\nCc:'), 3],
  ['a second To', MAIL.replace('\nCc:', '\nTo: all@example.org\nCc:'), 3],
  ['a field of another kind', MAIL.replace('\nCc:', '\nX-Mailer: x\nCc:'), 3],
  ['no Message-ID', MAIL.replace(/\nMessage-ID: .*/, ''), 1],
  ['HTML', MAIL.replace('text/plain', 'text/html'), 1],
  ['flowed text', MAIL.replace('charset=utf-8', 'charset=utf-8; format=flowed'), 1],
  ['another charset', MAIL.replace('charset=utf-8', 'charset=iso-8859-1'), 1],
  ['an encoding that hides the text', MAIL.replace(': 7bit', ': base64'), 1],
  ['CRLF', MAIL.replaceAll('\n', '\r\n'), 1],
  ['NUL', MAIL.replace('answer', 'ans\0wer'), 1],
  ['bytes that are no UTF-8', Buffer.from(MAIL.replace('answer', '\xe4'), 'latin1'), 1],
  ['raw UTF-8 in the head', MAIL.replace('Jane', 'J\u00e4ne'), 2],
  ['an escape in the text', MAIL.replace('answer', '\u001b[2J'), 15],
  ['a line of 73 columns', MAIL.replace('An answer', 'x'.repeat(73)), 15],
  ['65 lines', `${MAIL}${'x\n'.repeat(65)}`, 77],
  ['nothing but a head', MAIL.replace(/\n\n.*/s, '\n'), 13],
])('%s is refused, and where', (_what, text, line) => {
  const thrown = (() => {
    try {
      return read(text);
    } catch (error) {
      return error;
    }
  })();
  expect(thrown).toBeInstanceOf(DataError);
  expect((thrown as DataError).problem.where).toEqual({ file: 'draft.eml', line });
});

test('whatever was done to a draft, it is refused or keeps to the rules', () => {
  const edit = fc.record({
    at: fc.nat(MAIL.length),
    cut: fc.nat(12),
    put: fc.oneof(
      fc.string({ unit: anyCharacter, maxLength: 8 }),
      fc.constantFrom(
        '\n',
        '\n\n',
        '\r',
        '\0',
        '<',
        '>',
        ',',
        ' ',
        'Bcc: a@b\n',
        '\nContent-Type: text/html\n',
        '=?utf-8?q?a?=',
      ),
    ),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = MAIL;
      for (const { at, cut, put } of edits) text = text.slice(0, at) + put + text.slice(at + cut);
      try {
        const mail = read(text);
        expect(mail.bytes.toString().split('\n\n')[0]).not.toMatch(/[\0\r]|^bcc:|text\/html/im);
        expect(mail.recipients.length).toBeGreaterThan(0);
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
      }
    }),
    { numRuns: 1500 },
  );
});
