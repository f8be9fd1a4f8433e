import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { testTiming } from '../deliver/github/harness.ts';
import type { Kept } from '../helpers/copy-specs.ts';
import { type GithubServer, startGithub, TOKEN } from '../helpers/github-server.ts';
import { git, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';
import { smallSpecs } from '../helpers/specs.ts';

const KEPT: Kept = { releases: ['2.0.12', '2.0.16', '2.0.18'], kernels: ['7.1.5'] };
const BRANCH = 'refs/heads/bitwatch/specs';

let made: string | undefined;

/** A remote whose specifications lack 2.0.18, a checkout of it, and a proposal that has it: made once, to be copied. */
function template(): string {
  if (made !== undefined) return made;
  made = mkdtempSync(join(inject('sharedFolder'), 'pull-'));
  const [checkout, proposal] = [join(made, 'checkout'), join(made, 'proposal')];
  smallSpecs(join(proposal, 'specs'), KEPT);
  mkdirSync(checkout);
  cpSync(join(proposal, 'specs'), join(checkout, 'specs'), { recursive: true });
  rmSync(join(checkout, 'specs', 'modules', '2.0.18.yaml'));
  writeFileSync(join(checkout, 'README.md'), 'text\n');
  git(checkout, 'init', '-q', '-b', 'main');
  git(checkout, 'add', '-A');
  git(checkout, 'commit', '-q', '-m', 'Begin');
  git(checkout, 'repack', '-adq');
  git(checkout, 'remote', 'add', 'origin', 'ORIGIN');
  git(made, 'clone', '-q', '--bare', checkout, 'origin.git');
  return made;
}

async function setUp() {
  const folder = temporaryFolder();
  const [origin, checkout, proposal] = [join(folder, 'origin.git'), join(folder, 'checkout'), join(folder, 'proposal')];
  const server = await startGithub();
  cpSync(template(), folder, { recursive: true });
  const config = join(checkout, '.git', 'config');
  writeFileSync(config, readFileSync(config, 'utf8').replace('ORIGIN', origin));
  const publish = (...args: readonly string[]) => publishWith(server, args);
  async function publishWith(forge: GithubServer, args: readonly string[]) {
    const common = ['--specs', join(proposal, 'specs'), '--checkout', checkout, '--state', join(folder, 'posted.yaml')];
    return bitwatch(['publish', 'pull', ...common, ...args], {
      env: {
        PATH: process.env.PATH,
        GITHUB_ACTIONS: 'true',
        GITHUB_REPOSITORY: 'example/watch',
        GITHUB_TOKEN: TOKEN,
        GITHUB_API_URL: forge.url,
      },
      timing: testTiming(forge),
    });
  }
  const remote = (...args: readonly string[]): string => git(origin, ...args);
  return { folder, checkout, proposal, server, publish, remote };
}

test('without --send it says what it would do and writes nothing', async () => {
  const { publish, remote, server, folder } = await setUp();
  const { status, stdout } = await publish('--drafts', join(folder, 'drafts'));
  expect(readFileSync(join(folder, 'drafts', 'pull.md'), 'utf8')).toMatch(/^Title: Add TDX module 2\.0\.18\n/);
  expect(status).toBe(0);
  expect(stdout).toBe(
    'A specs/modules/2.0.18.yaml\nwould push bitwatch/specs\nbitwatch/specs: would be created\nnothing was written: --send writes\n',
  );
  expect([remote('for-each-ref', '--format=%(refname)'), server.writes()]).toEqual(['refs/heads/main', []]);
});

test('one commit on one branch, one pull request, and a second run writes nothing', async () => {
  const { publish, remote, server, checkout } = await setUp();
  writeFileSync(join(checkout, 'README.md'), 'a person is at work\n');
  git(checkout, 'add', 'README.md');
  expect(await publish('--send')).toMatchObject({ status: 0, stderr: '' });
  // What a person has staged stays, and does not enter the commit.
  expect(git(checkout, 'diff', '--cached', '--name-only')).toBe('README.md');
  expect(remote('diff', '--no-renames', '--name-status', 'main', BRANCH)).toBe('A\tspecs/modules/2.0.18.yaml');
  expect(remote('rev-list', '--count', `main..${BRANCH}`)).toBe('1');
  expect(remote('log', '-1', '--format=%s|%an', BRANCH)).toBe('Add TDX module 2.0.18|github-actions[bot]');
  const [pull, ...others] = server.issues;
  expect(others).toEqual([]);
  expect(pull).toMatchObject({ title: 'Add TDX module 2.0.18', head: 'bitwatch/specs', base: 'main', isPull: true });
  expect(pull?.body).toMatch(/^<!-- bitwatch:pull=bitwatch%2Fspecs sha256=\w{64} check=\w{32} -->\n/);
  expect(pull?.body).toMatch(/TDX module 2\.0\.18 on KVM [\d.]+, coming from 2\.0\.16/);
  const [tip, writes] = [remote('rev-parse', BRANCH), server.writes().length];
  const second = await publish('--send');
  expect(second.stdout).toContain('bitwatch/specs has this already\n');
  expect(second.stdout).toMatch(/bitwatch\/specs: unchanged.*\nnothing new\n$/);
  expect([remote('rev-parse', BRANCH), server.writes().length]).toEqual([tip, writes]);
});

test('more news moves the branch and updates the same pull request', async () => {
  const { publish, proposal, remote, server } = await setUp();
  await publish('--send');
  rmSync(join(proposal, 'specs', 'modules', '2.0.12.yaml'));
  expect((await publish('--send')).status).toBe(0);
  expect(remote('rev-list', '--count', `main..${BRANCH}`)).toBe('1');
  expect(remote('diff', '--no-renames', '--name-status', 'main', BRANCH)).toContain('D\tspecs/modules/2.0.12.yaml');
  expect(server.issues).toHaveLength(1);
  expect(server.issues[0]?.body).toContain('`specs/modules/2.0.12.yaml`: removed');
});

test('no news asks the forge for nothing', async () => {
  const { publish, checkout, proposal, server } = await setUp();
  rmSync(join(proposal, 'specs', 'modules', '2.0.18.yaml'));
  expect(await publish('--send')).toMatchObject({ status: 0, stdout: 'nothing new\n' });
  expect(server.seen).toEqual([]);
  expect(git(checkout, 'status', '--porcelain')).toBe('');
});

test('what a person closed stays closed; something new is proposed again', async () => {
  const { publish, proposal, server } = await setUp();
  await publish('--send');
  for (const pull of server.issues) pull.state = 'closed';
  expect((await publish('--send')).status).toBe(0);
  expect(server.issues).toHaveLength(1);
  rmSync(join(proposal, 'specs', 'modules', '2.0.12.yaml'));
  await publish('--send');
  expect(server.issues.map(({ state }) => state)).toEqual(['closed', 'open']);
});

test('a commit of somebody else on the branch is never written over', async () => {
  const { publish, proposal, remote, folder } = await setUp();
  await publish('--send');
  const other = join(folder, 'other');
  git(folder, 'clone', '-q', '-b', 'bitwatch/specs', join(folder, 'origin.git'), other);
  git(other, 'commit', '-q', '--allow-empty', '-m', 'Mine');
  git(other, 'push', '-q', 'origin', 'HEAD');
  const tip = remote('rev-parse', BRANCH);
  rmSync(join(proposal, 'specs', 'modules', '2.0.12.yaml'));
  const { status, stderr } = await publish('--send');
  expect([status, remote('rev-parse', BRANCH)]).toEqual([75, tip]);
  expect(stderr).toMatch(/a commit of somebody else/);
});

test('a pull request of somebody else with our mark is not ours, and a remote that is gone is unavailable', async () => {
  const { publish, server, folder } = await setUp();
  server.addIssue({
    isPull: true,
    head: 'bitwatch/specs',
    base: 'main',
    author: 'mallory',
    body: '<!-- bitwatch:pull=bitwatch%2Fspecs sha256=',
  });
  const { status, stdout } = await publish('--send');
  expect([status, stdout.includes('already exists')]).toEqual([65, true]);
  rmSync(join(folder, 'origin.git'), { recursive: true });
  expect((await publish('--send')).status).toBe(69);
});

test.each(['cut-before', 'cut-after', 'cut-answer'] as const)(
  'a connection that is lost (%s) makes one pull request',
  async (kind) => {
    const { publish, server } = await setUp();
    server.failNext({ kind }, ({ method, path }) => method === 'POST' && path.endsWith('/pulls'));
    expect((await publish('--send')).status).toBe(0);
    expect(server.issues).toHaveLength(1);
  },
);

test('a proposal with a link or an odd name is refused, and a repository that did not opt in is not pushed to', async () => {
  const { publish, proposal, remote } = await setUp();
  expect((await publish('--send', '--into', 'bitwatch/specs')).status).toBe(64);
  const denied = await publish('--send', '--repository', 'example/other');
  expect([denied.status, remote('for-each-ref', '--format=%(refname)')]).toEqual([64, 'refs/heads/main']);
  symlinkSync('/etc/passwd', join(proposal, 'specs', 'modules', '9.yaml'));
  expect((await publish('--send')).status).toBe(65);
  rmSync(join(proposal, 'specs', 'modules', '9.yaml'));
  writeFileSync(join(proposal, 'specs', 'a\nb'), 'x');
  expect((await publish('--send')).status).toBe(65);
});
