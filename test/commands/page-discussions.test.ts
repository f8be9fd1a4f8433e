import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { formatPlace } from '../../pipeline/model/place.ts';
import { mailText, searchedText } from '../../pipeline/report/html/client/discussions.ts';
import type { PageData } from '../../pipeline/report/html/data.ts';
import { unpack } from '../../pipeline/report/html/pack.ts';
import { makeInbox } from '../archive/inbox.ts';
import { temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';
import { mailOf } from '../helpers/series.ts';
import { fewSpecs } from '../helpers/specs.ts';

const MAILS = [
  { id: 'a@x', subject: 'TDX and <b>7.1.EAX[19]</b>', body: 'A question.\n', day: 2 },
  { id: 'b@x', subject: 'Re: TDX and a bit', body: '> 7.1.EAX[19]?\n\nYes.\n', parent: 'a@x', day: 3 },
  { id: 'c@x', subject: 'Re: TDX and a bit', body: 'Hide WRMSRNS.\n', parent: 'b@x', day: 4 },
  { id: 'q@x', subject: 'TDX, again', body: '> Hide WRMSRNS.\n\nWhy?\n', day: 5 },
  { id: 'f@x', subject: 'TDX masks', body: 'CPUID.(EAX=07H,ECX=1):EAX[31:0]\n', day: 1 },
  ...Array.from({ length: 22 }, (_, at) => ({
    id: `w${10 + at}@x`,
    subject: 'TDX and WAITPKG',
    body: 'It clobbers.\n',
    day: 6 + at,
  })),
].map(mailOf);

const dataOf = (path: string): PageData => {
  const json = /<script type="application\/json" id="data">([\s\S]*?)<\/script>/.exec(readFileSync(path, 'utf8'))?.[1];
  return unpack(JSON.parse(json ?? '')) as PageData;
};
/** The threads of a bit as the page lists them. */
function threadsOf({ discussions }: PageData, place: string, bit: number) {
  const found = discussions?.bits.find((each) => formatPlace(each) === place && each.bit === bit);
  return found?.threads.map(({ mail, others }) => ({ title: mailText(mail), url: mail.url, others }));
}

test('the page lists each thread that names a bit once, newest first, and links only what a known list holds', async () => {
  const root = temporaryFolder();
  mkdirSync(join(root, 'kvm', 'git'), { recursive: true });
  const kvm = makeInbox(
    join(root, 'kvm', 'git'),
    '0.git',
    MAILS.map((mail) => ({ mail })),
  );
  const other = makeInbox(
    root,
    'other.git',
    MAILS.slice(4, 6).map((mail) => ({ mail })),
  );
  const state = join(root, 'state.json');
  const page = join(root, 'index.html');
  const run = () =>
    bitwatch([
      ...['report', '--archive', kvm, '--archive', other, '--state', state],
      ...['--out', `html=${page}`, '--specs', fewSpecs()],
    ]);
  expect((await run()).status).toBe(0);
  const data = dataOf(page);
  expect(data.discussions === null ? '' : searchedText(data.discussions)).toMatch(
    /^Searched: 27 mails in threads that name TDX, of kvm up to [0-9a-f]{12} of \d{4}-\d\d-\d\d, other up to /,
  );
  expect(threadsOf(data, '7.1.EAX', 19)).toEqual([
    {
      title: '2026-06-02 Jane Doe: TDX and <b>7.1.EAX[19]</b>, in kvm, <a@x>',
      url: 'https://lore.kernel.org/kvm/a@x/',
      others: 1,
    },
  ]);
  const waitpkg = threadsOf(data, '7.0.ECX', 5);
  expect(waitpkg).toHaveLength(20);
  expect(waitpkg?.[0]?.title).toContain('2026-06-27 Jane Doe: TDX and WAITPKG, in kvm, <w31@x>');
  expect(data.discussions?.bits.find(({ more }) => more > 0)?.more).toBe(2);
  expect(threadsOf(data, '7.1.EAX', 3)).toBeUndefined();
  const before = readFileSync(page);
  await run();
  expect(readFileSync(page).equals(before)).toBe(true);
});

test('archives that no page could show are refused', async () => {
  expect((await bitwatch(['report', '--archive', '.', '--json'])).status).toBe(64);
  expect((await bitwatch(['report', '--archive', '.', '--since', '1.5.06'])).status).toBe(64);
});
