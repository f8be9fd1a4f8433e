import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { CLI, canDropRoot, canMakeDevices, device, type Ended, isRoot, program } from '../helpers/machine.ts';
import { moduleFiles } from '../helpers/module-source.ts';
import { buildRepository, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';
import { fewSpecs } from '../helpers/specs.ts';

const MAIL =
  'From a@b Mon Sep 17 00:00:00 2001\nFrom: A <a@b.example>\nSubject: [PATCH] tdx\nMessage-ID: <a@b.example>\n\nTDX\n';

/** One line that names a path, with a status of sysexits for the machine. */
function expectFault({ status, stderr }: Pick<Ended, 'status' | 'stderr'>, path: string): void {
  expect(stderr).toMatch(/^bitwatch: [^\n]+\n$/);
  expect(stderr).toContain(path);
  expect([73, 74]).toContain(status);
}

let built: string | undefined;

/** A release to read, which any user may. */
function moduleRepository(): string {
  if (built === undefined) {
    built = mkdtempSync(join(inject('sharedFolder'), 'module-'));
    buildRepository([{ subject: 'TDX 1.5.77', files: moduleFiles('0x00000010') }], built);
    execFileSync('chmod', ['-R', 'a+rX', built]);
  }
  return built;
}

/** What every writing command needs, and the command lines that write below `at`. */
function world(): {
  readonly folder: string;
  readonly commands: (at: string) => Readonly<Record<string, readonly string[]>>;
} {
  const folder = temporaryFolder();
  const source = moduleRepository();
  const specs = ['--specs', fewSpecs()];
  writeFileSync(join(folder, 'one.mbox'), MAIL);
  writeFileSync(
    join(folder, 'sources.yaml'),
    `sources:\n  - {name: one, kind: module, url: ${JSON.stringify(source)}, repository: a/b, licence: MIT}\n`,
  );
  // One posting: a run that has nothing to write needs no place for it.
  writeFileSync(
    join(folder, 'posted.yaml'),
    `posted:\n  - {repository: a/b, kind: release, key: 1.5.06, number: 3, hash: ${'a'.repeat(64)}, url: 'https://example.org/3', at: '2026-03-03'}\n`,
  );
  execFileSync('chmod', ['-R', 'a+rX', folder]);
  return {
    folder,
    commands: (at) => ({
      report: ['report', '--directory', join(at, 'reports'), ...specs],
      'report --out': ['report', '--out', `json=${join(at, 'out.json')}`, ...specs],
      'diff --out': ['diff', '1.5.06', '2.0.18', '--out', `html=${join(at, 'out.html')}`, ...specs],
      decide: ['decide', '7.1.EAX[3]', '--because', 'known', '--by', 'A. Name', '--specs', join(at, 'specs')],
      sync: ['sync', '--specs', join(at, 'specs'), '--cache', join(folder, 'cache')],
      'archive scan': ['archive', 'scan', join(folder, 'one.mbox'), '--state', join(at, 'state.json')],
      'archive scan --part': [
        ...['archive', 'scan', join(folder, 'one.mbox'), '--shard', '1/1'],
        ...['--state', join(folder, 'none.json'), '--part', join(at, 'part.json')],
      ],
      'history --archive': [
        'history',
        'WAITPKG',
        '--archive',
        join(folder, 'one.mbox'),
        '--state',
        join(at, 'state.json'),
      ],
      merge: ['merge', join(folder, 'posted.yaml'), '--state', join(at, 'merged.yaml')],
      'publish --drafts': [
        'publish',
        'releases',
        '--repository',
        'a/b',
        '--since',
        '1.5.06',
        '--drafts',
        join(at, 'drafts'),
      ],
    }),
  };
}

const putSpecs = (at: string): void => {
  cpSync(fewSpecs(), join(at, 'specs'), { recursive: true });
  writeFileSync(join(at, 'specs', 'sources.yaml'), 'sources: []\n');
};

/** All of them take a minute: each run tries some of each kind, BITWATCH_FAULTS=all tries all. */
const ALL = ['report', 'report --out', 'diff --out', 'decide', 'sync', 'archive scan', 'archive scan --part'].concat([
  ...['history --archive', 'merge', 'publish --drafts'],
]);
const some = (...names: readonly string[]): readonly string[] => (process.env.BITWATCH_FAULTS === 'all' ? ALL : names);

describe.skipIf(!canDropRoot)('as a user who may not write there', () => {
  test.each(some('report', 'decide', 'archive scan --part', 'merge'))('%s says so in one line', (name) => {
    const { folder, commands } = world();
    const at = join(folder, 'closed');
    mkdirSync(at);
    putSpecs(at);
    execFileSync('chmod', ['-R', 'a+rX,go-w', at]);
    expectFault(program(commands(at)[name] ?? [], { asUser: true }), at);
    expect(readdirSync(at)).toEqual(['specs']);
  });
});

/** Runs a script where a small file system is mounted for it alone; false where that is not possible. */
const unshared = (script: string, ...args: readonly string[]): ReturnType<typeof spawnSync> =>
  spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', ...args], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: '/nonexistent' },
  });
