import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { archiveLabels, pageDiscussions } from '../../pipeline/cases/page-discussions.ts';
import { git, makeInbox } from '../archive/inbox.ts';
import { temporaryFolder } from '../helpers/repository.ts';
import { mailOf } from '../helpers/series.ts';
import { release } from '../judge/ground.ts';
import { contextOf } from './context.ts';
import { specsOf } from './facts.ts';

/** Specifications of two releases with two registers, 7.1.EAX in both, and a folder whose sources name one list. */
function setUp(lists = '') {
  const root = temporaryFolder();
  const specs = join(root, 'specs');
  mkdirSync(specs);
  writeFileSync(join(specs, 'sources.yaml'), `sources: []\n${lists}`);
  const facts = specsOf({ releases: [release('1.5.06', [{}]), release('1.5.08', [{}, { leaf: 1, subleaf: null }])] });
  return {
    root,
    search: (archives: readonly string[]) =>
      pageDiscussions(contextOf({ specs }), facts, { archives, state: join(root, 'state.json') }),
    /** A file of mails. */
    mbox: (name: string, mails: readonly string[]): string => {
      const path = join(root, name);
      writeFileSync(path, mails.map((mail) => `From a@b Thu Jan  1 00:00:00 1970\n${mail}\n`).join(''));
      return path;
    },
  };
}
/** A mail of a day in June; with a parent it is an answer. */
const mail = (id: string, body: string, day: number | null, parent?: string): string => {
  const text = mailOf({
    id,
    subject: `TDX ${id}`,
    body: `${body}\n`,
    day: day ?? 1,
    ...(parent === undefined ? {} : { parent }),
  });
  return day === null ? text.replace(/^Date: .*\n/m, '') : text;
};

test('each bit has its threads, the one with the newest mail first, with the first mail that names it', async () => {
  const { search, mbox } = setUp();
  const file = mbox('mail.mbox', [
    mail('b@x', 'Hide 7.1.EAX[3]', 5),
    mail('none@x', 'Hide 7.1.EAX[3]', null).replace('Jane Doe <jane@example.org>', 'jane@example.org'),
    mail('a@x', 'A question.', 1),
    mail('a4@x', 'Well, 7.1.EAX[3].', 9, 'a3@x'),
    mail('a3@x', 'It is 7.1.EAX[3].', 3, 'z2@x'),
    mail('z3@x', 'Is it 7.1.EAX[3]?', 2, 'a@x'),
    mail('z2@x', 'Is it 7.1.EAX[3] or 1.EDX[12]?', 2, 'a@x'),
    mail('a5@x', 'Once more, 7.1.EAX[3].', null, 'a4@x'),
    mail('d@x', '7.1.EAX[3] again', 7),
    mail('c@x', '7.1.EAX[3] again', 7),
    mail('e@x', 'About 0x99.EAX[3], which nobody has.', 7),
  ]);
  const { bits, ...rest } = await search([file]);
  expect(rest).toEqual({ archives: [{ name: 'mail.mbox', upTo: null }], searched: 11, unread: 0 });
  const named = (id: string, day: string | null) => ({
    id,
    date: day,
    author: 'Jane Doe',
    subject: `TDX ${id}`,
    lists: ['mail.mbox'],
    url: null,
  });
  expect(bits).toEqual([
    {
      leaf: 1,
      subleaf: null,
      register: 'edx',
      bit: 12,
      threads: [{ mail: named('z2@x', '2026-06-02'), others: 0 }],
      more: 0,
    },
    {
      leaf: 7,
      subleaf: 1,
      register: 'eax',
      bit: 3,
      threads: [
        { mail: named('z2@x', '2026-06-02'), others: 4 },
        { mail: named('c@x', '2026-06-07'), others: 0 },
        { mail: named('d@x', '2026-06-07'), others: 0 },
        { mail: named('b@x', '2026-06-05'), others: 0 },
        { mail: { ...named('none@x', null), author: 'jane@example.org' }, others: 0 },
      ],
      more: 0,
    },
  ]);
});

test('of more than twenty threads the newest are listed and the rest counted', async () => {
  const { search, mbox } = setUp();
  const many = (count: number) =>
    search([
      mbox(
        `${count}.mbox`,
        Array.from({ length: count }, (_, at) => mail(`m${at + 1}@x`, '7.1.EAX[3]', at + 1)),
      ),
    ]);
  const told = ({ bits }: Awaited<ReturnType<typeof many>>) =>
    bits.map(({ threads, more }) => [threads.length, threads[0]?.mail.id, threads.at(-1)?.mail.id, more]);
  expect(told(await many(20))).toEqual([[20, 'm20@x', 'm1@x', 0]]);
  expect(told(await many(23))).toEqual([[20, 'm23@x', 'm4@x', 3]]);
});

