import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { moduleFiles } from '../helpers/module-source.ts';
import { buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch, ROOT } from '../helpers/run.ts';
import { fewSpecs, smallSpecs } from '../helpers/specs.ts';

test('help names every command with an example, and version is printed', async () => {
  const help = await bitwatch(['--help']);
  expect(help.status).toBe(0);
  for (const command of [
    'report',
    'sync',
    'extract',
    'diff',
    'review',
    'check',
    'explain',
    'history',
    'rules',
    'decide',
    'status',
    'bits',
    'list',
    'series',
    'completion',
  ]) {
    expect(help.stdout).toContain(command);
    if (command !== 'extract') expect((await bitwatch([command, '--help'])).stdout).toContain(`bitwatch ${command}`);
  }
  expect((await bitwatch(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  [['nonsense'], 64],
  [['review'], 64],
  [['review', '1.5.07'], 64],
  [['review', '1.5.20'], 66],
  [['review', '2.0.08', '--kvm', '6.17.99'], 64],
  [['diff', '1.5.06', '6.16.1'], 64],
  [['report', '--out', 'pdf=x'], 64],
  [['report', '--out', 'markdown'], 64],
  [['explain', 'ffffffffffffffff'], 64],
  [['history', '7.1.EAX[40]'], 64],
  [['history', 'WRMSRN'], 64],
  [['check', '--fail-on', 'fatal'], 64],
  [['extract', 'module', '/nonexistent', 'HEAD'], 66],
  [['check', '--specs', '/nonexistent'], 66],
  [['sync', '--only', 'nobody'], 64],
  [['completion', 'csh'], 64],
])('%j is refused with one clear line and status %i', async (args, status) => {
  const result = await bitwatch(args);
  expect([result.status, result.stdout]).toEqual([status, '']);
  expect(result.stderr).toMatch(/^bitwatch: [^\n]{10,}\n$/);
});

test('a mistyped name gets a suggestion', async () => {
  expect((await bitwatch(['review', '1.5.07'])).stderr).toMatch(/did you mean "1\.5\.0\d"\?/);
  expect((await bitwatch(['history', 'WRMSRN'])).stderr).toContain('did you mean "WRMSRNS"?');
  expect((await bitwatch(['repotr'])).stderr).toContain('report');
});

test('the newly configurable bits of 1.5.06 are told with their names', async () => {
  const { stdout, status } = await bitwatch(['diff', '1.5.05', '1.5.06', '--json']);
  expect(status).toBe(0);
  const diff = JSON.parse(stdout);
  const changes = diff.changes.filter(
    ({ to, from }: { to: string; from: string }) => /direct/.test(to) && !/direct/.test(from),
  );
  const places = new Map<string, number>();
  for (const { leaf, subleaf, register, mask } of changes) {
    const place = `${leaf} ${subleaf} ${register}`;
    places.set(place, (places.get(place) ?? 0) + Number(mask));
  }
  expect([...places]).toEqual([
    ['0x7 0x1 eax', 0x00880080],
    ['0x7 0x1 edx', 0x00020000],
    ['0x80000008 null eax', 0x000000ff],
  ]);
  expect(changes[0].bits).toEqual([
    { bit: 7, name: 'CMPCCXADD' },
    { bit: 19, name: 'WRMSRNS' },
    { bit: 23, name: 'AVX_IFMA' },
  ]);
});

test('a finding keeps its fingerprint whatever the release comes from, so that a decision holds in both', async () => {
  const review = async (...args: readonly string[]): Promise<readonly string[]> =>
    JSON.parse((await bitwatch(['review', '2.0.08', '--kvm', '6.16.1', ...args, '--json'])).stdout)
      .findings.filter(({ rule }: Record<string, string>) => rule === 'exposed-unreviewed')
      .map(({ fingerprint }: Record<string, string>) => fingerprint);
  const found = await review('--from', '1.5.06');
  expect(found).toHaveLength(1);
  expect(await review()).toEqual(found);
});

test.each([
  ['list', 'which command? bitwatch list knows releases, kernels, rules'],
  ['publish', 'which command? bitwatch publish knows releases, review, pull'],
  ['list releasses', "unknown command 'releasses'; did you mean releases?; commands: releases, kernels, rules"],
  ['review', "missing required argument 'release': bitwatch review [options] <release>"],
  ['review 2.0.18 2.0.16', /^too many arguments .* got 2: bitwatch review \[options\] <release>$/],
  ['extract kvm', "missing required argument 'gitdir': bitwatch extract kvm [options] <gitdir> [rev]"],
  ['publish review --repository a/b', '--pull NUMBER is missing'],
  ['sync --only niooss', /^no source "niooss"; did you mean "tdx-module-niooss"\?; sources: /],
] as const)('%j says how it goes', async (line, message) => {
  const { status, stdout, stderr } = await bitwatch(line.split(' '));
  expect([status, stdout]).toEqual([64, '']);
  const text = stderr.replace(/^bitwatch: (.*)\n$/, '$1');
  if (typeof message === 'string') expect(text).toBe(message);
  else expect(text).toMatch(message);
});

test('a file of specifications that cannot be read is named where it stands', async () => {
  const specs = smallSpecs(join(temporaryFolder(), 'mine'), { releases: ['2.0.08'], kernels: ['7.1.5'] });
  const file = join(specs, 'kvm', '7.1.5.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^generation: .*$/m, 'generation: dunno'));
  const { status, stderr } = await bitwatch(['status', '--specs', specs]);
  expect([status, stderr.startsWith(`bitwatch: ${file}:`)], stderr).toEqual([65, true]);
});

test('without a command it reports', async () => {
  const [bare, named] = [await bitwatch(['--json']), await bitwatch(['report', '--json'])];
  expect([bare.status, bare.stdout]).toEqual([named.status, named.stdout]);
});

test('a story names the releases that nobody could read, for the bit and for its host state', async () => {
  const { stdout } = await bitwatch(['explain', 'WAITPKG']);
  expect(stdout).toMatch(/^ {2}not read, so not said {2}1\.5\.20, 1\.5\.24,/m);
  expect(stdout).toMatch(/tdh_vp_enter\.c, inferred from\s+2\.0\.08 and 2\.0\.18/);
  expect(stdout).not.toContain('not examined for');
  const directory = temporaryFolder();
  cpSync(join(ROOT, 'specs'), join(directory, 'specs'), { recursive: true });
  rmSync(join(directory, 'specs', 'clobbers', '2.0.18.yaml'));
  const without = await bitwatch(['explain', 'WAITPKG', '--specs', join(directory, 'specs')]);
  expect(without.stdout).toMatch(/^ {4}not examined for 2\.0\.18$/m);
  const [bit] = JSON.parse((await bitwatch(['history', 'WAITPKG', '--json'])).stdout).bits;
  expect(bit.unread).toEqual(expect.arrayContaining(['1.5.24', '2.0.14']));
});

test('an unborn revision in a history is named with the git command that failed', async () => {
  const empty = temporaryFolder();
  git(empty, 'init', '-q', '--bare', '.');
  const { status, stderr } = await bitwatch(['extract', 'kvm', empty, '--history', 'HEAD']);
  expect([status, stderr]).toEqual([66, `bitwatch: ${empty}: git log failed: bad revision 'HEAD'\n`]);
});

test('of 2.0.08 a 6.16 kernel lets one feature through that nobody decided on', async () => {
  const { findings } = JSON.parse(
    (await bitwatch(['review', '2.0.08', '--kvm', '6.16.1', '--from', '1.5.06', '--json'])).stdout,
  );
  const exposed = findings.filter(({ verdict }: Record<string, string>) => verdict === 'exposed');
  expect(exposed.map(({ places }: Record<string, unknown>) => places)).toEqual([
    [{ leaf: '0x7', subleaf: '0x1', register: 'eax', mask: '0x00000008', bits: [{ bit: 3, name: 'RAO_INT' }] }],
  ]);
});

test('several formats come from one run, and a failure writes none of them', async () => {
  const folder = temporaryFolder();
  const out = (format: string): string[] => ['--out', `${format}=${join(folder, `out.${format}`)}`];
  const { status } = await bitwatch([
    'review',
    '1.5.06',
    ...['markdown', 'text', 'json', 'sarif', 'junit', 'annotations'].flatMap(out),
  ]);
  expect([status, readdirSync(folder).sort()]).toEqual([
    0,
    ['out.annotations', 'out.json', 'out.junit', 'out.markdown', 'out.sarif', 'out.text'],
  ]);
  mkdirSync(join(folder, 'taken'));
  const failed = await bitwatch([
    'review',
    '1.5.06',
    '--out',
    `text=${join(folder, 'new.txt')}`,
    '--out',
    `json=${join(folder, 'taken')}`,
  ]);
  expect([failed.status, existsSync(join(folder, 'new.txt'))]).toEqual([73, false]);
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('a report has an index, a page per review, and names what could not be read', async () => {
  const folder = join(temporaryFolder(), 'reports');
  expect((await bitwatch(['report', '--directory', folder])).status).toBe(0);
  const index = readFileSync(join(folder, 'index.md'), 'utf8');
  expect(index).toContain('Not read: release 1.5.25');
  for (const [, page] of index.matchAll(/\]\(([^)]+\.md)\)/g))
    expect([page, existsSync(join(folder, page ?? ''))]).toEqual([page, true]);
  expect(Buffer.byteLength(readFileSync(join(folder, 'summary.md')))).toBeLessThanOrEqual(1024 * 1024);
});

test('check is a gate: 100 at the level, 0 above it, and a broken file is 65', async () => {
  const folder = temporaryFolder();
  smallSpecs(join(folder, 'specs'), { releases: ['1.5.06', '1.5.16', '2.0.08'], kernels: ['6.16.1', '7.1.5'] });
  const check = (...more: string[]) =>
    bitwatch(['check', '--specs', join(folder, 'specs'), '--out', 'annotations=-', ...more]);
  expect((await check('--fail-on', 'warning')).status).toBe(100);
  expect((await check()).status).toBe(0);
  for (const name of readdirSync(join(folder, 'specs', 'modules')))
    if (name !== '1.5.06.yaml') writeFileSync(join(folder, 'specs', 'modules', name), '');
  const broken = await check();
  expect(broken.status).toBe(65);
  expect(broken.stderr).toMatch(/^bitwatch: \/.*specs\/modules\/[^:]+.*\n$/);
});

test('extract module reads a revision by tag, and says where sources disagree', async () => {
  const repository = buildRepository([
    { subject: 'first', files: moduleFiles('0x10') },
    { subject: 'TDX 1.5.06', files: moduleFiles('0x90', { update: 5 }), annotated: ['TDX_1.5.06'] },
  ]);
  const { status, stdout } = await bitwatch(['extract', 'module', repository, 'TDX_1.5.06', '--json']);
  expect(status).toBe(0);
  const facts = JSON.parse(stdout);
  expect([facts.schema, facts.release, facts.leaves[1].registers.eax.classes]).toEqual([
    'bitwatch.module/1',
    '1.5.06',
    { 'allow-direct': '0x00000090', fixed0: '0xffff0000', native: '0x0000ff6f' },
  ]);
  expect(facts.notes.join('\n')).toContain('says 1.5.05');
  expect(facts.source.blob).toMatch(/^[0-9a-f]{40}$/);
  expect((await bitwatch(['diff', `${repository}@TDX_1.5.06`, `${repository}@TDX_1.5.06~1`, '--json'])).status).toBe(0);
  expect((await bitwatch(['extract', 'module', repository, '--output=x'])).status).not.toBe(0);
  git(repository, 'tag', '--', 'plain');
});

test('two runs give the same bytes in any locale and time zone', () => {
  const cli = join(ROOT, 'dist', 'pipeline', 'cli.js');
  if (!existsSync(cli)) execFileSync('npm', ['run', 'build'], { cwd: ROOT });
  const run = (env: NodeJS.ProcessEnv): string =>
    execFileSync(process.execPath, [cli, 'report', '--json', '--specs', fewSpecs()], {
      env: { PATH: process.env.PATH, ...env },
      maxBuffer: 1 << 28,
      encoding: 'utf8',
    });
  const bytes = run({ LC_ALL: 'tr_TR.UTF-8', TZ: 'Pacific/Kiritimati' });
  expect(bytes).toContain('"2.0.18"');
  expect(run({ LC_ALL: 'C', TZ: 'America/Los_Angeles' })).toBe(bytes);
});
