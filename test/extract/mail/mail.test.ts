import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeText } from '../../../pipeline/extract/mail/charset.ts';
import { readDate } from '../../../pipeline/extract/mail/date.ts';
import { diffOf } from '../../../pipeline/extract/mail/diff.ts';
import { LIMITS } from '../../../pipeline/extract/mail/leaves.ts';
import { allText, bodyText, readMail } from '../../../pipeline/extract/mail/mail.ts';
import { scanMail } from '../../../pipeline/extract/mail/row.ts';
import { decodeWords } from '../../../pipeline/extract/mail/words.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const mail = (head: string, body = ''): ReturnType<typeof readMail> => readMail(latin1(`${head}\n\n${body}`));

describe('heads', () => {
  test('folded fields are one line, names in any case, the first of two counts', () => {
    const read = mail('SUBJECT: a\n b\n\tc\nsubject: second\nMessage-Id:\n <x@y>');
    expect(read.subject).toBe('a b c');
    expect(read.id).toBe('x@y');
  });

  test.each([100, 16_360, 16_380, 16_381, 16_382, 16_383, 16_384, 16_385, 40_000, 300_000])(
    'a head of %i bytes is read to its end',
    (size) => {
      for (const eol of ['\n', '\r\n']) {
        const filler = `X-Filler: ${'y'.repeat(Math.max(0, size - 40))}${eol}`;
        const read = readMail(latin1(`${filler}Subject: a${eol}${eol}${eol}body${eol}`));
        // Beyond its limit a head is not read; its body is found all the same.
        expect(read.subject).toBe(size > 1 << 18 ? '' : 'a');
        expect(bodyText(read)).toBe(`${eol}body${eol}`);
      }
    },
  );

  test('CRLF mail reads like LF mail', () => {
    const read = readMail(latin1('Subject: a\r\n b\r\n\r\nline\r\n'));
    expect(read.subject).toBe('a b');
    expect(bodyText(read)).toBe('line\r\n');
  });

  test.each([
    ['=?utf-8?Q?Gr=C3=BC=C3=9Fe?= x', 'Grüße x'],
    ['=?UTF-8?B?R3LDvA==?= =?utf-8?b?w58=?=', 'Grüß'],
    ['=?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC?=', 'Grü'],
    ['=?utf-8?q?has blanks and ?why=3F?=', 'has blanks and ?why?'],
    ['=?utf-8?q?never ends', '=?utf-8?q?never ends'],
    ['=?iso-8859-1*de?q?=E4?=', 'ä'],
    ['=?no-such?q?=C3=A4?=', 'ä'],
    ['a=?utf-8?q?b?=c', 'abc'],
    ['\xc3\xa4 raw', 'ä raw'],
    ['\xe4 raw', 'ä raw'],
  ])('words of %j', (raw, text) => {
    expect(decodeWords(raw)).toBe(text);
  });

  test.each([
    ['"Doe, Jane" <J@X.org>', 'Doe, Jane', 'j@x.org'],
    ['j@x.org (Jane Doe)', 'Jane Doe', 'j@x.org'],
    ['j@x.org', '', 'j@x.org'],
    ['=?utf-8?q?J=C3=A4ne?= <j@x.org>', 'Jäne', 'j@x.org'],
    ['Jane <j@x.org', 'Jane', 'j@x.org'],
    ['nobody', '', ''],
  ])('author of %j', (from, name, email) => {
    expect(mail(`From: ${from}`).author).toEqual({ name, email });
  });

  test('To holds several addresses, commas in names do not split', () => {
    expect(mail('To: "A, B" <a@x>, c@y,\n  D <d@z>').to.map(({ email }) => email)).toEqual(['a@x', 'c@y', 'd@z']);
  });

  test('comments stand in comments, as scripts that look up maintainers write them', () => {
    const { cc } = mail('Cc: a@x.org (maintainer:SOME PARTS (32-BIT AND 64-BIT)),\n b@y.org (open list)');
    expect(cc.map(({ email }) => email)).toEqual(['a@x.org', 'b@y.org']);
  });

  test.each([
    ['Wed, 21 Jan 2026 13:46:57 +0100', 1768999617],
    ['21 Jan 26 12:46:57 GMT', 1768999617],
    ['Wed, 21 Jan 2026 07:46:57 -0500 (EST)', 1768999617],
    ['Fri, 1 Jan 2077 00:00:00 +0000', 3376684800],
    ['yesterday', null],
    ['99 Jan 2026 12:00:00 +0000', null],
  ])('date %s', (text, seconds) => {
    expect(readDate(text)).toBe(seconds);
  });
});