test('a mail that a known list holds has an address there; its id is a path of it, or it has none', async () => {
  const { root, search, mbox } = setUp(
    'lists:\n  - {name: kvm, address: kvm@vger.kernel.org, url: "https://lore.example/kvm/", optIn: true}\n',
  );
  mkdirSync(join(root, 'kvm', 'git'), { recursive: true });
  const said = '7.1.EAX[3]';
  const both = mail('both@x', said, 4);
  const epochs = [
    [both, mail('a/b%40c+d@x.org', said, 3), mail('no-address', said, 2), mail('two@of@x', said, 1)],
    [both],
  ].map((mails, at) =>
    makeInbox(
      join(root, 'kvm', 'git'),
      `${at}.git`,
      mails.map((each) => ({ mail: each })),
    ),
  );
  const other = mbox('other.mbox', [both, mail('elsewhere@x', said, 1)]);
  const { archives, bits, searched } = await search([other, join(root, 'kvm')]);
  expect(archives.map(({ name }) => name)).toEqual(['other.mbox', 'kvm', 'kvm']);
  expect(archives.map(({ upTo }) => upTo?.slice(12) ?? null)).toEqual([null, ' of 2023-11-14', ' of 2023-11-14']);
  expect([searched, epochs.length]).toEqual([5, 2]);
  expect(bits[0]?.threads.map(({ mail: { id, lists, url }, others }) => [id, lists, url, others])).toEqual([
    ['both@x', ['other.mbox', 'kvm'], 'https://lore.example/kvm/both@x/', 0],
    ['a/b%40c+d@x.org', ['kvm'], 'https://lore.example/kvm/a%2Fb%2540c%2Bd@x.org/', 0],
    ['no-address', ['kvm'], null, 0],
    ['elsewhere@x', ['other.mbox'], null, 0],
    ['two@of@x', ['kvm'], 'https://lore.example/kvm/two@of@x/', 0],
  ]);
});

test('an archive is read up to a commit, of a day where the commit has one', async () => {
  const { root, search } = setUp();
  const at = [0, 1].map((time) => {
    const inbox = makeInbox(root, `${time}.git`, [{ mail: mail('a@x', '7.1.EAX[3]', 1) }]);
    const who = `Jane <jane@x.org> ${time} +0000`;
    const commit = `tree ${git(inbox, 'rev-parse', 'HEAD^{tree}')}\nauthor ${who}\ncommitter ${who}\n\nmail\n`;
    const id = execFileSync('git', [`--git-dir=${inbox}`, 'hash-object', '-t', 'commit', '-w', '--stdin'], {
      input: commit,
    });
    git(inbox, 'update-ref', 'HEAD', id.toString().trim());
    return { inbox, tip: id.toString().slice(0, 12) };
  });
  const { archives } = await search(at.map(({ inbox }) => inbox));
  expect(archives.map(({ upTo }) => upTo)).toEqual([at[0]?.tip, `${at[1]?.tip} of 1970-01-01`]);
});

describe('archives are called', () => {
  const lists = [{ name: 'kvm', url: 'https://lore.example/kvm' }];
  const called = (names: readonly string[]) => [...archiveLabels(names, lists).values()];

  test('by their list, with its address', () => {
    const kvm = { name: 'kvm', url: 'https://lore.example/kvm' };
    expect(called(['/m/kvm/git/0.git', '/m/kvm/git/1.git', '/m/kvm/2.git/', 'kvm.git'])).toEqual([kvm, kvm, kvm, kvm]);
    expect(called(['/kvm/other'])).toEqual([{ name: 'other', url: null }]);
  });

  test('else by the last folders, as many as tell them apart', () => {
    const names = (...paths: readonly string[]) => called(paths).map(({ name }) => name);
    expect(names('/m/one/repo', '/m/two/repo', '/m/three.git', 'mail.mbox')).toEqual([
      'one/repo',
      'two/repo',
      'three',
      'mail.mbox',
    ]);
    expect(names('/a/x/one/repo', '/b/x/one/repo', '/b/y/one/repo')).toEqual([
      'a/x/one/repo',
      'b/x/one/repo',
      'y/one/repo',
    ]);
    expect(names('repo', '/a/repo')).toEqual(['repo', 'a/repo']);
    // Epochs of one list are one list, and a folder that is named twice is one folder.
    expect(names('/m/coco/git/0.git', '/m/coco/git/1.git', './m/coco')).toEqual(['coco', 'coco', 'coco']);
    expect(names('.', '/', './x', '../x')).toEqual(['.', '/', 'x', '../x']);
  });
});
