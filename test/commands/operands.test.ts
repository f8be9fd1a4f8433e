import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { kernelFiles } from '../helpers/kernel-tree.ts';
import { moduleFiles } from '../helpers/module-source.ts';
import { buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch, ROOT } from '../helpers/run.ts';
import { smallSpecs } from '../helpers/specs.ts';

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

describe('a module', () => {
  const flat = async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await bitwatch(args);
    return status === 0 ? stdout.replace(/\s+/g, ' ') : stderr;
  };
  const tree = () =>
    buildRepository([
      { subject: 'TDX 1.5.77', files: moduleFiles('0x00000010'), tags: ['first'] },
      { subject: 'TDX 1.5.78', files: moduleFiles('0x00000018') },
    ]);

  test('is reviewed as it stands in a tree, by the command that reads it again, and says what was not examined', async () => {
    const path = tree();
    const text = await flat('review', path, '--from', `${path}@first`, '--kvm', '7.1.5');
    expect(text).toMatch(/^TDX module 1\.5\.78 on KVM 7\.1\.5, coming from 1\.5\.77 /);
    expect(text).toContain('host state not examined for 1.5.77 and 1.5.78');
    expect(text).toContain('not read: who decides the bits of 1.5.78 was not examined: its tables alone are told');
    expect(text.replaceAll(' ', '')).toContain(`more:bitwatchreview${path}--from${path}@first--kvm7.1.5--verbose`);
    expect(await flat('review', path, '--kvm', '7.1.5')).toMatch(
      /^TDX module 1\.5\.78 on KVM 7\.1\.5, coming from 1\.5\.34 /,
    );
  });

  test('that is named like one that was read elsewhere is not taken for it', async () => {
    const path = buildRepository([{ subject: 'TDX 1.5.06', files: moduleFiles('0x00000010') }]);
    const text = await flat('review', path, '--kvm', '7.1.5');
    expect(text).toMatch(/^TDX module 1\.5\.06\+[0-9a-f]{12} on KVM 7\.1\.5, coming from 1\.5\.06 /);
    expect(text).toContain(': the rules of 1.5.06 were taken');
    expect(text).toMatch(/host state not examined for 1\.5\.06\+/);
  });

  test('that is known by name only is answered with those on either side', async () => {
    const { status, stderr } = await bitwatch(['review', '2.0.14']);
    expect([status, stderr]).toEqual([
      66,
      expect.stringMatching(/read on either side: 2\.0\.12, 2\.0\.16; with its source: GITDIR@REV/),
    ]);
  });

  test('is no KVM', async () => {
    const { status, stderr } = await bitwatch(['review', join(ROOT, 'specs/kvm/7.1.5.yaml')]);
    expect([status, stderr]).toEqual([
      64,
      expect.stringMatching(/expected a release of the TDX module, found what KVM does/),
    ]);
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

  test('that is a tree stands in every command that reads the same again', async () => {
    const kvm = `${repository()}@main`;
    const flat = async (...args: readonly string[]): Promise<string> =>
      (await bitwatch([...args, '--kvm', kvm])).stdout.replace(/\s+/g, '');
    const review = await flat('review', '2.0.08');
    expect(review).toContain(`--kvm${kvm}--verbose`);
    // What is forwarded begins with what it is about.
    for (const text of [review, await flat('bits', '2.0.08'), await flat('bits', '2.0.08', '--masks')])
      expect(text.startsWith(`TDXmodule2.0.08onKVM7.2.1(${kvm})`)).toBe(true);
    expect(await flat('check', '2.0.08', '--verbose')).toContain(
      `reproduce:bitwatchreview2.0.08--from1.5.16--kvm${kvm}`,
    );
    const { pairs } = JSON.parse((await bitwatch(['status', '--kvm', kvm, '--json'])).stdout);
    const commands = pairs.map(({ command }: { command: string }) => command);
    expect(commands.length).toBeGreaterThan(1);
    for (const command of commands) expect(command.endsWith(` --kvm ${kvm}`), command).toBe(true);
    // A file is a thing of its own too, and a version that is shipped stays its name.
    const file = join(temporaryFolder(), 'mine.yaml');
    await bitwatch(['extract', 'kvm', kvm.replace('@main', ''), '--out', `spec=${file}`]);
    for (const named of [file, '7.1.5', 'latest']) {
      const { stdout } = await bitwatch(['check', '2.0.08', '--kvm', named, '--verbose']);
      expect(stdout.replace(/\s+/g, '')).toContain(`--from1.5.16--kvm${named === file ? file : '7.1.5'}*`);
    }
  });

  test('of the version of another is told apart from it, and the command compares the same again', async () => {
    const tree = repository();
    const sides = [`${tree}@before`, `${tree}@main`] as const;
    const { reviews } = JSON.parse((await bitwatch(['diff', ...sides, '--json'])).stdout);
    expect(reviews).toMatchObject([{ command: `bitwatch diff ${sides.join(' ')}` }]);
    const text = (await bitwatch(['diff', ...sides])).stdout.replace(/\s+/g, '');
    expect(text).toContain(`KVM${sides[1]}against${sides[0]}`);
    const versions = JSON.parse((await bitwatch(['diff', '6.16.1', '6.17', '--json'])).stdout);
    expect(versions.reviews).toMatchObject([{ command: 'bitwatch diff 6.16.1 6.17' }]);
    expect((await bitwatch(['diff', '2.0.16', '2.0.18'])).stdout).toContain(
      'reproduce:  bitwatch diff 2.0.16 2.0.18\n',
    );
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
  smallSpecs(join(folder, 'specs'), { releases: ['1.5.16', '2.0.08'], kernels: ['6.16.1'] });
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

test('check prints what fails it and one line of counts; all of it with --verbose, and in every other format', async () => {
  const folder = temporaryFolder();
  smallSpecs(join(folder, 'specs'), { releases: ['1.5.16', '2.0.08'], kernels: ['6.16.1'] });
  writeFileSync(
    join(folder, 'specs', 'decisions.yaml'),
    'decisions:\n  - {rule: configurable-removed, because: a test, by: Jane Doe}\n  - {rule: gate-changed, releases: 1.0.00, because: another, by: Jane Doe}\n',
  );
  const check = async (...args: readonly string[]) =>
    (await bitwatch(['check', '--specs', join(folder, 'specs'), ...args])).stdout;
  const { findings } = JSON.parse(await check('--json')) as {
    readonly findings: readonly { readonly fingerprint: string; readonly level: string; readonly decided: unknown }[];
  };
  const of = (level: string) => findings.filter((each) => each.level === level && each.decided === null);
  const isIn = (text: string) => findings.filter(({ fingerprint }) => text.includes(fingerprint));
  const decided = findings.filter((each) => each.decided !== null);
  const counts = `${findings.length} findings: 0 errors, ${of('warning').length} warning${of('warning').length === 1 ? '' : 's'}, ${of('info').length} info${decided.length === 0 ? '' : `, ${decided.length} decided`}`;
  const clean = await check();
  expect(clean).toContain(`bitwatch: check\n\n${counts}; --verbose prints them\nreleases not read: 1.0.00,`);
  expect(isIn(clean)).toEqual([]);
  const warned = await check('--fail-on', 'warning');
  expect(of('warning').length).toBeGreaterThan(0);
  expect([isIn(warned), warned.includes(counts)]).toEqual([of('warning'), true]);
  // A decision that matches nothing is told where it fails the check, and only there.
  expect(await check('--strict')).toContain('decision on gate-changed for 1.0.00: matches nothing');
  expect(clean).not.toContain('matches nothing');
  const all = await check('--verbose');
  expect(isIn(all)).toEqual(findings);
  expect(await check('--out', 'text=-')).toBe(all);
  expect(JSON.parse(await check('--out', 'sarif=-', '--verbose')).runs).toHaveLength(1);
});

test('check --from without a release, and a review at its level, end as they should', async () => {
  expect((await bitwatch(['check', '--from', '1.5.06'])).status).toBe(64);
  const review = ['review', '2.0.08', '--from', '1.5.06', '--kvm', '6.16.1'];
  expect((await bitwatch(review)).status).toBe(0);
  expect((await bitwatch([...review, '--fail-on', 'info'])).status).toBe(100);
});