const canMount = isRoot && existsSync(CLI) && unshared('mount -t tmpfs -o size=64k none /mnt').status === 0;

describe.skipIf(!canMount).each([
  [
    'full',
    'mount -t tmpfs -o size=5m none "$1" && cp -r "$2" "$1/specs" && cp "$3/sources.yaml" "$1/specs/sources.yaml"; head -c 9m /dev/zero > "$1/fill" 2>/dev/null',
  ],
  [
    'read-only',
    'mount -t tmpfs -o size=5m none "$1" && cp -r "$2" "$1/specs" && cp "$3/sources.yaml" "$1/specs/sources.yaml"; mount -o remount,ro "$1"',
  ],
])('on a %s disk', (kind, prepare) => {
  test.each(kind === 'full' ? some('report', 'sync', 'archive scan') : some('diff --out', 'decide'))(
    '%s says so in one line and leaves nothing half-written',
    (name) => {
      const { folder, commands } = world();
      const at = join(folder, 'disk');
      mkdirSync(at);
      const list =
        'find "$1" -type f | sort | md5sum > "$3/before"; shift 2; work=$1; shift; "$@"; status=$?; find "$at" -type f | sort | md5sum > "$work/after"; exit $status';
      const args = commands(at)[name] ?? [];
      const { status, stderr } = unshared(
        `at=$1; ${prepare}; ${list}`,
        at,
        fewSpecs(),
        folder,
        process.execPath,
        CLI,
        ...args,
      );
      expectFault({ status, stderr: String(stderr) }, at);
      expect(readFileSync(join(folder, 'after'), 'utf8')).toBe(readFileSync(join(folder, 'before'), 'utf8'));
    },
  );
});

test.skipIf(!canMakeDevices)('devices stay devices, whichever option names them', async () => {
  const { folder } = world();
  const nothing = device(folder, 'null');
  const mbox = join(folder, 'one.mbox');
  for (const args of [
    ['diff', '1.5.06', '2.0.18', '--out', `json=${nothing}`, '--specs', fewSpecs()],
    ['archive', 'scan', mbox, '--state', nothing],
    ['archive', 'scan', mbox, '--shard', '1/1', '--state', join(folder, 's.json'), '--part', nothing],
    ['history', 'WAITPKG', '--archive', mbox, '--state', nothing],
  ])
    expect([args.join(' '), await bitwatch(args)]).toEqual([
      args.join(' '),
      expect.objectContaining({ status: 0, stderr: '' }),
    ]);
  expect(spawnSync('test', ['-c', nothing]).status).toBe(0);
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
});

test.skipIf(!existsSync(CLI))('a standard stream by its name takes its part, in the order of the lines', () => {
  const folder = temporaryFolder();
  const script = '"$@" > "$0" && ls -l /dev/stdout';
  const { status } = spawnSync('sh', [
    ...['-c', script, join(folder, 'kept'), process.execPath, CLI],
    ...['diff', '1.5.06', '2.0.18', '--specs', fewSpecs(), '--out', 'json=/proc/self/fd/1', '--out', 'text=-'],
  ]);
  const kept = readFileSync(join(folder, 'kept'), 'utf8');
  expect(status).toBe(0);
  expect(kept.startsWith('{')).toBe(true);
  expect(kept).toContain('1.5.06 to 2.0.18');
});

test.skipIf(!canMakeDevices)(
  'standard output that is full is one line and 74; one whose reader left is silent and 141',
  () => {
    const folder = temporaryFolder();
    const full = device(folder, 'full');
    const run = (script: string) =>
      spawnSync('sh', ['-c', script, full, process.execPath, CLI, 'report', '--json', '--specs', fewSpecs()], {
        encoding: 'utf8',
      });
    const { status, stderr } = run('"$@" > "$0"');
    expect([status, stderr]).toEqual([
      74,
      'bitwatch: standard output: cannot be written: no space left on device (ENOSPC)\n',
    ]);
    const gone = run('{ "$@"; echo "$?" >&2; } | head -c 1 > /dev/null');
    expect(gone.stderr).toBe('141\n');
  },
);

