import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gitEnv } from '../helpers/repository.ts';
import { textOf } from './expression.ts';
import type { Machine, Step } from './runner.ts';
import { readOutputs } from './runner-files.ts';
import type { Inputs } from './stand-ins.ts';

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
export function machineEnv(run: Machine, workspace: string, temporary: string): Inputs {
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
export function bash(
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
