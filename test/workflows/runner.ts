import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { gitEnv } from '../helpers/repository.ts';
import { type Contexts, interpolate, isWanted, type Progress, textOf } from './expression.ts';
import { readOutputs } from './runner-files.ts';
import { type Forge, type Inputs, STAND_INS } from './stand-ins.ts';

/** One step as a workflow or an action has it. */
type Step = {
  readonly id?: string;
  readonly name?: string;
  readonly if?: string | boolean;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly run?: string;
  readonly shell?: string;
  readonly env?: Readonly<Record<string, unknown>>;
  readonly 'continue-on-error'?: boolean;
};
type Job = {
  readonly needs?: string | readonly string[];
  readonly if?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly strategy?: { readonly matrix?: unknown };
  readonly steps: readonly Step[];
};
export type Workflow = { readonly permissions?: unknown; readonly jobs: Readonly<Record<string, Job>> };

export type StepResult = {
  readonly name: string;
  readonly outcome: 'success' | 'failure' | 'skipped';
  readonly conclusion: 'success' | 'failure' | 'skipped';
  readonly log: string;
};
export type JobResult = {
  readonly result: 'success' | 'failure' | 'skipped';
  readonly outputs: Inputs;
  readonly steps: readonly StepResult[];
  readonly summary: string;
};
export type RunResult = { readonly jobs: Readonly<Record<string, JobResult>>; readonly artifacts: string };

export type Run = {
  readonly forge: Omit<Forge, 'artifacts'>;
  /** A folder for all that the run makes. */
  readonly folder: string;
  /** Where the stand-in for npm is. */
  readonly tools: string;
  readonly github: Readonly<Record<string, unknown>> & { readonly event: unknown };
  readonly vars?: Readonly<Record<string, string>>;
  /** Only these jobs and none that they do not need; all where it is not given. */
  readonly only?: readonly string[];
};

/** Runs a workflow's jobs one after another on fresh machines, as folders, with bash and the forge's variables and files. */
export async function runWorkflow(text: string, run: Run): Promise<RunResult> {
  const workflow = parse(text) as Workflow;
  const artifacts = join(run.folder, 'artifacts');
  mkdirSync(artifacts, { recursive: true });
  const jobs: Record<string, JobResult> = {};
  // The jobs stand in the order of their needs.
  for (const [id, job] of Object.entries(workflow.jobs)) {
    if (run.only !== undefined && !run.only.includes(id)) continue;
    jobs[id] = await runJob(id, job, { ...run, forge: { ...run.forge, artifacts } }, jobs);
  }
  return { jobs, artifacts };
}

type Machine = Omit<Run, 'forge'> & { readonly forge: Forge };
const SKIPPED: JobResult = { result: 'skipped', outputs: {}, steps: [], summary: '' };

async function runJob(
  id: string,
  job: Job,
  run: Machine,
  done: Readonly<Record<string, JobResult>>,
): Promise<JobResult> {
  const names = [job.needs ?? []].flat();
  const needs = Object.fromEntries(
    names.map((name) => {
      const need = done[name];
      if (need === undefined) throw new Error(`${id} needs ${name}, which did not run before it`);
      return [name, { result: need.result, outputs: need.outputs }];
    }),
  );
  const contexts: Contexts = { github: run.github, needs, vars: run.vars ?? {} };
  const progress = { isFailed: Object.values(needs).some(({ result }) => result !== 'success'), isCancelled: false };
  if (!isWanted(job.if, contexts, progress)) return SKIPPED;
  const rows = matrixRows(job.strategy?.matrix, contexts, progress);
  const results: JobResult[] = [];
  for (const matrix of rows) results.push(await runOnMachine(id, job, run, { ...contexts, matrix }));
  const [first = SKIPPED] = results;
  return {
    result: results.every(({ result }) => result === 'success') ? 'success' : 'failure',
    outputs: first.outputs,
    steps: results.flatMap(({ steps }) => steps),
    summary: results.map(({ summary }) => summary).join(''),
  };
}

