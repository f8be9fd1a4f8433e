import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quotedMayNameTdx } from '../../../pipeline/extract/mail/relevance.ts';
import { scanMail } from '../../../pipeline/extract/mail/row.ts';
import { decodeQuotedPrintable } from '../../../pipeline/extract/mail/transfer.ts';

const names = (text: string): boolean => scanMail(Buffer.from(text, 'latin1')).names;
const QUOTED = 'Content-Transfer-Encoding: quoted-printable\n\n';

test.each([
  ['TDX', true],
  ['a Tdx host', true],
  ['=54DX', true],
  ['T=44X', true],
  ['td=78', true],
  ['T=\nD=  \r\nX', true],
  ['=74=\n=64=\n=78', true],
  ['CONFIG_tdx', true],
  ['vtdx', false],
  ['tDx', false],
  ['T=20DX', false],
  ['text and index', false],
])('quoted-printable %j', (body, expected) => {
  expect(names(`Subject: x\n${QUOTED}${body}\n`)).toBe(expected);
});

test.each([
  ['TDX: x', true],
  ['x86/tdx', true],
  ['\xe4tdx', true],
  ['=?utf-8?q?T=44X?=', true],
  ['Intel\n TDX', true],
  ['outdx', false],
  ['T\n DX', false],
])('subject %j', (subject, expected) => {
  expect(names(`Subject: ${subject}\n\nbody\n`)).toBe(expected);
});

test('what is passed over undecoded never names TDX when it is decoded', () => {
  const piece = fc.constantFrom(
    't',
    'T',
    'd',
    'D',
    'x',
    'X',
    '=\n',
    '= \r\n',
    '=54',
    '=74',
    '=44',
    '=64',
    '=58',
    '=78',
    '=3D',
    ' ',
    'a',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const bytes = Buffer.from(pieces.join(''));
      const decoded = decodeQuotedPrintable(bytes).toString('latin1');
      if (/(?<![0-9A-Za-z])(?:[Tt]dx|TDX)/.test(decoded)) expect(quotedMayNameTdx(bytes)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
