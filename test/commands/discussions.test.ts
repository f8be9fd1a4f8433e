import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeInbox } from '../archive/inbox.ts';
import { temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';
import { mailOf } from '../helpers/series.ts';

type Bits = { readonly bits: readonly { readonly discussed: readonly { readonly id: string }[] | null }[] };

const MAILS = [
  { id: 'a@x', subject: 'TDX and 7.1.EAX[19]', body: 'A question.\n', day: 2 },
  { id: 'b@x', subject: 'Re: TDX and a bit', body: '> 7.1.EAX[19]?\n\nYes.\n', parent: 'a@x', day: 3 },
  { id: 'c@x', subject: 'Re: TDX and a bit', body: 'Hide X86_FEATURE_WRMSRNS.\n', parent: 'b@x', day: 4 },
  { id: 'd@x', subject: 'TDX and CPUID(7,1).EAX', body: 'The whole register.\n', day: 1 },
  { id: 'e@x', subject: 'Another matter', body: 'CPUID.0x7.1:EAX[19]\n', day: 1 },
  { id: 'f@x', subject: 'TDX masks', body: 'CPUID.(EAX=07H,ECX=1):EAX[23:7]\n', day: 1 },
].map(mailOf);

test('a bit’s history lists the mails that name it in their own words, each once, with how', async () => {
  const root = temporaryFolder();
  const one = makeInbox(
    root,
    'one.git',
    MAILS.map((mail) => ({ mail })),
  );
  const two = makeInbox(
    root,
    'two.git',
    MAILS.slice(0, 1).map((mail) => ({ mail })),
  );
  const args = ['history', 'WRMSRNS', '--archive', one, '--archive', two, '--state', join(root, 'state.json')];
  const { stdout, status } = await bitwatch([...args, '--json']);
  const discussed = (JSON.parse(stdout) as Bits).bits[0]?.discussed;
  expect(status).toBe(0);
  expect(discussed).toEqual([
    {
      id: 'f@x',
      date: '2026-06-01',
      author: 'Jane Doe',
      subject: 'TDX masks',
      archives: [one],
      text: 'CPUID.(EAX=07H,ECX=1):EAX[23:7]',
    },
    {
      id: 'a@x',
      date: '2026-06-02',
      author: 'Jane Doe',
      subject: 'TDX and 7.1.EAX[19]',
      archives: [one, two],
      text: '7.1.EAX[19]',
    },
    {
      id: 'c@x',
      date: '2026-06-04',
      author: 'Jane Doe',
      subject: 'Re: TDX and a bit',
      archives: [one],
      text: 'X86_FEATURE_WRMSRNS',
    },
  ]);
  const text = (await bitwatch(args)).stdout;
  expect(text).toContain('  discussed in 3 mails of 5 in threads that name TDX\n');
  expect(text).toContain('      <c@x>\n');
  expect((await bitwatch(['history', 'HLE', ...args.slice(2)])).stdout).toContain('discussed in no mail of 5');
});

test('without archives nothing is said of mails', async () => {
  expect((await bitwatch(['history', 'WRMSRNS'])).stdout).not.toContain('discussed');
  expect((JSON.parse((await bitwatch(['history', 'WRMSRNS', '--json'])).stdout) as Bits).bits[0]?.discussed).toBeNull();
  expect((await bitwatch(['history', 'WRMSRNS', '--archive', '/nonexistent'])).status).toBe(66);
});
