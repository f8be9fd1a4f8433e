import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inputArguments } from '../../pipeline/commands/step.ts';
import { moduleFiles } from '../helpers/module-source.ts';
import { buildRepository, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch, ROOT } from '../helpers/run.ts';
import { isCommand, readOutputs } from '../helpers/runner-files.ts';

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
  const specs = join(folder, name);
  cpSync(join(ROOT, 'specs'), specs, { recursive: true });
  for (const kind of ['modules', 'clobbers'])
    for (const file of readdirSync(join(specs, kind)))
      if (!releases.includes(file.replace('.yaml', ''))) rmSync(join(specs, kind, file));
  return specs;
}

test('a check leaves outputs, a summary, files and annotations, and ends with its own status', async () => {
  const { folder, step, outputs, summary } = runner();
  const { status, stdout } = await step(['--', 'check', '--fail-on', 'warning']);
  expect(status).toBe(100);
  const { errors, warnings, directory, ...rest } = outputs();
  expect(rest).toMatchObject({ status: '100', result: 'findings' });
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

test('a plan becomes a matrix in one line', async () => {
  const { step, outputs } = runner();
  expect((await step(['--', 'plan', '--shards', '2', '--offline', '--json'])).status).toBe(0);
  const { matrix = '', count } = outputs();
  expect(matrix).not.toContain('\n');
  expect(JSON.parse(matrix).include).toHaveLength(Number(count));
});

test.each([
  [{}, ['check']],
  [{ BITWATCH_COMMAND: 'check', BITWATCH_FAIL_ON: 'warning' }, ['check', '--fail-on=warning']],
  [
    { BITWATCH_COMMAND: 'review', BITWATCH_RELEASE: '2.0.08', BITWATCH_KVM: '6.16.1', BITWATCH_SINCE: '1.5.06' },
    ['review', '--kvm=6.16.1', '--since=1.5.06', '--', '2.0.08'],
  ],
  [
    { BITWATCH_COMMAND: 'check', BITWATCH_ARGUMENTS: '--strict\n --out \nsarif=a b.sarif\n', BITWATCH_SPECS: 's p' },
    ['check', '--specs=s p', '--strict', '--out', 'sarif=a b.sarif'],
  ],
  // A value is a value: neither an option nor a word of a shell.
  [
    { BITWATCH_COMMAND: 'review', BITWATCH_RELEASE: '--json; $(x)', BITWATCH_KVM: '--help' },
    ['review', '--kvm=--help', '--', '--json; $(x)'],
  ],
])('inputs %j are the command line %j', (env, args) => {
  expect(inputArguments(env)).toEqual(args);
});

test.each([
  [{ BITWATCH_COMMAND: 'chekc' }, /no command "chekc".*did you mean "check"/],
  [{ BITWATCH_COMMAND: 'publish' }, /no command "publish"/],
  [{ BITWATCH_COMMAND: 'report', BITWATCH_SINCE: '1.5.06' }, /report does not take/],
  [{ BITWATCH_COMMAND: 'review' }, /release: .* needs it/],
])('inputs %j are refused', (env, message) => {
  expect(() => inputArguments(env)).toThrow(message);
});

test('an input that is wrong ends as wrong usage in the summary too', async () => {
  const { step, outputs } = runner();
  expect((await step([], { BITWATCH_COMMAND: 'review', BITWATCH_RELEASE: '9.9.99' })).status).not.toBe(0);
  expect(outputs().result).not.toBe('clean');
});
