import fc from 'fast-check';
import { expect, test } from 'vitest';
import { composeMail } from '../../../pipeline/deliver/mail/compose.ts';
import { dateText } from '../../../pipeline/deliver/mail/date-text.ts';
import { TAG } from '../../../pipeline/deliver/mail/letter.ts';
import { readOutgoing } from '../../../pipeline/deliver/mail/outgoing.ts';
import { readDate } from '../../../pipeline/extract/mail/date.ts';
import { bodyText, readMail } from '../../../pipeline/extract/mail/mail.ts';
import { DataError } from '../../../pipeline/model/errors.ts';
import { anyCharacter } from '../../helpers/any-character.ts';
import { letter } from './letters.ts';

test('a letter becomes plain text in UTF-8 that no composer has wrapped, with nothing of its own', () => {
  const link = `Link: https://lore.kernel.org/r/${'x'.repeat(90)}@example.com`;
  const body = `> é\n[...]\n\nAnswer ≥ 1.\n\n${link}\n`;
  expect(composeMail(letter({ body })).toString()).toBe(
    [
      'From: bitwatch <bot@example.org>',
      'To: Jane Roe <jane@example.com>',
      'Cc: open@lists.example.org',
      'In-Reply-To: <20261120.1@example.com>',
      'References: <20261120.0@example.com> <20261120.1@example.com>',
      'Subject: Re: [PATCH v2 0/3] KVM: TDX: Say which bits are allowed',
      'Message-ID: <bitwatch-0123456789abcdef@example.org>',
      'Date: Sat, 21 Nov 2026 10:00:00 +0000',
      'Content-Transfer-Encoding: 8bit',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      '',
      body,
    ].join('\n'),
  );
  expect(composeMail(letter()).toString()).toContain('\nContent-Transfer-Encoding: 7bit\n');
});

test('an id stands on the line of its field, however long it is', () => {
  const id = `${'x'.repeat(200)}@example.com`;
  const head = composeMail(letter({ inReplyTo: id, references: [id], messageId: `a${id}` })).toString();
  for (const field of ['In-Reply-To', 'References']) expect(head).toContain(`\n${field}: <${id}>\n`);
  expect(head).toContain(`\nMessage-ID: <a${id}>\n`);
});

test.each([
  ['a line break in the subject', { subject: 'Re: a\nBcc: all@example.org' }],
  ['a carriage return in the subject', { subject: 'Re: a\rb' }],
  ['NUL in the subject', { subject: 'Re: a\0b' }],
  ['a line break in a name', { to: [{ name: 'Jane\nBcc: x@y.org', email: 'jane@example.com' }] }],
  ['half a character', { subject: 'Re: \ud800' }],
  ['a line break in an address', { cc: [{ name: '', email: 'a@b.org\nBcc: x@y.org' }] }],
  ['two addresses in one', { cc: [{ name: '', email: 'a@b.org, x@y.org' }] }],
  ['an address that needs quoting', { cc: [{ name: '', email: '"a b"@c.org' }] }],
  ['a line break in an id', { inReplyTo: 'a@b>\nBcc: x@y.org' }],
  ['two ids in one', { references: ['a@b> <c@d'] }],
  ['a subject without a blank and over 998 octets', { subject: `Re: ${'x'.repeat(1000)}` }],
  ['a name over 998 octets', { to: [{ name: 'x'.repeat(1000), email: 'jane@example.com' }] }],
  ['an id over 900 characters', { inReplyTo: `${'x'.repeat(1000)}@y` }],
  ['references over 16 KiB', { references: Array.from({ length: 400 }, (_, at) => `${at}${'x'.repeat(50)}@y`) }],
  ['text that a header would decode', { subject: 'Re: =?utf-8?q?a=0Ab?=' }],
  ['a body of more than 72 columns', { body: `${'x'.repeat(73)}\n` }],
  ['a body with a carriage return', { body: 'a\r\n' }],
  ['a body with a control character', { body: 'a\u001b[2Jb\n' }],
  ['a tab that is not quoted', { body: 'a\tb\n' }],
  ['a body with a bidirectional mark', { body: 'a\u202eb\n' }],
  ['a body of 65 lines', { body: 'a\n'.repeat(65) }],
  ['a body without a last line break', { body: 'a' }],
  ['a recipient twice', { cc: letter().to }],
  ['nobody to write to', { to: [] }],
  ['no time', { date: Number.NaN }],
])('%s is refused with one clear line', (_what, more) => {
  const error = (() => {
    try {
      return composeMail(letter(more));
    } catch (thrown) {
      return thrown;
    }
  })();
  expect(error).toBeInstanceOf(DataError);
  expect((error as DataError).message).toMatch(/^reply[^\n]*expected [^\n]+, found [^\n]+$/);
});

