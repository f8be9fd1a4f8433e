import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { append, mailText, makeInbox } from '../archive/inbox.ts';
import { moduleFiles } from '../helpers/module-source.ts';
import { addCommits, buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import { isCommand } from './runner-files.ts';
import { compileProgram, logOf, makeWorld } from './world.ts';

const BRANCH = 'refs/heads/bitwatch/specs';
const SHOW = process.env.BITWATCH_SHOW === '1';
const HOSTILE = '::set-output name=changed::false\u001b[31m\u202e<img src=x onerror=alert(1)> @someone #1';
/** Each run starts programs by the dozen. */
vi.setConfig({ testTimeout: 240_000 });
let [folder, dist] = ['', ''];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bitwatch-workflows-'));
  dist = compileProgram(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** For `npm run workflows`: what a person would see on the forge. */
const show = (title: string, text: string): void => {
  if (SHOW) console.log(`\n=== ${title} ===\n${text}`);
};

test('a source gains a release: the first run reports, drafts and proposes, the second is silent', async () => {
  const source = buildRepository([{ subject: 'Begin', files: { 'x.c': 'int x;\n' } }]);
  const { run, server, origin } = await makeWorld(dist, { source, list: null });
  const refs = (): string => git(origin, 'for-each-ref', '--format=%(refname) %(objectname)');
  const jobs = ['sync', 'propose', 'post'];

  const before = refs();
  const quiet = await run('watch.yml', { only: ['sync', 'propose', 'post'] });
  show('before the release', `${logOf(quiet)}\n${quiet.jobs.sync?.summary}`);
  expect(jobs.map((id) => quiet.jobs[id]?.result)).toEqual(['success', 'skipped', 'skipped']);
  expect(quiet.jobs.sync?.summary).toContain('**Nothing is new.**');
  expect([refs(), server.seen]).toEqual([before, []]);

  addCommits(
    source,
    [
      { subject: `Fix ${HOSTILE}`, files: { '::error::x': 'x', 'README.md': `| Version |\n|---|\n| ${HOSTILE} |\n` } },
      { subject: 'TDX 1.5.77', files: moduleFiles('0x00000010') },
    ],
    1,
  );
  const first = await run('watch.yml', { only: jobs, vars: { BITWATCH_POST_ISSUES: 'true' } });
  show('the release appeared', `${logOf(first)}\n${first.jobs.sync?.summary}\n${first.jobs.propose?.summary}`);
  expect(
    jobs.map((id) => first.jobs[id]?.result),
    logOf(first),
  ).toEqual(['success', 'success', 'success']);
  expect(first.jobs.sync?.summary).toContain('TDX module 1.5.77 against 1.5.06');
  expect(first.jobs.sync?.summary).not.toContain('Nothing is new');
  expect(readdirSync(join(first.artifacts, 'reports', 'drafts'))).toEqual(['release-1.5.77.md']);
  expect(existsSync(join(first.artifacts, 'reports', 'new', 'index.md'))).toBe(true);
  expect(git(origin, 'diff', '--name-status', 'main', BRANCH)).toBe('A\tspecs/modules/1.5.77.yaml');
  expect(server.issues.map(({ title, isPull, head }) => [title, isPull, head])).toEqual([
    ['Add TDX module 1.5.77', true, 'bitwatch/specs'],
    ['bitwatch: review of TDX module 1.5.77', false, undefined],
  ]);
  expectHarmless(
    logOf(first),
    `${first.jobs.sync?.summary}${first.jobs.propose?.summary}${server.issues.map(({ body }) => body).join('')}`,
  );

  const [after, writes] = [refs(), server.writes().length];
  const second = await run('watch.yml', { only: jobs, vars: { BITWATCH_POST_ISSUES: 'true' } });
  show('nothing more', `${logOf(second)}\n${second.jobs.propose?.summary}`);
  expect(
    jobs.map((id) => second.jobs[id]?.result),
    logOf(second),
  ).toEqual(['success', 'success', 'success']);
  expect(second.jobs.propose?.summary).toContain('nothing new');
  expect([refs(), server.writes().length]).toEqual([after, writes]);
});

/** The one command that a log may hold is an annotation of a report. */
function expectHarmless(log: string, shown: string): void {
  const commands = log
    .split('\n')
    .map((line) => line.trim())
    .filter(isCommand);
  expect(commands.filter((line) => !/^::(error|warning|notice) title=/.test(line))).toEqual([]);
  expect(`${log}${shown}`).not.toMatch(/[\u001b\u202e]/);
  expect(shown).not.toMatch(/<img|@someone/);
}

test('a source that cannot be fetched ends the job as incomplete, and what was read is proposed all the same', async () => {
  const source = buildRepository([{ subject: 'TDX 1.5.77', files: moduleFiles('0x00000010') }]);
  const { run, server, folder, author } = await makeWorld(dist, { source, list: null });
  const sources = join(author, 'specs', 'sources.yaml');
  const text = readFileSync(sources, 'utf8');
  const gone = `  - {name: gone, kind: module, url: ${JSON.stringify(join(folder, 'gone'))}, repository: example/gone, licence: MIT}\n`;
  commit(author, sources, text.replace('lists:', `${gone}lists:`));
  const half = await run('watch.yml', { only: ['sync', 'propose', 'post'] });
  const states = ['sync', 'propose', 'post'].map((id) => half.jobs[id]?.result);
  // Issues are posted only where the owner asks.
  expect(states, logOf(half)).toEqual(['failure', 'success', 'skipped']);
  expect(half.jobs.sync?.summary).toContain('**Incomplete: part of it could not be fetched');
  expect(server.issues).toHaveLength(1);

  renameSync(source, `${source}-away`);
  const none = await run('watch.yml', { only: ['sync', 'propose', 'post'] });
  renameSync(`${source}-away`, source);
  expect([none.jobs.sync?.result, none.jobs.propose?.result], logOf(none)).toEqual(['failure', 'skipped']);
  expect(none.jobs.sync?.summary).toContain('This does not mean that nothing is new.');
  expect(none.jobs.sync?.summary).not.toContain('Nothing is new.');
  expect(none.jobs.sync?.steps.at(-1)).toMatchObject({ name: 'End as the fetch ended', conclusion: 'failure' });
});

function commit(author: string, file: string, text: string): void {
  writeFileSync(file, text);
  git(author, 'commit', '-qam', 'Change');
  git(author, 'push', '-q', 'origin', 'main');
}

test('new mail is read in shares and joined; a run without new mail starts none', async () => {
  const list = join(temporaryFolder(), 'list');
  mkdirSync(list);
  const mails = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, at) => ({
      mail: mailText(`${from + at}@x`, at % 2 === 0 ? 'TDX' : 'Other'),
    }));
  makeInbox(list, '0', mails(0, 9));
  const { run } = await makeWorld(dist, { source: list, list });
  const only = ['plan', 'scan', 'join'];
  const results = async () => {
    const result = await run('watch.yml', { only });
    return { result, states: only.map((id) => result.jobs[id]?.result) };
  };
  const first = await results();
  show('new mail', logOf(first.result));
  expect(first.states, logOf(first.result)).toEqual(['success', 'success', 'success']);
  expect(readdirSync(first.result.artifacts)).toEqual([1, 2, 3, 4].map((index) => `part-l-0-${index}-of-4`));
  expect(first.result.jobs.join?.summary).toContain('9 mails in 9 threads; 5 threads name TDX');
  expect((await results()).states).toEqual(['success', 'skipped', 'skipped']);
  append(join(list, '0'), mails(9, 11));
  const third = await results();
  expect(readdirSync(third.result.artifacts)).toEqual(['part-l-0-1-of-1']);
  expect(third.result.jobs.join?.summary).toContain('11 mails in 11 threads');
  renameSync(join(list, '0'), join(list, 'away'));
  const gone = await results();
  expect(gone.states, logOf(gone.result)).toEqual(['failure', 'skipped', 'skipped']);
});
