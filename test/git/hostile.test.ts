import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { changeOf, pushChange } from '../../pipeline/deliver/branch.ts';
import { mailText, makeInbox } from '../archive/inbox.ts';
import { canaryIn, hostileEnvironment, poison, recorder, sign } from '../helpers/hostile.ts';
import { kernelFiles } from '../helpers/kernel-tree.ts';
import { CLI, canDropRoot } from '../helpers/machine.ts';
import { moduleFiles } from '../helpers/module-source.ts';
import { buildRepository, git, gitEnv, loseObject, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch, ROOT, type RunResult } from '../helpers/run.ts';
import { edited, postingOf, TDX } from '../helpers/series.ts';
import { FEW, smallSpecs } from '../helpers/specs.ts';

/** Every command of git that the program runs. A new one is looked at before it gets here: what could a repository make it run? */
const COMMANDS = [
  'apply',
  'cat-file',
  'diff-tree',
  'fetch',
  'for-each-ref',
  'hash-object',
  'log',
  'ls-remote',
  'ls-tree',
  'merge-base',
  'read-tree',
  'rev-list',
  'rev-parse',
  'update-index',
  'write-tree',
];
/** Those that the branch of a workflow takes besides. */
const CHECKOUT_COMMANDS = ['check-ref-format', 'commit-tree', 'config', 'mktree', 'push'];

const DIFF = 'diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+x\n';
const HLE = 'feature_bit(X86_FEATURE_HLE)';

/** What git's environment may hold: this program's own, what a shell sets, and a guard of simple-git's. */
const ENVIRONMENT =
  /^(PATH|LC_ALL|HOME|XDG_CONFIG_HOME|PWD|SHLVL|_|OLDPWD|GIT_(DIR|CONFIG_NOSYSTEM|CONFIG_GLOBAL|ATTR_NOSYSTEM|TERMINAL_PROMPT|OPTIONAL_LOCKS|NO_REPLACE_OBJECTS|GRAFT_FILE|NO_LAZY_FETCH|ALLOW_PROTOCOL|HTTP_LOW_SPEED_(LIMIT|TIME)|FLUSH|TEST_DISALLOW_ABBREVIATED_OPTIONS|CONFIG_COUNT|CONFIG_(KEY|VALUE)_\d+))=/;

/** A kernel, a module and an archive that would run the canary in every way that git's documentation names. */
function setUp(folder: string) {
  const canary = canaryIn(folder);
  const kernel = buildRepository([{ subject: 'base', files: kernelFiles(), tags: ['v7.2.1'] }], join0(folder, 'linux'));
  const module = buildRepository(
    [{ subject: 'TDX 1.5.77', files: moduleFiles('0x00000010') }],
    join0(folder, 'module'),
  );
  const cover = mailText('c@x', '[PATCH 0/1] TDX: deny 7.1.EAX[4]');
  const patch = mailText('p@x', '[PATCH 1/1] KVM: TDX: Deny it', 'In-Reply-To: <c@x>\n', DIFF);
  const inbox = makeInbox(folder, 'inbox.git', [{ mail: cover }, { mail: patch }]);
  const repositories = [kernel, module, inbox];
  for (const [at, path] of repositories.entries()) {
    sign(path, at === 2 ? 'master' : 'main');
    poison(path, canary.path);
  }
  // What git would fetch when it meets it: a blob that the repository lacks.
  const lost = git0(kernel, 'rev-parse', 'main:Makefile');
  const partial = join(folder, 'partial.git');
  cpSync(kernel, partial, { recursive: true });
  loseObject(partial, lost);
  writeFileSync(join(folder, '.gitconfig'), readFileSync(join(kernel, 'included'), 'utf8'));
  const mbox = join(folder, 'series.mbox');
  const mails = postingOf([
    { title: 'KVM: TDX: Deny more', files: edited(TDX, HLE, `${HLE} | __feature_bit(X86_FEATURE_QUINCE)`) },
  ]);
  writeFileSync(mbox, mails.map((mail) => `From a@b Thu Jan  1 00:00:00 1970\n${mail}\n\n`).join(''));
  const specs = smallSpecs(join(folder, 'specs'), { releases: ['1.5.06'], kernels: [] });
  const sources = [
    { name: 'mod', kind: 'module', url: module, repository: 'example/mod', licence: 'x' },
    { name: 'part', kind: 'kernel', url: partial, repository: 'example/part', licence: 'x', tips: ['main'] },
    { name: 'kvm', kind: 'kernel', url: `file://${kernel}`, repository: 'example/kvm', licence: 'x', tips: ['main'] },
  ];
  writeFileSync(join(specs, 'sources.yaml'), JSON.stringify({ sources }));
  return {
    folder,
    canary,
    kernel,
    module,
    inbox,
    partial,
    mbox,
    specs,
    few: smallSpecs(join(folder, 'few'), FEW),
    lost,
  };
}
type Place = ReturnType<typeof setUp>;

