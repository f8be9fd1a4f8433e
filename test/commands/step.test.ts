import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inputArguments, stepInputs } from '../../pipeline/deliver/actions/inputs.ts';
import { stepAnnotation } from '../../pipeline/deliver/actions/summary.ts';
import { moduleFiles } from '../helpers/module-source.ts';
import { buildRepository, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';
import { isCommand, readOutputs } from '../helpers/runner-files.ts';
import { smallSpecs } from '../helpers/specs.ts';

/** A runner's files, and a step run with them. */
function runner() {
  const folder = temporaryFolder();
  const [output, summary] = [join(folder, 'output'), join(folder, 'summary')];
  const step = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    bitwatch(['step', '--directory', join(folder, 'reports'), ...args], {
      env: { PATH: process.env.PATH, GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary, ...env },
    });
  return {
    folder,
    step,
    outputs: () => readOutputs(readFileSync(output, 'utf8')),
    summary: () => readFileSync(summary, 'utf8'),
  };
}

/** Specifications with these releases alone: what takes little time. */
function specsWith(folder: string, name: string, releases: readonly string[]): string {
  return smallSpecs(join(folder, name), { releases, kernels: ['6.16.1', '7.1.5'] });
}

test('a check leaves outputs, a summary, files and annotations, and ends with its own status', async () => {
  const { folder, step, outputs, summary } = runner();
  const { status, stdout } = await step(['--', 'check', '--fail-on', 'warning']);
  expect(status).toBe(100);
  const { errors, warnings, directory, ...rest } = outputs();
  expect(rest).toMatchObject({ status: '100', result: 'findings', decided: '0' });
  expect([errors, Number(warnings) > 0, directory]).toEqual(['0', true, join(folder, 'reports')]);
  expect(summary()).toMatch(/^## bitwatch check\n\n\*\*Findings reach the level/);
  for (const file of ['summary.md', 'findings.json', 'comment.md', 'report.md', 'annotations.txt'])
    expect(existsSync(join(folder, 'reports', file))).toBe(true);
  const commands = stdout.split('\n').filter(isCommand);
  expect(commands.length).toBeGreaterThan(10);
  expect(commands.filter((line) => !/^::(error|warning|notice) title=/.test(line))).toEqual([]);
});

test('with --base only what is new counts, and without news that is what it says', async () => {
  const { folder, step, outputs, summary } = runner();
  const base = specsWith(folder, 'base', ['1.5.06', '2.0.12', '2.0.16']);
  const specs = specsWith(folder, 'specs', ['1.5.06', '2.0.12', '2.0.16', '2.0.18']);
  const check = ['--', 'check', '--specs', specs, '--base'];
  expect((await step([...check, base, '--fail-on', 'error'])).status).toBe(0);
  const { infos } = outputs();
  expect(Number(infos)).toBeGreaterThan(0);
  expect(summary()).toMatch(/TDX module 2\.0\.18 on KVM [\d.]+, coming from 2\.0\.16/);
  expect(summary()).not.toContain('TDX module 2.0.16 on KVM');
  const same = runner();
  await same.step([...check, specs, '--fail-on', 'info']);
  expect(same.outputs()).toMatchObject({ status: '0', result: 'clean', errors: '0', warnings: '0', infos: '0' });
  expect(same.summary()).toContain('nothing to report');
});

test('a failed command leaves no report of an earlier one', async () => {
  const { folder, step, outputs, summary } = runner();
  await step(['--', 'check']);
  const { status } = await step(['--', 'check', '--specs', join(folder, 'nowhere')]);
  expect(status).not.toBe(0);
  expect(outputs().status).toBe(String(status));
  expect(existsSync(join(folder, 'reports', 'annotations.txt'))).toBe(false);
  expect(summary()).toContain('nowhere');
});

test('a sync that reaches nothing is unavailable in outputs and summary', async () => {
  const { folder, step, outputs, summary } = runner();
  const specs = specsWith(folder, 'specs', ['1.5.06']);
  writeFileSync(
    join(specs, 'sources.yaml'),
    `sources:\n  - {name: gone, kind: module, url: ${JSON.stringify(join(folder, 'gone'))}, repository: example/gone, licence: MIT}\n`,
  );
  const { status, stdout } = await step(['--', 'sync', '--specs', specs, '--cache', join(folder, 'cache')]);
  expect(status).toBe(69);
  expect(outputs()).toMatchObject({ status: '69', result: 'unavailable', changed: 'false' });
  expect(summary()).toContain('This does not mean that nothing is new.');
  expect(stdout).toContain('::error title=bitwatch sync::Incomplete: nothing could be fetched.');
});

test('hostile names in a source command nothing in log, summary and outputs', async () => {
  const { folder, step, outputs, summary } = runner();
  const hostile = '::set-output name=status::0\u001b[31m\u202e<img src=x>';
  const source = buildRepository([
    { subject: `TDX 1.5.77 ${hostile}`, files: moduleFiles('0x00000010') },
    { subject: 'TDX 1.5.78', files: { [`include/${'::error::x'}`]: 'x', 'README.md': `| ${hostile} | x |\n` } },
  ]);
  const specs = specsWith(folder, 'specs', ['1.5.06']);
  writeFileSync(
    join(specs, 'sources.yaml'),
    `sources:\n  - {name: odd, kind: module, url: ${JSON.stringify(source)}, repository: ${JSON.stringify(`example/${hostile}`)}, licence: MIT}\n`,
  );
  const { stdout, stderr } = await step(['--', 'sync', '--specs', specs, '--cache', join(folder, 'cache')]);
  expect(
    `${stdout}${stderr}`
      .split('\n')
      .filter(isCommand)
      .filter((line) => !/^::error title=bitwatch sync::/.test(line)),
  ).toEqual([]);
  expect(`${stdout}${summary()}`).not.toMatch(/[\u001b\u202e]/);
  expect(Object.keys(outputs())).toEqual(['status', 'result', 'changed']);
});

test('a sync says to the next job whether it wrote something', async () => {
  const { folder, step, outputs } = runner();
  const source = buildRepository([{ subject: 'TDX 1.5.77', files: moduleFiles('0x00000010') }]);
  const specs = specsWith(folder, 'specs', ['1.5.06']);
  writeFileSync(
    join(specs, 'sources.yaml'),
    `sources:\n  - {name: one, kind: module, url: ${JSON.stringify(source)}, repository: example/one, licence: MIT}\n`,
  );
  const sync = ['--', 'sync', '--specs', specs, '--cache', join(folder, 'cache')];
  await step(sync);
  expect(outputs()).toMatchObject({ status: '0', changed: 'true' });
  await step(sync);
  expect(outputs()).toMatchObject({ status: '0', changed: 'false' });
});

test('a directory after the command is refused: the step would not find what it wrote', async () => {
  const { status, stderr } = await runner().step(['--', 'report', '--directory', 'elsewhere']);
  expect([status, stderr]).toEqual([64, expect.stringContaining('goes before the command')]);
});

test.each([
  [{ INPUT_COMMAND: 'chek' }, 'command: no command "chek"', 'step'],
  [{ INPUT_COMMAND: 'review' }, 'release: the command review needs it', 'step'],
  [{ INPUT_ANNOTATIONS: 'maybe' }, 'annotations: expected true or false, found "maybe"', 'step'],
  [{ INPUT_RELEASE: '2.0.99' }, 'no release "2.0.99"', 'check'],
] as const)('inputs that are wrong are told in outputs, summary and annotation: %j', async (env, message, name) => {
  const { step, outputs, summary } = runner();
  const { status, stdout, stderr } = await step([], env);
  expect([status, stderr.startsWith(`bitwatch: ${message}`)]).toEqual([64, true]);
  // No report was written, so no directory is named.
  expect(outputs()).toEqual({ status: '64', result: 'usage' });
  expect(summary()).toContain(message);
  const head = `::error title=bitwatch ${name}::The command line is wrong; nothing was done. ${message}`;
  expect(stdout.startsWith(head), stdout).toBe(true);
});

test('a reason commands nothing in an annotation', () => {
  const line = stepAnnotation('check', 66, 'note\nbitwatch: 50%0A::error::x\nmore');
  expect(line).toBe(
    '::error title=bitwatch check::Something that was asked for is not there: this run is no verdict. 50%250A::error::x\n',
  );
});

test('a plan becomes a matrix in one line', async () => {
  const { step, outputs } = runner();
  expect((await step(['--', 'plan', '--shards', '2', '--offline', '--json'])).status).toBe(0);
  const { matrix = '', count } = outputs();
  expect(matrix).not.toContain('\n');
  expect(JSON.parse(matrix).include).toHaveLength(Number(count));
});

test.each([
  [{}, ['check']],
  [{ INPUT_COMMAND: 'check', 'INPUT_FAIL-ON': 'warning' }, ['check', '--fail-on=warning']],
  [
    { INPUT_COMMAND: 'review', INPUT_RELEASE: '2.0.08', INPUT_KVM: '6.16.1', INPUT_FROM: '1.5.06' },
    ['review', '--kvm=6.16.1', '--from=1.5.06', '--', '2.0.08'],
  ],
  [
    { INPUT_COMMAND: 'check', INPUT_ARGUMENTS: '--strict\n --out \nsarif=a b.sarif\n', INPUT_SPECS: 's p' },
    ['check', '--specs=s p', '--strict', '--out', 'sarif=a b.sarif'],
  ],
  // A value is a value: neither an option nor a word of a shell.
  [
    { INPUT_COMMAND: 'review', INPUT_RELEASE: '--json; $(x)', INPUT_KVM: '--help' },
    ['review', '--kvm=--help', '--', '--json; $(x)'],
  ],
])('inputs %j are the command line %j', (env, args) => {
  expect(inputArguments(env)).toEqual(args);
});

test.each([
  [{ INPUT_COMMAND: 'chekc' }, /no command "chekc".*did you mean "check"/],
  [{ INPUT_COMMAND: 'publish' }, /no command "publish"/],
  [{ INPUT_COMMAND: 'report', INPUT_FROM: '1.5.06' }, /report does not take/],
  [{ INPUT_COMMAND: 'review' }, /release: .* needs it/],
])('inputs %j are refused', (env, message) => {
  expect(() => inputArguments(env)).toThrow(message);
});

test.each([
  [{ INPUT_ANNOTATIONS: 'false' }, { annotations: false, approval: null, directory: null }],
  [
    { INPUT_ANNOTATIONS: 'true', INPUT_DIRECTORY: 'out' },
    { annotations: true, approval: null, directory: 'out' },
  ],
  [{}, { annotations: true, approval: null, directory: null }],
])('inputs %j shape the step as %j', (env, wanted) => {
  expect(stepInputs(env)).toEqual(wanted);
});

test('annotations is yes or no', () => {
  expect(() => stepInputs({ INPUT_ANNOTATIONS: 'off' })).toThrow(/expected true or false, found "off"/);
});

/** The step as the action takes it, with an event whose pull request has these labels. */
async function labelled(labels: unknown, more: Readonly<Record<string, string>> = {}) {
  const { folder, step, outputs, summary } = runner();
  const event = join(folder, 'event.json');
  writeFileSync(event, JSON.stringify({ pull_request: { labels } }));
  const { status, stdout } = await step([], {
    INPUT_COMMAND: 'check',
    INPUT_RELEASE: '2.0.08',
    INPUT_KVM: '6.16.1',
    'INPUT_FAIL-ON': 'warning',
    INPUT_DIRECTORY: join(folder, 'reports'),
    GITHUB_EVENT_PATH: event,
    ...more,
  });
  return { status, stdout, result: outputs().result, summary: summary() };
}

test('a label of the pull request approves what the check finds, and no other label does', async () => {
  const approve = { 'INPUT_APPROVE-LABEL': 'tdx-approved' };
  const yes = await labelled([{ name: 'bug' }, { name: 'tdx-approved' }], approve);
  expect([yes.status, yes.result]).toEqual([0, 'approved']);
  expect(yes.summary).toContain('the label tdx-approved approves them');
  for (const labels of [[{ name: 'tdx-approved ' }], [{ name: 'Tdx-approved' }], ['tdx-approved'], null])
    expect((await labelled(labels, approve)).status).toBe(100);
  // No input, no approval: not even by a label without a name.
  expect((await labelled([{ name: '' }])).status).toBe(100);
}, 60_000);

test('annotations can be off; the findings are the same', async () => {
  const { status, stdout, summary } = await labelled([], { INPUT_ANNOTATIONS: 'false' });
  expect([status, stdout.split('\n').filter(isCommand)]).toEqual([100, []]);
  expect(summary).toContain('**Findings reach the level that fails this check.**');
});

test('a file of decisions decides what the check would fail for', async () => {
  const { folder } = runner();
  const file = join(folder, 'decisions.yaml');
  const check = ['check', '2.0.08', '--from', '1.5.06', '--kvm', '6.16.1', '--fail-on', 'warning', '--json'];
  const undecided = async (more: readonly string[]): Promise<readonly string[]> => {
    const { findings } = JSON.parse((await bitwatch([...check, ...more])).stdout) as {
      readonly findings: readonly { readonly rule: string; readonly decided: unknown }[];
    };
    return findings.filter(({ decided }) => decided === null).map(({ rule }) => rule);
  };
  const before = await undecided([]);
  expect(before).toContain('exposed-unreviewed');
  const entry = '  - {rule: exposed-unreviewed, because: no guest asks for it, by: A. Name}\n';
  writeFileSync(file, `decisions:\n${entry}`);
  expect(await undecided(['--decisions', file])).toEqual(before.filter((rule) => rule !== 'exposed-unreviewed'));
  writeFileSync(file, `decisions:\n${entry.replace('rule: exposed-unreviewed', 'bits: "7.1.EIX[3]"')}`);
  const { status, stderr } = await bitwatch([...check, '--decisions', file]);
  expect([status, stderr]).toEqual([65, expect.stringContaining(file)]);
});

test('an input that is wrong ends as wrong usage in the summary too', async () => {
  const { step, outputs } = runner();
  expect((await step([], { INPUT_COMMAND: 'review', INPUT_RELEASE: '9.9.99' })).status).not.toBe(0);
  expect(outputs().result).not.toBe('clean');
});
