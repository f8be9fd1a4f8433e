import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Contexts, interpolate, textOf } from './expression.ts';
import { bash, machineEnv, stepFiles } from './machine.ts';
import type { Machine, Step } from './runner.ts';
import { type Inputs, STAND_INS } from './stand-ins.ts';

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