/** Made once: no test may change it but for the marks of the canary. */
let made: Place | undefined;
function quietPlace(home: string): Place {
  made ??= setUp(mkdtempSync(join(tmpdir(), 'bitwatch-test-')));
  made.canary.hush();
  // What `sync` writes to.
  cpSync(made.specs, join(home, 'specs'), { recursive: true });
  return made;
}
afterAll(() => {
  if (made !== undefined) rmSync(made.folder, { recursive: true, force: true });
});

function join0(folder: string, name: string): string {
  const path = join(folder, `${name}.git`);
  mkdirSync(path);
  return path;
}
/** Git's own plumbing on a repository before it is trusted with anything: only what runs nothing. */
const git0 = (gitDir: string, ...args: readonly string[]): string =>
  execFileSync('git', [`--git-dir=${gitDir}`, ...args], { env: gitEnv, encoding: 'utf8' }).trim();

/** Command lines that take every way into a repository, and the status that each ends with. */
function commandLines(place: Place, home: string): readonly (readonly [args: readonly string[], status: number])[] {
  const { kernel, module, inbox, partial, mbox } = place;
  const cache = join(home, 'cache');
  const state = join(home, 'state.json');
  const common = ['--specs', join(home, 'specs'), '--cache', cache];
  const few = ['--specs', place.few];
  return [
    [['extract', 'module', module, 'main'], 0],
    [['extract', 'kvm', kernel, 'main', '--json'], 0],
    [['extract', 'kvm', kernel, '--history', 'main'], 0],
    [['extract', 'kvm', partial, 'main'], 69],
    [['series', mbox, '--kernel', kernel, '--base', 'main', ...few], 0],
    [['series', mbox, '--kernel', partial, '--base', 'main', ...few], 69],
    [['archive', 'scan', inbox, '--subjects'], 0],
    [['archive', 'scan', inbox, '--state', state], 0],
    [['series', 'p@x', '--archive', inbox, '--kernel', kernel, '--state', state, ...few], 0],
    [['history', '7.1.EAX[4]', '--archive', inbox, '--state', state, ...few], 0],
    [['review', '2.0.18', '--suggest', `${kernel}@main`, ...few], 0],
    [['sync', ...common], 75],
    [['extract', 'kvm', join(cache, 'kvm.git'), 'main', ...common], 0],
  ];
}

/** Runs all command lines, and returns what went otherwise than it should. */
async function runAll(
  place: Place,
  home: string,
  work: (args: readonly string[]) => Promise<RunResult> | RunResult,
  only = /./,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const [args, status] of commandLines(place, home).filter(([words]) => only.test(words.join(' ')))) {
    const result = await work(args);
    if (result.status !== status || /a bug/.test(result.stderr))
      wrong.push(`${args.join(' ')}: ${result.status}: ${result.stdout.slice(-300)} ${result.stderr}`);
  }
  return wrong;
}

test('nothing that a repository, a home or an environment says is run, and git is called in no other way', async () => {
  const home = temporaryFolder();
  const place = quietPlace(home);
  const { path, calls } = recorder(temporaryFolder());
  const env = { ...hostileEnvironment(place.folder, place.canary.path), PATH: path };
  const work = (args: readonly string[]): Promise<RunResult> => bitwatch(args, { env });
  // An archive that grew since it was scanned.
  const ref = join(place.inbox, 'refs', 'heads', 'master');
  const [tip, before] = ['master', 'master~1'].map((name) => `${git0(place.inbox, 'rev-parse', name)}\n`);
  writeFileSync(ref, before ?? '');
  expect(await work(['archive', 'scan', place.inbox, '--state', join(home, 'state.json')])).toMatchObject({
    status: 0,
  });
  writeFileSync(ref, tip ?? '');
  expect(await runAll(place, home, work)).toEqual([]);
  expect(place.canary.marks()).toBe('');
  expect(existsSync(join(place.folder, 'trace'))).toBe(false);
  const seen = new Set(calls().map(({ args }) => commandOf(args)));
  expect([...seen].sort()).toEqual(COMMANDS);
  for (const { args, env: own } of calls()) {
    expect(
      own.filter((entry) => !ENVIRONMENT.test(entry)),
      args.join(' '),
    ).toEqual([]);
    for (const entry of [
      'GIT_NO_LAZY_FETCH=1',
      'GIT_CONFIG_GLOBAL=/dev/null',
      'GIT_CONFIG_NOSYSTEM=1',
      'HOME=/dev/null',
    ])
      expect(own, args.join(' ')).toContain(entry);
    expect(own.find((entry) => entry.startsWith('GIT_ALLOW_PROTOCOL='))).toMatch(/=(none|https:file)$/);
    // Git works in repositories of our own alone: temporary ones, and the clones of the cache.
    const gitDir = [...args, ...own].find((word) => /^(--git-dir|GIT_DIR)=/.test(word))?.split('=')[1] ?? '';
    expect(/\/\.bitwatch-[0-9a-f]{16}\.new\/git$/.test(gitDir) || gitDir.startsWith(join(home, 'cache')), gitDir).toBe(
      true,
    );
  }
}, 120_000);