describe('links', () => {
  const links = (head: string): readonly string[] =>
    mail(`Message-ID: <self@x>\nFrom: A <a@x>\nTo: b@x\n${head}`).links;
  test.each([
    ['References: <1@x>\n\t<2@x>\nIn-Reply-To: <2@x>', ['1@x', '2@x']],
    ['In-Reply-To: <2@x>', ['2@x']],
    ['References: <1@x>', ['1@x']],
    ['References: <1@x>\nIn-Reply-To: <3@x>', ['1@x', '3@x']],
    ['In-Reply-To: A (<a@x>)\'s message of "Mon" <2@x>', ['2@x']],
    ['In-Reply-To: Your message of Monday', []],
    ['In-Reply-To: <2@x> <3@x>', ['2@x', '3@x']],
    ['In-Reply-To: 2@x', ['2@x']],
    ['In-Reply-To: <self@x>', []],
    ['References: <1@\n x>', ['1@x']],
    ['References: =?utf-8?q?=3C1=40x=3E?=', ['1@x']],
  ])('%j', (head, expected) => {
    expect(links(head)).toEqual(expected);
  });

  test('a Message-ID may be encoded words without brackets', () => {
    expect(mail('Message-ID: =?utf-8?q?=3C1=40x=3E?=').id).toBe('1@x');
    expect(mail('Message-ID: =?utf-8?q?1=40x?=').id).toBe('1@x');
  });
});

describe('bodies', () => {
  test.each(['8bit', '7bit', 'binary', '8-bit', 'none of these'])('%s is taken as it stands', (encoding) => {
    expect(bodyText(mail(`Content-Transfer-Encoding: ${encoding}`, 'a =20 b\n'))).toBe('a =20 b\n');
  });

  test('quoted-printable: escapes, soft breaks, and an = that is none', () => {
    const body = 'tab=09 eq=3D soft=\nbreak soft= \t\r\nbreak odd=zz end=';
    expect(bodyText(mail('Content-Transfer-Encoding: Quoted-Printable', body))).toBe(
      'tab\t eq= softbreak softbreak odd=zz end',
    );
  });

  test('base64 with line breaks', () => {
    expect(bodyText(mail('Content-Transfer-Encoding: base64', 'YWJj\nZGVm\n'))).toBe('abcdef');
  });

  test.each(['y', 'yes', 'true', '8', 'unknown-8bit', 'us-ascii', ''])('charset %j goes by the bytes', (label) => {
    expect(decodeText(latin1('\xc3\xa4'), label)).toBe('ä');
    expect(decodeText(latin1('\xe4'), label)).toBe('ä');
  });

  test('windows-1252 has no C1 controls at 0x80 to 0x9F, whatever the platform does', () => {
    for (const label of ['windows-1252', 'iso-8859-1', 'us-ascii', 'latin1', 'cp1252', 'x-cp1252']) {
      expect(decodeText(latin1('\x80\x93\x94\x99'), label)).toBe('€“”™');
    }
  });

  test('other charsets are decoded; wrong bytes become U+FFFD', () => {
    expect(decodeText(Buffer.from([0xc1, 0xc2]), 'koi8-r')).toBe('аб');
    expect(decodeText(Buffer.from([0xc4, 0xe3]), 'GB2312')).toBe('你');
    expect(decodeText(Buffer.from([0x61, 0xff]), 'utf-8')).toBe('a\ufffd');
  });

  test('NUL bytes stay', () => {
    expect(bodyText(mail('Subject: a', 'x\0y'))).toBe('x\0y');
  });
});

const PART = (type: string, body: string, more = ''): string => `--B\nContent-Type: ${type}\n${more}\n${body}\n`;
const multipart = (kind: string, ...parts: string[]): ReturnType<typeof readMail> =>
  mail(`Content-Type: multipart/${kind}; boundary="B"`, `preamble\n${parts.join('')}--B--\nepilogue\n`);

describe('trees', () => {
  test('the body of a signed mail is its text', () => {
    const read = multipart('signed', PART('text/plain', 'said'), PART('application/pgp-signature', 'c2ln'));
    expect(bodyText(read)).toBe('said');
    expect(read.leaves.map(({ type }) => type)).toEqual(['text/plain', 'application/pgp-signature']);
  });

  test('attachments are text to search, not the body', () => {
    const patch = PART('text/x-patch', 'diff --git a/x b/x\n', 'Content-Disposition: attachment; filename=x\n');
    const read = multipart('mixed', PART('text/plain', 'see'), patch);
    expect(bodyText(read)).toBe('see');
    expect(allText(read)).toContain('diff --git');
    expect(diffOf(read)?.toString()).toBe('diff --git a/x b/x\n');
  });

  test('text/plain is taken before text/html', () => {
    expect(bodyText(multipart('alternative', PART('text/html', '<p>'), PART('text/plain', 'a')))).toBe('a');
  });

  test('an unclosed multipart ends with the mail; one without parts is text', () => {
    expect(bodyText(mail('Content-Type: multipart/mixed; boundary=B', '--B\n\nopen\n'))).toBe('open\n');
    const bare = mail('Content-Type: multipart/mixed; boundary=B', 'no parts\n');
    expect(bodyText(bare)).toBe('no parts\n');
    expect(bare.notes).toHaveLength(1);
  });

  test('a boundary that another boundary begins with is not taken for it', () => {
    const inner = '--Bx\n\nin\n--Bx--\n';
    const body = `--B\nContent-Type: multipart/mixed; boundary=Bx\n\n${inner}--B\n\nout\n--B--\n`;
    const read = mail('Content-Type: multipart/mixed; boundary=B', body);
    expect(allText(read)).toBe('in\nout');
  });

  test('depth and number of parts are limited, and the mail says so', () => {
    let body = 'deep';
    for (let depth = 0; depth < LIMITS.depth + 5; depth += 1) body = `Content-Type: message/rfc822\n\n${body}`;
    expect(readMail(latin1(body)).notes).toHaveLength(1);
    const wide = multipart('mixed', ...Array.from({ length: LIMITS.leaves + 50 }, () => PART('text/plain', 'x')));
    expect(wide.leaves.length).toBeLessThanOrEqual(LIMITS.leaves + 2);
    expect(wide.notes).toHaveLength(1);
  });
});