test.each([
  ['a file', { path: '/etc/passwd' }],
  ['a URL', { href: 'http://127.0.0.1:9/' }],
])('nothing of a mail can name %s to read: where a text were an object, it would be refused', (_what, value) => {
  const hostile = value as unknown as string;
  for (const more of [{ body: hostile }, { subject: hostile }, { to: [{ name: hostile, email: 'a@b.org' }] }])
    expect(() => composeMail(letter(more))).toThrow();
  const text = `> file:///etc/passwd\n> ${JSON.stringify(value)}\n`;
  expect(bodyText(readMail(composeMail(letter({ body: text, subject: 'Re: data:,x file:///etc/passwd' }))))).toBe(text);
});

/** What somebody may have put into a mail: any characters, and what breaks headers. */
const hostile = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 90 }) },
  { weight: 2, arbitrary: fc.string({ unit: anyCharacter, maxLength: 90 }) },
  {
    weight: 2,
    arbitrary: fc
      .array(
        fc.constantFrom(
          '\n',
          '\r',
          '\0',
          ' ',
          'Bcc: x@y.org',
          '=?utf-8?b?',
          'aGk=',
          '?=',
          '<',
          '>',
          '"',
          '\\',
          ',',
          ';',
          'é',
          'Zürich ',
          '(',
          ')',
          ':',
          '@',
        ),
        { maxLength: 30 },
      )
      .map((parts) => parts.join('')),
  },
);

test('whatever stands in a header or a body: it is refused, or reads back as it was meant and adds nothing', () => {
  let composed = 0;
  fc.assert(
    fc.property(hostile, hostile, hostile, (subject, name, body) => {
      const meant = letter({ subject, to: [{ name, email: 'jane@example.com' }], body: `${body}\n` });
      let bytes: Buffer;
      try {
        bytes = composeMail(meant);
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
        return;
      }
      composed += 1;
      const mail = readMail(bytes);
      expect([mail.subject, mail.to, mail.cc]).toEqual([subject, meant.to, meant.cc]);
      expect(bodyText(mail)).toBe(meant.body);
      expect(bytes.toString().split('\n\n')[0]).not.toMatch(/^(?:bcc|x-|content-disposition)/im);
      for (const line of meant.body.split('\n')) expect([...line].length <= 72 || TAG.test(line)).toBe(true);
      expect(composeMail(meant).equals(bytes)).toBe(true);
      expect(readOutgoing('again', bytes).recipients.map(({ email }) => email)).toEqual([
        'jane@example.com',
        'open@lists.example.org',
      ]);
    }),
    { numRuns: 1500 },
  );
  expect(composed).toBeGreaterThan(50);
});

test('dates read back, from before the epoch to after 2077', () => {
  expect(dateText(0)).toBe('Thu, 01 Jan 1970 00:00:00 +0000');
  expect(dateText(1_709_210_096)).toBe('Thu, 29 Feb 2024 12:34:56 +0000');
  fc.assert(
    fc.property(fc.integer({ min: -2_000_000_000, max: 200_000_000_000 }), (seconds) => {
      expect(readDate(dateText(seconds))).toBe(seconds);
      expect(dateText(seconds)).toBe(new Date(seconds * 1000).toUTCString().replace('GMT', '+0000'));
    }),
  );
});
