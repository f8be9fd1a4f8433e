import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { appendTo, outputsText } from '../deliver/actions/files.ts';
import { inputArguments, type StepInputs, stepInputs } from '../deliver/actions/inputs.ts';
import { lineWriter } from '../deliver/actions/log.ts';
import { resultWord, stepAnnotation, stepSummary } from '../deliver/actions/summary.ts';
import { claim, removeOwned } from '../disk/owned.ts';
import { EXIT, KnownError, UsageError } from '../model/errors.ts';
import type { CommandLine, Context, Opts, Run } from './command-line.ts';

/** `bitwatch step -- COMMAND…`. */
export function declare({ program, addFor, contextOf, run, done }: CommandLine): void {
  addFor([])(
    program,
    'step [command...]',
    'runs a command as a step of a workflow: log, outputs, summary, annotations',
    ['bitwatch step -- sync --cache .cache/clones', 'bitwatch step --directory reports -- check --fail-on error'],
  )
    .option('--directory <dir>', 'where reports go', 'reports')
    .action(async (words: string[], opts: Opts, command: Command) =>
      done(await stepCommand(contextOf(command), words, { directory: String(opts.directory) }, run)),
    );
}

/** A step that a workflow words itself: no input says how. */
const PLAIN: StepInputs = { directory: null, annotations: true, approval: null };

/** Commands that leave findings; their files go to the step's directory. */
const REPORTING = new Set(['report', 'review', 'check']);
const FILES = {
  summary: 'summary.md',
  json: 'findings.json',
  comment: 'comment.md',
  markdown: 'report.md',
  annotations: 'annotations.txt',
} as const;

/**
 * `bitwatch step -- COMMAND…`: runs a command as a step of a workflow. Its lines go to the log as text that commands nothing,
 * its result to GITHUB_OUTPUT and GITHUB_STEP_SUMMARY; findings become annotations. Without a command the action's inputs
 * name it. Resolves to the command's own status, or to 0 where a label approves what it found.
 */
async function stepCommand(
  context: Context,
  words: readonly string[],
  options: { readonly directory: string },
  run: Run,
): Promise<number> {
  const { args, inputs } = words.length === 0 ? actionOf(context) : { args: words, inputs: PLAIN };
  const [name = ''] = args;
  checkCommand(name, args);
  const directory = inputs.directory ?? options.directory;
  // What an earlier run left there would read as this run's.
  if (REPORTING.has(name)) removeOwned(directory, Object.values(FILES));
  const said: string[] = [];
  const printed: string[] = [];
  const log = tee(context.stdout.write, said, printed);
  const complaints: string[] = [];
  const errors = tee(context.stderr.write, said, complaints);
  const { env, today, home, timing } = context;
  const found = await run(withFiles(name, args, directory), {
    // A log shows escapes as marks.
    env: { ...env, NO_COLOR: '1' },
    today,
    home,
    ...(timing === undefined ? {} : { timing }),
    stdout: { isTerminal: false, write: log.write },
    stderr: { isTerminal: false, write: errors.write },
  });
  log.end();
  errors.end();
  const isApproved = found === EXIT.findings && inputs.approval !== null;
  const status = isApproved ? EXIT.clean : found;
  if (REPORTING.has(name)) claim(directory, Object.values(FILES));
  const file = (format: keyof typeof FILES): string | null => readIf(join(directory, FILES[format]));
  const markdown = REPORTING.has(name) ? file('summary') : null;
  // Only these lines are commands to the runner; the report has made their texts harmless.
  if (markdown !== null && inputs.annotations) context.stdout.write(file('annotations') ?? '');
  context.stdout.write(stepAnnotation(name, status, complaints.join('')));
  appendTo(
    env.GITHUB_OUTPUT,
    outputsText({
      status: String(status),
      result: isApproved ? 'approved' : resultWord(status),
      ...handedOn(name, directory, printed.join('')),
    }),
  );
  appendTo(
    env.GITHUB_STEP_SUMMARY,
    stepSummary(
      args.join(' '),
      found,
      markdown === null ? { lines: said.join('') } : { markdown },
      isApproved ? inputs.approval : null,
    ),
  );
  return status;
}

/** What the action's inputs ask for. Inputs that are wrong are told as a run with them would be, and thrown. */
function actionOf({ env, stdout }: Context): { readonly args: readonly string[]; readonly inputs: StepInputs } {
  try {
    return { args: inputArguments(env), inputs: stepInputs(env) };
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    const { status, message } = error;
    stdout.write(stepAnnotation('step', status, `bitwatch: ${message}`));
    appendTo(env.GITHUB_OUTPUT, outputsText({ status: String(status), result: resultWord(status) }));
    appendTo(env.GITHUB_STEP_SUMMARY, stepSummary('step', status, { lines: message }));
    throw error;
  }
}

function checkCommand(name: string, args: readonly string[]): void {
  if (name === 'step') throw new UsageError('step: a step in a step does nothing');
  if (REPORTING.has(name) && args.some((arg) => /^--directory(=|$)/.test(arg)))
    throw new UsageError('step: --directory goes before the command, so that the step finds what it wrote');
}

/** What the steps after it take from some commands. */
function handedOn(name: string, directory: string, printed: string): Readonly<Record<string, string>> {
  if (REPORTING.has(name)) {
    const findings = readIf(join(directory, FILES.json));
    return findings === null ? {} : { directory, ...countsOf(findings) };
  }
  if (name === 'plan') return matrixOf(printed);
  return name === 'sync' ? { changed: String(/: wrote specs\//.test(printed)) } : {};
}

/** A stream of a step: harmless lines to the log, the text itself to the keepers. */
function tee(write: (text: string) => void, ...kept: readonly string[][]): ReturnType<typeof lineWriter> {
  const log = lineWriter(write);
  return {
    write: (text) => {
      log.write(text);
      for (const each of kept) each.push(text);
    },
    end: log.end,
  };
}

/** The command line with the files that a step leaves. */
function withFiles(name: string, args: readonly string[], directory: string): readonly string[] {
  if (!REPORTING.has(name)) return args;
  const outs = Object.entries(FILES).flatMap(([format, file]) => ['--out', `${format}=${join(directory, file)}`]);
  // `report` writes its own pages, with these names among them.
  const own =
    name === 'report' ? ['--directory', directory] : [...outs, ...(args.includes('--json') ? [] : ['--out', 'text=-'])];
  return [name, ...own, ...args.slice(1)];
}

const readIf = (file: string): string | null => (existsSync(file) ? readFileSync(file, 'utf8') : null);

/** How many findings, by level. */
function countsOf(json: string): Readonly<Record<string, string>> {
  const { counts } = JSON.parse(json) as { readonly counts: Readonly<Record<string, number>> };
  return {
    errors: String(counts.error ?? 0),
    warnings: String(counts.warning ?? 0),
    infos: String(counts.info ?? 0),
    decided: String(counts.decided ?? 0),
  };
}

/** A plan as outputs: the matrix in one line, and how many jobs it has. */
function matrixOf(printed: string): Readonly<Record<string, string>> {
  if (!printed.startsWith('{')) return {};
  const matrix = JSON.parse(printed) as { readonly include: readonly unknown[] };
  return { matrix: JSON.stringify(matrix), count: String(matrix.include.length) };
}