describe('diffs', () => {
  const DIFF = 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a \n+b  \n \n';
  test('a flowed patch keeps its lines byte for byte', () => {
    const read = mail('Content-Type: text/plain; charset=utf-8; format=flowed', `words \n${DIFF}-- \n2.43.0\n`);
    expect(diffOf(read)?.toString('latin1')).toBe(DIFF);
  });

  test('a quoted-printable and a base64 patch are decoded', () => {
    const quoted = DIFF.replaceAll('=', '=3D').replaceAll(' \n', '=20\n');
    expect(diffOf(mail('Content-Transfer-Encoding: quoted-printable', quoted))?.toString()).toBe(DIFF);
    const base64 = Buffer.from(DIFF).toString('base64');
    expect(diffOf(mail('Content-Transfer-Encoding: base64', base64))?.toString()).toBe(DIFF);
  });

  test('--- without +++ behind it is no diff', () => {
    expect(diffOf(mail('Subject: a', 'text\n--- \nmore\n'))).toBeNull();
    expect(diffOf(mail('Subject: a', `--- x\nno\n${DIFF.slice(19)}`))?.toString()).toBe(DIFF.slice(19));
  });
});

describe('what names TDX', () => {
  test.each([
    ['Subject: KVM: TDX: a', '', true],
    ['Subject: =?utf-8?b?VERY?= a', '', true],
    ['Subject: a', '+++ b/arch/x86/kvm/vmx/tdx.c\n', true],
    ['Subject: a', '+tdx_call()\n', true],
    ['Subject: a', 'see Tdx\n', true],
    ['Content-Transfer-Encoding: base64', Buffer.from('the tdx module').toString('base64'), true],
    ['Content-Transfer-Encoding: quoted-printable', 'the t=64=\nx module', true],
    ['Content-Transfer-Encoding: base64', 'tdxtdxtdxtdx', false],
    ['DKIM-Signature: b=tdx/tdx+TDX', 'nothing\n', false],
    ['Subject: a', 'iQEztDXabctdxQ\n', false],
  ])('%j %j: %j', (head, body, expected) => {
    expect(scanMail(latin1(`${head}\n\n${body}`)).names).toBe(expected);
  });
});

test('equal content on two lists is known by author, subject, date and body', () => {
  const head = 'From: a@x\nSubject: s\nDate: d\nMessage-ID: <1@x>';
  expect(mail(`Received: one\n${head}`, 'b').content).toBe(mail(`List-Id: two\n${head}`, 'b').content);
  expect(mail(head, 'b').content).not.toBe(mail(head, 'c').content);
});

test('any bytes are read: damaged mails give a mail and the same row twice', () => {
  const whole =
    'From: =?utf-8?q?A?= <a@x>\nSubject: =?utf-8?b?VERY?=\nContent-Type: multipart/mixed; boundary="B"\n\n--B\n' +
    'Content-Transfer-Encoding: quoted-printable\n\na=3Db\n--B\nContent-Type: message/rfc822\n\nSubject: x\n\ny\n--B--\n';
  const edit = fc.tuple(fc.nat(whole.length), fc.nat(20), fc.uint8Array({ maxLength: 8 }));
  fc.assert(
    fc.property(fc.array(edit, { maxLength: 6 }), (edits) => {
      let bytes = latin1(whole);
      for (const [at, count, add] of edits) {
        bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(add), bytes.subarray(at + count)]);
      }
      const read = readMail(bytes);
      allText(read);
      diffOf(read);
      for (const leaf of read.leaves) expect(leaf.start).toBeLessThanOrEqual(Math.max(leaf.end, bytes.length));
      expect(scanMail(bytes)).toEqual(scanMail(Buffer.from(bytes)));
    }),
    { numRuns: 500 },
  );
});

test('a head of short lines without colons, and words that never end, cost linear time', () => {
  readMail(latin1('s\n'.repeat(120_000)));
  const bytes = latin1(`Subject: ${'=?a?q?'.repeat(40_000)}\nFrom: ${'"'.repeat(1)}${'(<'.repeat(50_000)}\n\n`);
  expect(createHash('sha1').update(readMail(bytes).subject).digest('hex')).toHaveLength(40);
});