test.each([
  ['an empty path', '', 73],
  ['a long one', 'x'.repeat(5000), 73],
  ['a link loop', 'loop', 73],
  ['a folder', 'folder', 73],
  ['a file as a folder', 'one.mbox/state', 73],
])('a state that is %s is one line', async (_what, name, status) => {
  const { folder } = world();
  symlinkSync('loop', join(folder, 'loop'));
  mkdirSync(join(folder, 'folder'));
  const state = name === '' ? '' : join(folder, name);
  const result = await bitwatch(['archive', 'scan', join(folder, 'one.mbox'), '--state', state]);
  expect([result.status, result.stdout]).toEqual([status, '']);
  expect(result.stderr).toMatch(/^bitwatch: [^\n]+\n$/);
});

test('what is no input, or too large a one, is one line', async () => {
  const { folder } = world();
  const large = join(folder, 'large');
  execFileSync('truncate', ['-s', '1G', large]);
  mkdirSync(join(folder, 'folder'));
  const body = ['publish', 'review', '--repository', 'a/b', '--pull', '1', '--body'];
  for (const [args, status] of [
    [[...body, join(folder, 'folder')], 66],
    [[...body, join(folder, 'gone')], 66],
    [[...body, large], 65],
    [['diff', large, '1.5.06'], 65],
    [['abi', '1.5.06', large], 65],
    [['abi', '1.5.06', join(folder, 'folder')], 66],
    [['archive', 'scan', join(folder, 'one.mbox'), '--state', large], 65],
    [['merge', large, '--state', join(folder, 'state')], 65],
  ] as const) {
    const result = await bitwatch(args);
    expect([args[0], result.status, result.stdout]).toEqual([args[0], status, '']);
    expect(result.stderr).toMatch(/^bitwatch: [^\n]+\n$/);
    expect(result.stderr).toContain(folder);
  }
});

test.skipIf(!canDropRoot)('a user’s own file keeps its owner and mode, and one he may not write to is refused', () => {
  const folder = temporaryFolder();
  chmodSync(folder, 0o777);
  writeFileSync(join(folder, 'his'), 'old', { mode: 0o600 });
  chownSync(join(folder, 'his'), 65534, 65534);
  writeFileSync(join(folder, 'ours'), 'old', { mode: 0o644 });
  const diff = (name: string) => [
    'diff',
    '1.5.06',
    '2.0.18',
    '--specs',
    fewSpecs(),
    '--out',
    `json=${join(folder, name)}`,
  ];
  expectFault(program(diff('ours'), { asUser: true }), join(folder, 'ours'));
  expect(readFileSync(join(folder, 'ours'), 'utf8')).toBe('old');
  // Also when root writes it.
  expect(program(diff('his')).status).toBe(0);
  expect(execFileSync('stat', ['-c', '%u %a', join(folder, 'his')], { encoding: 'utf8' })).toBe('65534 600\n');
  expect(program(diff('his'), { asUser: true }).status).toBe(0);
});

test('scans at once of one state lose no archive: one waits', async () => {
  const folder = temporaryFolder();
  const state = join(folder, 'state.json');
  const archives = ['a', 'b', 'c', 'd'].map((name) => {
    const path = join(folder, `${name}.mbox`);
    writeFileSync(path, MAIL.replaceAll('a@b.example', `${name}@b.example`));
    return path;
  });
  const runs = await Promise.all(archives.map((path) => bitwatch(['archive', 'scan', path, '--state', state])));
  expect(runs.map(({ status }) => status)).toEqual([0, 0, 0, 0]);
  const { archives: kept } = JSON.parse(readFileSync(state, 'utf8')) as { archives: readonly { name: string }[] };
  expect(kept.map(({ name }) => name).sort()).toEqual(archives);
  expect(readdirSync(folder).sort()).toEqual(['a.mbox', 'b.mbox', 'c.mbox', 'd.mbox', 'state.json']);
});

test('a body of 200,000 lines and a span of 200,000 backticks are cut, not fatal', async () => {
  const folder = temporaryFolder();
  const body = join(folder, 'body.md');
  writeFileSync(body, `${'line @someone\n'.repeat(200_000)}${'` '.repeat(200_000)}\n`);
  const drafts = join(folder, 'drafts');
  const args = ['publish', 'review', '--repository', 'a/b', '--pull', '1', '--body', body, '--drafts', drafts];
  expect((await bitwatch(args)).status).toBe(0);
  const text = readFileSync(join(drafts, 'review-1.md'), 'utf8');
  expect(Buffer.byteLength(text)).toBeLessThan(70_000);
  expect(text).not.toContain('@someone');
});
