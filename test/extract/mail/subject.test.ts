import { expect, test } from 'vitest';
import { readSubject } from '../../../pipeline/extract/mail/subject.ts';

test.each([
  ['[PATCH v2 3/4] a', { patch: true, version: 2, part: 3, total: 4, trees: [] }],
  ['[RFC PATCH v2 00/10] a', { patch: true, rfc: true, version: 2, part: 0, total: 10 }],
  ['[PATCHv11 00/19] a', { patch: true, version: 11, part: 0, total: 19 }],
  ['[RFC v2 1/3] a', { patch: true, rfc: true, version: 2, part: 1, total: 3 }],
  ['[v2][PATCH 1/2] a', { patch: true, version: 2, part: 1, total: 2 }],
  ['[PATCH net-next,v2 1/2] a', { patch: true, version: 2, trees: ['net-next'], part: 1 }],
  ['[PATCH AUTOSEL 5.4 1/2] a', { patch: true, version: 1, trees: ['AUTOSEL', '5.4'], part: 1 }],
  ['[PATCH v5.10.y] a', { patch: true, version: 1, trees: ['v5.10.y'], part: null }],
  ['[PATCH RESEND v3] a', { patch: true, resend: true, version: 3 }],
  ['[PATCH] [RFC] a', { patch: true, rfc: true, title: 'a' }],
  ['Re: [PATCH v2 3/4] a', { reply: true, patch: true, version: 2 }],
  ['RE: re: AW: [PATCH] a', { reply: true, patch: true }],
  ['[GIT PULL] a', { patch: false }],
  ['a [PATCH] b', { patch: false, title: 'a [PATCH] b' }],
  ['', { patch: false, title: '' }],
])('%s', (subject, expected) => {
  expect(readSubject(subject)).toMatchObject(expected);
});

test('the title is what stands behind the prefix', () => {
  expect(readSubject('[v2][PATCH 1/2] KVM: TDX: Say no').title).toBe('KVM: TDX: Say no');
});
