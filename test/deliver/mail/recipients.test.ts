import { expect, test } from 'vitest';
import { recipientsOf, refusalOf } from '../../../pipeline/deliver/mail/recipients.ts';
import { isList } from '../../../pipeline/extract/mail/list-address.ts';
import { LISTS } from './letters.ts';

const of = (...emails: readonly string[]) => emails.map((email) => ({ name: '', email }));
const emails = (addresses: readonly { readonly email: string }[]): readonly string[] =>
  addresses.map(({ email }) => email);

test.each([
  ['kvm@vger.kernel.org', true],
  ['linux-coco@lists.linux.dev', true],
  ['linux-mm@kvack.org', true],
  ['x86@kernel.org', true],
  ['qemu-devel@nongnu.org', true],
  ['intel-gfx@lists.freedesktop.org', true],
  ['jane@kernel.org', false],
  ['kvmfan@example.com', false],
  ['open@lists.example.org', true],
])('%s is a list: %s', (email, expected) => {
  expect(isList(email, LISTS)).toBe(expected);
});

test('a reply goes to the author and to everybody else once, not to ourselves', () => {
  const parent = {
    author: { name: 'Jane', email: 'jane@example.com' },
    replyTo: [],
    to: of('open@lists.example.org', 'bot@example.org', 'jane@example.com'),
    cc: of('joe@example.com', 'open@lists.example.org', 'joe@example.com', 'not an@address'),
  };
  const { to, cc, left } = recipientsOf(parent, 'Bot@example.org', LISTS);
  expect([to, emails(cc), left]).toEqual([
    [{ name: 'Jane', email: 'jane@example.com' }],
    ['open@lists.example.org', 'joe@example.com'],
    ['not an@address'],
  ]);
});

test('Reply-To names the author where a relay or a list stands in From', () => {
  const author = { name: 'Jane via relay', email: 'devnull+jane.example.com@kernel.org' };
  const parent = { author, replyTo: of('jane@example.com'), to: of('open@lists.example.org'), cc: [] };
  expect(emails(recipientsOf(parent, 'bot@example.org', LISTS).to)).toEqual(['jane@example.com']);
  // A list that asks for answers to itself is no author.
  const list = recipientsOf(
    { ...parent, author: of('jane@example.com')[0] ?? author, replyTo: of('open@lists.example.org') },
    'bot@example.org',
    LISTS,
  );
  expect([emails(list.to), emails(list.cc)]).toEqual([['jane@example.com'], ['open@lists.example.org']]);
});

test('mail goes out only where every list asked for it and one is there', () => {
  expect(refusalOf(of('jane@example.com', 'open@lists.example.org'), LISTS)).toBeNull();
  expect(refusalOf(of('jane@example.com'), LISTS)).toEqual({ kind: 'no-list' });
  expect(refusalOf(of('OPEN@lists.example.org', 'Shut@Lists.example.org', 'kvm@vger.kernel.org'), LISTS)).toEqual({
    kind: 'not-opted-in',
    lists: ['kvm@vger.kernel.org', 'shut@lists.example.org'],
  });
});
