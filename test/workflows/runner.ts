import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Contexts, interpolate, isWanted, type Progress, textOf } from './expression.ts';
import { bash, machineEnv, stepFiles } from './machine.ts';
import { type Forge, type Inputs, STAND_INS } from './stand-ins.ts';

/** One step as a workflow or an action has it. */
export type Step = {
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

export type Machine = Omit<Run, 'forge'> & { readonly forge: Forge };
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
  // A token of a job that only reads is another one, which the forge lets write nothing.
  const writes = Object.values(job.permissions ?? {}).includes('write');
  const github = { ...run.github, token: writes ? run.github.token : 'a-token-that-reads' };
  const rows = matrixRows(job.strategy?.matrix, contexts, progress);
  const results: JobResult[] = [];
  for (const matrix of rows) results.push(await runOnMachine(id, job, run, { ...contexts, github, matrix }));
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