/** The rows of a matrix that is an `include` alone, or none at all: no other form is used here. */
function matrixRows(matrix: unknown, contexts: Contexts, progress: Progress): readonly unknown[] {
  if (matrix === undefined) return [{}];
  const value = typeof matrix === 'string' ? interpolate(matrix, contexts, progress) : matrix;
  const { include, ...others } = value as { readonly include?: readonly unknown[] };
  if (include === undefined || include.length === 0 || Object.keys(others).length > 0)
    throw new Error(`a matrix that the forge or this test does not take: ${JSON.stringify(value)}`);
  return include;
}

async function runOnMachine(id: string, job: Job, run: Machine, contexts: Contexts): Promise<JobResult> {
  const machine = mkdtempSync(join(run.folder, `${id}-`));
  const [workspace, temporary] = [join(machine, 'work'), join(machine, 'temp')];
  for (const folder of [workspace, temporary]) mkdirSync(folder);
  const place = { forge: run.forge, workspace, mayPush: job.permissions?.contents === 'write' };
  const steps: StepResult[] = [];
  const known: Record<string, unknown> = {};
  const jobEnv: Record<string, string> = {};
  let [summary, isFailed] = ['', false];
  for (const [index, step] of job.steps.entries()) {
    const all: Contexts = { ...contexts, steps: known, env: jobEnv, runner: { temp: temporary } };
    const progress = { isFailed, isCancelled: false };
    const name = textOf(interpolate(step.name ?? step.uses ?? step.run ?? '', all, progress));
    const say = (outcome: StepResult['outcome'], log: string, outputs: Inputs): void => {
      const conclusion = outcome === 'failure' && step['continue-on-error'] === true ? 'success' : outcome;
      steps.push({ name, outcome, conclusion, log });
      if (step.id !== undefined) known[step.id] = { outputs, outcome, conclusion };
      if (conclusion === 'failure') isFailed = true;
    };
    if (!isWanted(step.if, all, progress)) {
      say('skipped', '', {});
      continue;
    }
    const texts = (values: Readonly<Record<string, unknown>> = {}): Inputs =>
      Object.fromEntries(
        Object.entries(values).map(([key, value]) => [key, textOf(interpolate(textOf(value), all, progress))]),
      );
    if (step.uses !== undefined) {
      const action = step.uses.split('@')[0] ?? '';
      const standIn = STAND_INS[action];
      if (standIn === undefined) throw new Error(`no stand-in for ${step.uses}`);
      try {
        say('success', '', standIn(place, texts(step.with)));
      } catch (error) {
        say('failure', String(error), {});
      }
      continue;
    }
    const files = stepFiles(join(machine, `step-${index}`));
    const env = { ...machineEnv(run, workspace, temporary), ...jobEnv, ...texts(step.env), ...files.env };
    const { status, log } = await bash(step, workspace, env, files.script);
    const { outputs, variables, said } = files.read();
    Object.assign(jobEnv, variables);
    summary += said;
    say(status === 0 ? 'success' : 'failure', log, outputs);
  }
  const outputs = Object.fromEntries(
    Object.entries(job.outputs ?? {}).map(([name, text]) => [
      name,
      textOf(interpolate(text, { ...contexts, steps: known }, { isFailed, isCancelled: false })),
    ]),
  );
  return { result: isFailed ? 'failure' : 'success', outputs, steps, summary };
}

/** A step's files as the forge names them; a summary over 1 MiB is refused, as there. */
export function stepFiles(folder: string) {
  mkdirSync(folder);
  const path = (name: string): string => join(folder, name);
  for (const name of ['output', 'env', 'summary']) writeFileSync(path(name), '');
  const text = (name: string): string => readFileSync(path(name), 'utf8');
  return {
    script: path('script.sh'),
    env: { GITHUB_OUTPUT: path('output'), GITHUB_ENV: path('env'), GITHUB_STEP_SUMMARY: path('summary') },
    read: () => {
      if (Buffer.byteLength(text('summary')) > 1024 * 1024) throw new Error('a summary over 1 MiB');
      return { outputs: readOutputs(text('output')), variables: readOutputs(text('env')), said: text('summary') };
    },
  };
}

