import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kernelFiles } from '../helpers/kernel-tree.ts';
import { buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch, ROOT } from '../helpers/run.ts';

const titleOf = async (...args: readonly string[]): Promise<string> => {
  const { status, stdout, stderr } = await bitwatch(args);
  return status === 0 ? (stdout.split('\n')[0] ?? '') : stderr;
};

describe('a release', () => {
  test.each([
    ['v2.0.08', '2.0.08'],
    ['TDX_1.5.06', '1.5.06'],
    ['tdx-module-1.5.06', '1.5.06'],
    ['1.5-beta', '1.5 Beta'],
  ])('%s is %s', async (text, release) => {
    expect(await titleOf('review', text, '--kvm', '6.16.1')).toMatch(
      new RegExp(`^TDX module ${release} on KVM 6\\.16\\.1, coming from `),
    );
  });

  test('that is newest is latest, as a person sorts: the last file is not', async () => {
    expect(await titleOf('review', 'latest', '--kvm', 'latest')).toMatch(
      /^TDX module 2\.0\.18 on KVM 7\.1\.5, coming from /,
    );
  });

  test('that nobody knows is answered with the known ones, newest first', async () => {
    expect(await titleOf('review', '2.0.09')).toMatch(
      /did you mean "2\.0\.08"\?; releases, newest first: 2\.0\.18, 2\.0\.16/,
    );
  });
});

describe('a KVM', () => {
  // The two kernels differ in what the filter does, so a wrong one shows.
  const repository = () =>
    buildRepository([
      { subject: 'nothing denied', files: kernelFiles({ init: '', refusal: '' }), tags: ['before'] },
      {
        subject: 'deny TSX',
        files: kernelFiles(),
      },
    ]);
  const denied = async (kvm: string): Promise<number> => {
    const { stdout } = await bitwatch(['history', '7.0.EBX[4]', '--kvm', kvm, '--json']);
    const [bit] = JSON.parse(stdout).bits;
    expect(bit.verdicts).toHaveLength(1);
    return bit.verdicts[0].evidence.length;
  };

  test('is a tree, one of its revisions, or the file that extract writes', async () => {
    const tree = repository();
    expect(await denied(tree)).toBe(1);
    expect(await denied(`${tree}@main`)).toBe(1);
    expect(await denied(`${tree}@before`)).toBe(0);
    const file = join(temporaryFolder(), 'mine.yaml');
    expect((await bitwatch(['extract', 'kvm', tree, '--out', `spec=${file}`, '--out', 'json=-'])).stdout).toMatch(
      /bitwatch\.policy/,
    );
    expect(readFileSync(file, 'utf8')).toMatch(/^generation: denylist$/m);
    expect(await denied(file)).toBe(1);
  });

  test('is no module', async () => {
    const { status, stderr } = await bitwatch(['review', '2.0.08', '--kvm', join(ROOT, 'specs/modules/1.5.06.yaml')]);
    expect(status).toBe(64);
    expect(stderr).toMatch(/expected what KVM does, found a release of the TDX module/);
  });

  test('has a history that tells what the first revision of a range changed', async () => {
    const tree = repository();
    const { stdout } = await bitwatch(['extract', 'kvm', tree, '--history', 'before..main']);
    expect(stdout).toMatch(/deny TSX\n {2}generation: generation none -> denylist\n {2}policy-deny-added: /);
    expect(stdout).not.toMatch(/begins as/);
    // Before the very first revision there is nothing to compare with.
    expect((await bitwatch(['extract', 'kvm', tree, '--history', 'main'])).stdout).toMatch(/begins as none/);
  });
});

test('check with a revision as its base counts only what is new since', async () => {
  const folder = temporaryFolder();
  cpSync(join(ROOT, 'specs'), join(folder, 'specs'), { recursive: true });
  git(folder, 'init', '-q', '-b', 'main', '.');
  git(folder, 'add', '.');
  git(folder, 'commit', '-q', '-m', 'specs');
  const check = (...args: readonly string[]) =>
    bitwatch(['check', '2.0.08', '--kvm', '6.16.1', '--fail-on', 'info', '--specs', join(folder, 'specs'), ...args]);
  expect((await check()).status).toBe(100);
  expect((await check('--base', 'HEAD')).status).toBe(0);
  // A base that does not know the release had nothing to say of it.
  rmSync(join(folder, 'specs', 'modules', '2.0.08.yaml'));
  git(folder, 'commit', '-q', '-a', '-m', 'without 2.0.08');
  git(folder, 'checkout', '-q', 'HEAD~1', '--', 'specs');
  expect((await check('--base', 'HEAD')).status).toBe(100);
  const missing = await check('--base', 'nowhere');
  expect(missing.status).toBe(66);
  expect(missing.stderr).toMatch(/no revision "nowhere"/);
});

test('check --from without a release, and a review at its level, end as they should', async () => {
  expect((await bitwatch(['check', '--from', '1.5.06'])).status).toBe(64);
  const review = ['review', '2.0.08', '--from', '1.5.06', '--kvm', '6.16.1'];
  expect((await bitwatch(review)).status).toBe(0);
  expect((await bitwatch([...review, '--fail-on', 'info'])).status).toBe(100);
});