/** The command behind git's own options. */
function commandOf(args: readonly string[]): string {
  const at = args.findIndex((arg, index) => !arg.startsWith('-') && args[index - 1] !== '-c');
  return args[at] ?? '';
}

/** Each process takes its time to start: a way into each kind of repository is enough. */
const ONE_OF_EACH = /^(extract kvm \S*partial|series \S*mbox .*linux|archive scan \S+ --subjects|sync )/;

test.skipIf(!canDropRoot)(
  'the same as another user than the owner of the repositories (skipped: not root, no setpriv, or nothing built)',
  async () => {
    const home = temporaryFolder();
    const place = quietPlace(home);
    execFileSync('chown', ['-R', '65534:65534', home]);
    const bin = temporaryFolder();
    for (const folder of [place.folder, bin]) chmodSync(folder, 0o755);
    const { path } = recorder(bin);
    const env = { ...hostileEnvironment(place.folder, place.canary.path), PATH: path };
    const asUser = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, CLI];
    const [command = '', ...rest] = asUser;
    const wrong = await runAll(
      place,
      home,
      (args) => {
        const { status, stdout, stderr } = spawnSync(command, [...rest, ...args], { env, cwd: home, encoding: 'utf8' });
        return { status: status ?? -1, stdout, stderr };
      },
      ONE_OF_EACH,
    );
    expect(wrong).toEqual([]);
    expect(place.canary.marks()).toBe('');
  },
  120_000,
);

// Behind the others: what git does here may leave something in the repositories.
test('the canary sings: git itself runs what these repositories say', () => {
  const { canary, kernel, inbox, partial, lost } = quietPlace(temporaryFolder());
  for (const [gitDir, ...args] of [
    [kernel, 'log', '-1', 'main'],
    [inbox, 'log', '-1', 'master'],
    [partial, 'cat-file', '-p', lost],
    [kernel, 'diff', '--ext-diff', 'main', 'main~0'],
  ] as const) {
    const before = canary.marks().length;
    spawnSync('git', [`--git-dir=${gitDir}`, ...args], { env: gitEnv, timeout: 5000 });
    if (args[0] !== 'diff') expect(canary.marks().length, args.join(' ')).toBeGreaterThan(before);
  }
});

test('a checkout lends its objects, its origin and its header, and nothing else', async () => {
  const folder = temporaryFolder();
  const canary = canaryIn(folder);
  const origin = buildRepository([{ subject: 'one', files: { 'specs/a.yaml': 'a: 1\n', 'b.txt': 'b\n' } }]);
  git(folder, 'clone', '-q', origin, 'checkout');
  const checkout = join(folder, 'checkout');
  poison(join(checkout, '.git'), canary.path);
  poison(origin, canary.path);
  // The poison renamed the origin: its first value is the checkout's own.
  const { path, calls } = recorder(folder);
  const work = join(folder, 'work', 'specs');
  cpSync(join(checkout, 'specs'), work, { recursive: true });
  writeFileSync(join(work, 'a.yaml'), 'a: 2\n');
  const proposal = { checkout, folder: work, branch: 'watch', env: { PATH: path } };
  const change = await changeOf(proposal);
  if (change === null) throw new Error('no change');
  expect(change.files).toEqual([{ kind: 'M', path: 'specs/a.yaml' }]);
  expect(await pushChange(proposal, change, 'Take what is new')).toBe('pushed');
  expect(await pushChange(proposal, change, 'Take what is new')).toBe('unchanged');
  expect(canary.marks()).toBe('');
  expect(git0(origin, 'cat-file', '-p', 'watch:specs/a.yaml')).toBe('a: 2');
  const known = [...COMMANDS, ...CHECKOUT_COMMANDS];
  const seen = new Set(calls().map(({ args }) => commandOf(args)));
  expect([...seen].filter((command) => !known.includes(command))).toEqual([]);
  for (const command of CHECKOUT_COMMANDS) expect(seen, command).toContain(command);
});

test('the program starts git in one place, and others in none', () => {
  const pipeline = join(ROOT, 'pipeline');
  const starting = readdirSync(pipeline, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) =>
      /child_process|simple-git'|worker_threads|\beval\(/.test(readFileSync(join(pipeline, file), 'utf8')),
    )
    .map((file) => relative('.', file))
    .sort();
  // The mail reader's workers are this program again; simple-git has the environment of the one place.
  expect(starting).toEqual(['archive/pool.ts', 'git/client.ts', 'git/run.ts']);
});