/** The variables that the forge sets and nothing of the one who runs the test but PATH. */
function machineEnv(run: Machine, workspace: string, temporary: string): Inputs {
  const { github } = run;
  const event = join(temporary, 'event.json');
  if (!existsSync(event)) writeFileSync(event, JSON.stringify(github.event));
  return {
    PATH: `${run.tools}:${process.env.PATH ?? ''}`,
    HOME: temporary,
    CI: 'true',
    GITHUB_ACTIONS: 'true',
    GITHUB_WORKSPACE: workspace,
    GITHUB_REPOSITORY: textOf(github.repository),
    GITHUB_REF_NAME: textOf(github.ref_name),
    GITHUB_RUN_ID: textOf(github.run_id),
    GITHUB_API_URL: textOf(github.api_url),
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_EVENT_PATH: event,
    RUNNER_TEMP: temporary,
    // The synthetic remotes are paths; a test's own commits need no identity.
    GIT_CONFIG_GLOBAL: gitEnv.GIT_CONFIG_GLOBAL,
    GIT_CONFIG_NOSYSTEM: gitEnv.GIT_CONFIG_NOSYSTEM,
  };
}

/** `bash -e`, as the forge runs a step without a shell of its own, and with pipefail where it names bash. */
function bash(
  step: Step,
  cwd: string,
  env: Inputs,
  script: string,
): Promise<{ readonly status: number; readonly log: string }> {
  if (step.run === undefined) throw new Error('a step runs or uses something');
  if (step.run.includes('${{')) throw new Error(`a script with an expression in it: ${step.run}`);
  writeFileSync(script, step.run);
  const options = step.shell === 'bash' ? ['--noprofile', '--norc', '-eo', 'pipefail'] : ['-e'];
  return new Promise((resolve, reject) => {
    const child = spawn('bash', [...options, script], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        log += chunk.toString('utf8');
      });
    child.on('error', reject);
    child.on('close', (status) => resolve({ status: status ?? 1, log }));
  });
}

/** For an action that is composite: its steps with inputs, as `uses: ./` runs them. */
export async function runComposite(
  text: string,
  given: Inputs,
  action: string,
  run: Machine & { readonly workspace: string },
) {
  const { inputs, outputs, runs } = parse(text) as {
    readonly inputs: Readonly<Record<string, { readonly default?: unknown }>>;
    readonly outputs: Readonly<Record<string, { readonly value: string }>>;
    readonly runs: { readonly using: string; readonly steps: readonly Step[] };
  };
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(inputs, name));
  if (runs.using !== 'composite' || unknown !== undefined) throw new Error(`no input ${unknown}`);
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, { default: text }]) => [name, given[name] ?? textOf(text)]),
  );
  const known: Record<string, unknown> = {};
  const machine = mkdtempSync(join(run.folder, 'action-'));
  const progress = { isFailed: false, isCancelled: false };
  let [log, summary, status] = ['', '', 0];
  for (const [index, step] of runs.steps.entries()) {
    const contexts: Contexts = { github: run.github, inputs: values, steps: known };
    if (step.uses !== undefined) {
      if (STAND_INS[step.uses.split('@')[0] ?? ''] === undefined) throw new Error(`no stand-in for ${step.uses}`);
      continue;
    }
    if (status !== 0) continue;
    const files = stepFiles(join(machine, `step-${index}`));
    const own = Object.entries(step.env ?? {}).map(([name, value]) => [
      name,
      textOf(interpolate(textOf(value), contexts, progress)),
    ]);
    const env = {
      ...machineEnv(run, run.workspace, machine),
      GITHUB_ACTION_PATH: action,
      ...Object.fromEntries(own),
      ...files.env,
    };
    const result = await bash(step, run.workspace, env, files.script);
    const read = files.read();
    if (step.id !== undefined) known[step.id] = { outputs: read.outputs };
    log += result.log;
    summary += read.said;
    status = result.status;
  }
  const said = Object.entries(outputs).map(([name, { value }]) => [
    name,
    textOf(interpolate(value, { steps: known }, progress)),
  ]);
  return { status, log, summary, outputs: Object.fromEntries(said) as Inputs };
}
