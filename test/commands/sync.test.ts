import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { baseTree } from '../extract/module/clobbers/tree.ts';
import { kernelFiles } from '../helpers/kernel-tree.ts';
import { CHECKED_REGISTERS, moduleFiles } from '../helpers/module-source.ts';
import { FILES } from '../helpers/qemu-source.ts';
import { addCommits, buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';
import { smallSpecs } from '../helpers/specs.ts';

/** Specifications without releases, whose sources are these, and an empty cache. */
function setUp(sources: readonly { readonly name: string; readonly url: string }[]) {
  const folder = temporaryFolder();
  const cache = join(folder, 'cache');
  const specs = smallSpecs(join(folder, 'specs'), { releases: ['1.5.06'], kernels: [] });
  const lines = sources.map(
    ({ name, url }) =>
      `  - {name: ${name}, kind: module, url: ${JSON.stringify(url)}, repository: example/${name}, licence: MIT}`,
  );
  writeFileSync(join(specs, 'sources.yaml'), `sources:\n${lines.join('\n')}\n`);
  const sync = (...more: readonly string[]) => bitwatch(['sync', '--specs', specs, '--cache', cache, ...more]);
  const modules = () => readdirSync(join(specs, 'modules')).sort();
  return { specs, cache, sync, modules };
}
const present = (gitDir: string): number =>
  git(gitDir, 'cat-file', '--batch-all-objects', '--batch-check=%(objecttype)')
    .split('\n')
    .filter((type) => type === 'blob').length;

test('releases are extracted once, and a second run with nothing new reads no blob', async () => {
  const source = buildRepository([
    { subject: 'TDX 1.5.77', files: { ...moduleFiles('0x00000010'), 'other.c': 'int x;\n' } },
    { subject: 'Fix a build', files: { 'fix.c': 'int y;\n' } },
  ]);
  const { specs, cache, sync, modules } = setUp([{ name: 'example', url: source }]);
  const first = await sync();
  expect(first.status).toBe(0);
  // The tables are facts of their own; that this tree shows no transitions is said, not hidden.
  expect(first.stdout).toMatch(
    /^example: 1\.5\.77: wrote specs\/modules\/1\.5\.77\.yaml \(no clobbers: .*\) \(the code that decides was not compared: this tree does not hold it\)\n$/,
  );
  expect(modules()).toEqual(['1.5.06.yaml', '1.5.77.yaml']);
  const text = readFileSync(join(specs, 'modules', '1.5.77.yaml'), 'utf8');
  for (const fact of [git(source, 'rev-parse', 'HEAD~1'), 'example/example', 'says 1.5.06'])
    expect(text).toContain(fact);
  const before = present(join(cache, 'example.git'));
  expect(before).toBe(3);
  rmSync(join(source, 'objects'), { recursive: true });
  git(source, 'init', '-q', '--bare', '.');
  expect(await sync('--offline')).toMatchObject({ status: 0, stdout: 'example: nothing new\n' });
  expect(present(join(cache, 'example.git'))).toBe(before);
});

test('with nothing new no blob is fetched or read, with new releases only theirs', async () => {
  const source = buildRepository([{ subject: 'TDX 1.5.77', files: moduleFiles('0x00000010') }]);
  const { cache, sync, modules } = setUp([{ name: 'example', url: source }]);
  await sync();
  const clone = join(cache, 'example.git');
  const before = present(clone);
  addCommits(source, [{ subject: 'Fix', files: { 'x.c': 'int x;\n' } }], 1);
  expect((await sync()).stdout).toBe('example: nothing new\n');
  expect(present(clone)).toBe(before);
  addCommits(source, [{ subject: 'TDX 1.5.78', files: moduleFiles('0x00000030') }], 2);
  expect((await sync()).stdout).toContain('1.5.78: wrote');
  expect(modules()).toEqual(['1.5.06.yaml', '1.5.77.yaml', '1.5.78.yaml']);
});

test('a source that cannot be reached is 69, never "nothing new"; beside one that can it is 75', async () => {
  const source = buildRepository([{ subject: 'TDX 1.5.77', files: moduleFiles('0x00000010') }]);
  const gone = { name: 'gone', url: join(source, 'nowhere') };
  const alone = setUp([gone]);
  const result = await alone.sync();
  expect(result.status).toBe(69);
  expect(result.stdout + result.stderr).toMatch(/gone: .* could not be fetched/);
  expect(result.stdout).not.toContain('nothing new');
  expect((await setUp([gone, { name: 'example', url: source }]).sync()).status).toBe(75);
  expect((await alone.sync('--offline')).status).toBe(69);
});

test('a rewritten tag is told, and what it names now is no silent change', async () => {
  const source = buildRepository([
    { subject: 'one', files: moduleFiles('0x00000010'), tags: ['TDX_1.5.77'] },
    { subject: 'two', files: moduleFiles('0x00000030') },
  ]);
  const { specs, sync } = setUp([{ name: 'example', url: source }]);
  await sync();
  const text = readFileSync(join(specs, 'modules', '1.5.77.yaml'), 'utf8');
  git(source, 'tag', '-f', 'TDX_1.5.77', 'main');
  const { stdout } = await sync();
  expect(stdout).toMatch(/the tag TDX_1\.5\.77 was rewritten: \w{12} is now \w{12}/);
  expect(stdout).toMatch(/1\.5\.77 is now named by/);
  expect(readFileSync(join(specs, 'modules', '1.5.77.yaml'), 'utf8')).toBe(text);
});

test('a release that cannot be read is said, leaves no file, and does not keep others back', async () => {
  const source = buildRepository([
    { subject: 'TDX 1.5.77', files: { 'README.md': 'no tables\n' } },
    { subject: 'TDX 1.5.78', files: moduleFiles('0x00000010') },
    { subject: 'TDX 1.5.79', files: { 'include/auto_gen/cpuid_configurations.c': 'int broken = ;\n' } },
  ]);
  const { sync, modules } = setUp([{ name: 'example', url: source }]);
  const { status, stdout } = await sync();
  expect(status).toBe(75);
  expect(stdout).toMatch(/1\.5\.77: not read: /);
  expect(stdout).toMatch(/1\.5\.79: not read: /);
  expect(modules()).toEqual(['1.5.06.yaml', '1.5.78.yaml']);
});

test('an empty source and a shallow one are said to be so', async () => {
  const source = buildRepository([
    { subject: 'TDX 1.5.77', files: moduleFiles('0x00000010') },
    { subject: 'Fix', files: { 'x.c': 'int x;\n' } },
  ]);
  const folder = temporaryFolder();
  git(folder, 'clone', '-q', '--bare', '--depth=1', `file://${source}`, 'shallow.git');
  expect((await setUp([{ name: 'shallow', url: join(folder, 'shallow.git') }]).sync()).stdout).toMatch(/shallow/);
  const empty = await setUp([{ name: 'empty', url: buildRepository([]) }]).sync();
  expect(empty.status).toBe(69);
  expect(empty.stdout).toMatch(/is empty/);
});

/** A release with tables and transitions. */
const wholeRelease = (): Readonly<Record<string, string>> => ({
  ...Object.fromEntries([...baseTree()].map(([path, { text }]) => [path, text])),
  ...moduleFiles('0x00000010'),
  ...CHECKED_REGISTERS,
});

test('a run that was killed between the files of a release is made up for, and says so', async () => {
  const source = buildRepository([{ subject: 'TDX 1.5.77', files: wholeRelease() }]);
  const { specs, sync } = setUp([{ name: 'example', url: source }]);
  const [modules, clobbers] = ['modules', 'clobbers'].map((folder) => join(specs, folder, '1.5.77.yaml'));
  expect((await sync()).stdout).toBe(
    'example: 1.5.77: wrote specs/modules/1.5.77.yaml and specs/clobbers/1.5.77.yaml (the code that decides was not compared: this tree does not hold it)\n',
  );
  const [facts, state] = [modules, clobbers].map((file) => readFileSync(file ?? '', 'utf8'));
  // As an older program left it: the tables are there, the rest never came.
  rmSync(clobbers ?? '');
  expect((await sync()).stdout).toBe('example: 1.5.77: wrote specs/clobbers/1.5.77.yaml, which was missing\n');
  // As this one leaves it: what says that the release is known comes last.
  rmSync(modules ?? '');
  expect((await sync()).status).toBe(0);
  expect([modules, clobbers].map((file) => readFileSync(file ?? '', 'utf8'))).toEqual([facts, state]);
  expect((await sync()).stdout).toBe('example: nothing new\n');
});

test('two runs at once on one specs/ lose nothing: one waits', async () => {
  const table = (release: string): string => `| Version | MRSEAM |\n|-|-|\n| ${release} | ${'ab'.repeat(48)} |\n`;
  const sources = ['one', 'two', 'three'].map((name, index) => ({
    name,
    url: buildRepository([
      { subject: `TDX 1.5.7${index}`, files: { ...moduleFiles('0x00000010'), 'README.md': table(`1.5.7${index}`) } },
    ]),
  }));
  const { modules, sync, specs } = setUp(sources);
  const runs = await Promise.all(sources.map(({ name }) => sync('--only', name)));
  expect(runs.map(({ status, stderr }) => [status, stderr])).toEqual([
    [0, ''],
    [0, ''],
    [0, ''],
  ]);
  expect(modules()).toEqual(['1.5.06.yaml', '1.5.70.yaml', '1.5.71.yaml', '1.5.72.yaml']);
  const known = readFileSync(join(specs, 'releases.yaml'), 'utf8');
  for (const { name } of sources) expect(known).toContain(`example/${name}@`);
  expect(readdirSync(specs).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('of a kernel’s release tags those from a version on are read', async () => {
  const version = (minor: number) => `VERSION = 7\nPATCHLEVEL = ${minor}\nSUBLEVEL = 0\nEXTRAVERSION =\n`;
  const source = buildRepository(
    [1, 2, 3].map((minor) => ({
      subject: `Linux 7.${minor}`,
      files: { ...kernelFiles(), Makefile: version(minor) },
      tags: [`v7.${minor}`],
    })),
  );
  const { specs, sync } = setUp([]);
  writeFileSync(
    join(specs, 'sources.yaml'),
    `sources:\n  - {name: k, kind: kernel, url: ${JSON.stringify(source)}, repository: example/k, licence: GPL, tags: {since: "7.2"}}\n`,
  );
  expect((await sync()).status).toBe(0);
  expect(readdirSync(join(specs, 'kvm')).sort()).toEqual(['7.2.yaml', '7.3.yaml']);
});

test('a kernel whose EXTRAVERSION is a path, an option or too long writes nothing', async () => {
  const extras = ['../../../../outside', '/tmp/outside', '-x/../../..', '\\..', `-${'x'.repeat(300)}`];
  const source = buildRepository(
    extras.map((extra, at) => ({
      subject: 'Linux',
      files: {
        ...kernelFiles(),
        Makefile: `VERSION = 6\nPATCHLEVEL = 17\nSUBLEVEL = 0\nEXTRAVERSION = ${extra}\n`,
      },
      branch: `tip${at}`,
    })),
  );
  const { specs, sync } = setUp([]);
  const tips = extras.map((_, at) => `tip${at}`);
  writeFileSync(
    join(specs, 'sources.yaml'),
    `sources:\n  - {name: k, kind: kernel, url: ${JSON.stringify(source)}, repository: example/k, licence: GPL, tips: [${tips.join(', ')}]}\n`,
  );
  const files = (): readonly string[] => readdirSync(join(specs, '..'), { recursive: true, encoding: 'utf8' }).sort();
  const before = files().filter((name) => name.startsWith('specs'));
  const { status, stdout } = await sync();
  expect(status).toBe(69);
  expect(stdout.trimEnd().split('\n')).toEqual(
    tips.map((tip) => expect.stringMatching(new RegExp(`^k: ${tip}: not read: .*(EXTRAVERSION|plain name)`))),
  );
  expect(files().filter((name) => name.startsWith('specs'))).toEqual(before);
});

test('a release whose deciding code changed has no rules until somebody examined it, and its review names functions and lines', async () => {
  const INIT = 'src/vmm_dispatcher/api_calls/tdh_mng_init.c';
  const FMS = 'src/common/helpers/cpuid_fms.h';
  const code = (stepping: string, value: string) => ({
    ...moduleFiles('0x00000010'),
    [INIT]: `/* A comment. */\napi_t tdh_mng_init(u64 a)\n{\n    return a + ${value} + STEPPING;\n}\n`,
    [FMS]: `#define STEPPING ${stepping}\n`,
  });
  const source = buildRepository([{ subject: 'TDX 1.5.77', files: code('8', '1') }]);
  const { specs, sync } = setUp([{ name: 'example', url: source }]);
  const deciders = join(specs, 'deciders');
  for (const file of readdirSync(deciders))
    if (/^(?:1\.5\.(?:0[89]|[1-9])|2\.)/.test(file)) rmSync(join(deciders, file));
  expect((await sync()).stdout).toMatch(
    /and specs\/deciders\/1\.5\.77\.yaml \(the code that decides changed, not examined: STEPPING \(new, src\/common\/helpers\/cpuid_fms\.h:1\), tdh_mng_init \(src\/vmm_dispatcher\/api_calls\/tdh_mng_init\.c:2\), /,
  );
  const findings = async (release: string, from: string) => {
    const { stdout } = await bitwatch(['review', release, '--from', from, '--specs', specs, '--json']);
    const all: readonly { rule: string; facts: { changes: readonly unknown[] } }[] = JSON.parse(stdout).findings;
    return all.filter(({ rule }) => rule === 'deciding-code-changed').flatMap(({ facts }) => facts.changes.slice(0, 2));
  };
  expect(await findings('1.5.77', '1.5.06')).toEqual([
    { path: FMS, name: 'STEPPING', line: 1, kind: 'new' },
    { path: INIT, name: 'tdh_mng_init', line: 2, kind: 'changed' },
  ]);
  expect((await bitwatch(['td', '1.5.77', '--specs', specs, '--status', '0xc000010000000045'])).stderr).toContain(
    'the code that decides changed, not examined: STEPPING',
  );
  // Somebody examined it: what follows with the same code but for layout has its rules, one token more has none.
  const file = join(deciders, '1.5.77.yaml');
  writeFileSync(file, `${readFileSync(file, 'utf8').replace(/^unexamined:[\s\S]*/m, '')}unexamined: []\n`);
  const moved = { ...code('8', '1'), [INIT]: `\n\n${code('8', '1')[INIT]}` };
  addCommits(source, [{ subject: 'TDX 1.5.78', files: moved }], 1);
  expect((await sync()).stdout).toMatch(/and specs\/deciders\/1\.5\.78\.yaml\n/);
  expect(await findings('1.5.78', '1.5.77')).toEqual([]);
  addCommits(source, [{ subject: 'TDX 1.5.79', files: code('9', '1') }], 2);
  await sync();
  expect(await findings('1.5.79', '1.5.78')).toEqual([{ path: FMS, name: 'STEPPING', line: 1, kind: 'changed' }]);
  // A tree is held against the rules of the release that it says it is, whatever its name.
  const edited = buildRepository([{ subject: 'TDX 1.5.77', files: code('8', '2') }]);
  const { stdout } = await bitwatch(['diff', '1.5.77', `${edited}@HEAD`, '--specs', specs]);
  expect(stdout).toContain('the code that decides changed, not examined: tdh_mng_init');
});

test('a QEMU that begins a line is read from its tag, and a tree of one stands for a version', async () => {
  const files = { ...Object.fromEntries(FILES), VERSION: '77.1.0\n' };
  const source = buildRepository([
    { subject: 'v77.1.0', files, tags: ['v77.1.0'] },
    { subject: 'v77.1.1', files, tags: ['v77.1.1'] },
  ]);
  const { specs, sync } = setUp([]);
  writeFileSync(
    join(specs, 'sources.yaml'),
    `sources:\n  - {name: q, kind: qemu, url: ${JSON.stringify(source)}, repository: example/q, licence: GPL}\n`,
  );
  expect((await sync()).stdout).toBe('q: v77.1.0: wrote specs/qemu/77.1.0.yaml\n');
  expect(readFileSync(join(specs, 'qemu', '77.1.0.yaml'), 'utf8')).toContain('repository: "example/q"');
  expect((await sync()).stdout).toBe('q: nothing new\n');
  const stack = await bitwatch(['stack', '--qemu', `${source}@v77.1.0`, '--json']);
  expect(JSON.parse(stack.stdout)).toMatchObject({ qemu: '77.1.0' });
  const file = await bitwatch(['stack', '--qemu', join(specs, 'qemu', '77.1.0.yaml'), '--json']);
  expect(file.stdout).toBe(stack.stdout.replaceAll(source, 'example/q'));
  const none = await bitwatch(['stack', '--qemu', '77.9.9']);
  expect([none.status, none.stderr]).toEqual([
    64,
    expect.stringContaining('no QEMU version, specification file or GITDIR[@REV] "77.9.9"'),
  ]);
});

test('of a kernel’s tags the versions are kept where something that is read changed, and the newest of each series', async () => {
  const tree = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({ ...kernelFiles(), ...more });
  const tdx = 'arch/x86/kvm/vmx/tdx.c';
  const text = kernelFiles()[tdx] ?? '';
  const denies = text.replace('__feature_bit(X86_FEATURE_HLE)', '__feature_bit(X86_FEATURE_HLE) | BIT(19)');
  expect(denies).not.toBe(text);
  const source = buildRepository([
    { subject: '6.15', files: tree(), tags: ['v6.15', 'v6.16-rc1'] },
    { subject: '6.16', files: tree({ a: '0' }), tags: ['v6.16'] },
    { subject: '6.16.1', files: tree({ a: '1' }), tags: ['v6.16.1'] },
    { subject: '6.16.2', files: tree({ [tdx]: `/* Words. */\n${text}` }), tags: ['v6.16.2'] },
    { subject: '6.16.3', files: tree({ [tdx]: denies }), tags: ['v6.16.3'] },
    { subject: '6.16.4', files: tree({ [tdx]: `/* Words. */\n${denies}` }), tags: ['v6.16.4'] },
    { subject: '6.17', files: tree({ a: '2' }), tags: ['v6.17'] },
    { subject: '6.17.1', files: tree({ a: '3' }), tags: ['v6.17.1'] },
    { subject: '6.18', files: tree({ [tdx]: denies }), tags: ['v6.18'] },
    { subject: '6.18.1', files: tree({ [tdx]: 'int tdx = ;\n' }), tags: ['v6.18.1'] },
    { subject: '6.18.2', files: tree({ [tdx]: denies, a: '4' }), tags: ['v6.18.2'] },
  ]);
  const { specs, cache, sync } = setUp([]);
  writeFileSync(
    join(specs, 'sources.yaml'),
    `sources:\n  - {name: k, kind: kernel, url: ${JSON.stringify(source)}, repository: example/k, licence: GPL, tags: v6.16 and later}\n`,
  );
  const kept = (): string => {
    const [files, others] = ['kvm', 'cpuid2'].map((kind) => readdirSync(join(specs, kind)).sort().join(' '));
    expect(others).toBe(files);
    return files ?? '';
  };
  const first = await sync();
  // 6.17 says what 6.16 says; what cannot be read is said and keeps nobody back.
  expect(kept()).toBe('6.16.3.yaml 6.16.4.yaml 6.16.yaml 6.17.1.yaml 6.18.2.yaml 6.18.yaml');
  expect(first.status).toBe(75);
  expect(first.stdout).toMatch(/^k: v6\.16\.3: wrote specs\/kvm\/6\.16\.3\.yaml and specs\/cpuid2\/6\.16\.3\.yaml$/m);
  expect(first.stdout).toMatch(/^k: v6\.18\.1: not read: /m);
  expect(first.stdout).toMatch(/^k: 3 versions not kept: nothing that is read changed in them/m);
  expect(readFileSync(join(specs, 'kvm', '6.16.3.yaml'), 'utf8')).toContain(git(source, 'rev-parse', 'v6.16.3'));
  // What was found to say nothing new is not read again.
  const clone = join(cache, 'k.git');
  const blobs = present(clone);
  expect((await sync()).stdout).toMatch(/^k: v6\.18\.1: not read: [^\n]*\n$/);
  expect([present(clone), kept()]).toEqual([
    blobs,
    '6.16.3.yaml 6.16.4.yaml 6.16.yaml 6.17.1.yaml 6.18.2.yaml 6.18.yaml',
  ]);
  // The newest takes the place of the one that was the newest and says what the one before it says.
  const newer = (version: string, a: string) => ({
    subject: version,
    files: tree({ [tdx]: denies, a }),
    tags: [`v${version}`],
  });
  addCommits(source, [newer('6.16.5', '5'), newer('6.17.2', '6')], 1);
  const next = await sync();
  expect(next.stdout).toMatch(/^k: v6\.16\.4: removed specs\/kvm\/6\.16\.4\.yaml/m);
  expect(kept()).toBe('6.16.3.yaml 6.16.5.yaml 6.16.yaml 6.17.2.yaml 6.18.2.yaml 6.18.yaml');
});
