import { Command, Option } from 'commander';
import type { Context as CaseContext } from '../cases/context.ts';
import type { Timing } from '../deliver/github/client.ts';
import { checkOutputs } from '../disk/target.ts';
import { type OutputFile, writeFiles } from '../disk/write.ts';
import { UsageError } from '../model/errors.ts';
import { LEVELS, type Level } from '../model/finding.ts';
import { suggest } from '../model/suggest.ts';
import { coloured } from '../report/colour.ts';
import { VERSION } from '../report/format-names.ts';
import { jsonText } from '../report/machine.ts';

/** What a run gets from outside: arguments come apart, everything else comes here. */
export type Surroundings = Pick<CaseContext, 'env' | 'today' | 'home'> & {
  readonly stdout: { readonly write: (text: string) => void; readonly isTerminal: boolean };
  readonly stderr: { readonly write: (text: string) => void; readonly isTerminal: boolean };
  /** The time in epoch seconds, for the Date of a reply; where there is none, the caller has to name one. */
  readonly now?: () => number;
  /** How a run waits for a forge; the program's own waits where it is not given. */
  readonly timing?: Timing;
};

/** Options that every command takes. */
type Common = CaseContext['options'] & {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly color: boolean;
  /** `FORMAT=PATH`, each. */
  readonly out: readonly string[];
};

export type Context = CaseContext & Surroundings & { readonly options: Common };

export type Opts = Readonly<Record<string, unknown>>;
export const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
/** The values of an option that may stand several times. */
export const textsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : []);
/** `--fail-on LEVEL`; without a default, findings never fail the command. */
export const failOnOption = (description: string): Option =>
  new Option('--fail-on <level>', description).choices(LEVELS);
export const levelOf = (value: unknown): Level | null => LEVELS.find((level) => level === value) ?? null;
/** What every `--kvm` takes. */
export const KVM_OPTION = [
  '--kvm <kvm>',
  'one KVM instead of all: a version, a specification file, or GITDIR[@REV]',
] as const;
export const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value];

/** Prints a text, in colour on a terminal that shows it; a file never gets any. */
export const printText = ({ options, stdout }: Context, text: string): void =>
  stdout.write(options.color ? coloured(text) : text);

/** What a command answers in that reports no findings. */
const ANSWER_FORMATS = ['text', 'json'] as const;

/** A format and the file that it goes to; `-` is standard output. */
export type Target<F extends string> = { readonly format: F; readonly path: string };

function targetOf<F extends string>(text: string, formats: readonly F[]): Target<F> {
  const at = text.indexOf('=');
  const [name, path] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  const format = formats.find((known) => known === name);
  if (path === '')
    throw new UsageError(
      `--out ${JSON.stringify(text)}: expected FORMAT=PATH with FORMAT one of ${formats.join(', ')}`,
    );
  if (format === undefined)
    throw new UsageError(
      `--out: no format ${JSON.stringify(name)}${suggest(name, formats)}; formats: ${formats.join(', ')}`,
    );
  return { format, path };
}

/** `--out FORMAT=PATH`, several in one run; `-` is standard output, where text alone can go. */
export function targetsOf<F extends string>(
  out: readonly string[],
  formats: readonly F[],
  binary: readonly F[] = [],
): readonly Target<F>[] {
  const targets = out.map((text) => targetOf(text, formats));
  const bytes = targets.find(({ format, path }) => path === '-' && binary.includes(format));
  if (bytes !== undefined) throw new UsageError(`--out ${bytes.format}: mails are bytes: name a file`);
  const twice = targets.find(({ path }, index) => targets.findIndex((other) => other.path === path) !== index);
  if (twice !== undefined) throw new UsageError(`--out: ${JSON.stringify(twice.path)} is named twice`);
  return targets;
}

/** What goes into a file or to standard output; loaded or worked out only where it is asked for. */
type Content = string | Buffer | Promise<string | Buffer>;

/**
 * Writes the files that were asked for, then what goes to standard output: the machine format with --json, and where nothing is
 * asked for the plain format of the command.
 */
export async function printFormats<F extends string>(
  context: Context,
  targets: readonly Target<F>[],
  contentOf: (format: F | 'json') => Content,
  plainFormat: F,
): Promise<void> {
  const files: OutputFile[] = [];
  for (const { format, path } of targets) if (path !== '-') files.push({ path, content: await contentOf(format) });
  writeFiles(files);
  const printed = targets.filter(({ path }) => path === '-');
  for (const { format } of printed) context.stdout.write(String(await contentOf(format)));
  if (printed.length > 0) return;
  if (context.options.json) context.stdout.write(String(await contentOf('json')));
  else if (targets.length === 0) printText(context, String(await contentOf(plainFormat)));
}

/** What a command has to say that reports no findings: as text, and in the machine format. */
type Answer = { readonly text: () => string | Promise<string>; readonly json: () => unknown };

/** Prints an answer in every format that was asked for. */
export const printAnswer = (context: Context, { text, json }: Answer): Promise<void> =>
  printFormats(
    context,
    targetsOf(context.options.out, ANSWER_FORMATS),
    (format) => (format === 'json' ? jsonText(json()) : text()),
    'text',
  );

/** One run of the program with other arguments. */
export type Run = (args: readonly string[], surroundings: Surroundings) => Promise<number>;

/** A command below a parent, with the options that all take, and examples behind its help. */
type Add = (parent: Command, name: string, description: string, examples: readonly string[]) => Command;

/** What commands declare themselves to. */
export type CommandLine = {
  readonly program: Command;
  /** A command that answers in text and JSON. */
  readonly add: Add;
  /** A command with these formats instead: `--out` refuses others, and what no format is of it takes no `--json` or `--out`. */
  readonly addFor: (formats: readonly string[]) => Add;
  /** A command that only holds others. */
  readonly group: (name: string, description: string) => Command;
  readonly contextOf: (command: Command) => Context;
  /** The program itself, for a command that runs another. */
  readonly run: Run;
  /** Sets the exit status of the run. */
  readonly done: (status: number) => void;
};

export function commandLine(surroundings: Surroundings, run: Run, done: (status: number) => void): CommandLine {
  // Commands below inherit where help goes and that nothing exits on its own.
  const program = new Command('bitwatch')
    .description(
      'For every Intel TDX module release and every KVM version: which CPUID bits a guest may newly get, which of them clobber host state, and what KVM does about each.',
    )
    .version(VERSION)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeOut: surroundings.stdout.write, writeErr: () => {} })
    .addHelpText(
      'after',
      "\nExit status: 0 clean, 100 findings at or above --fail-on, 64 usage, 65 bad data, 66 no such input,\n69 source unavailable, 70 a bug, 73 cannot create, 74 input/output error, 75 incomplete,\n141 the reader of the output left.\n\nExamples:\n  bitwatch report\n  bitwatch review 2.0.08 --kvm 6.16.1\n  bitwatch explain WAITPKG\n  bitwatch history '7.1.EAX[19]'\n  bitwatch diff 1.5.05 1.5.06 --json",
    );
  const addFor =
    (formats: readonly string[]): Add =>
    (parent, name, description, examples) =>
      withCommon(parent.command(name).description(description), formats).addHelpText(
        'after',
        `\nExamples:\n  ${examples.join('\n  ')}`,
      );
  return {
    program,
    add: addFor(ANSWER_FORMATS),
    addFor,
    group: (name, description) => program.command(name).description(description),
    contextOf: (command) => {
      const options = commonOf(command.optsWithGlobals(), surroundings);
      // An output that cannot be written is refused before the work, not after it.
      checkOutputs(
        options.out.map((text) => text.replace(/^[^=]*=/, '')).filter((path) => path !== '-' && path !== ''),
      );
      const { stderr } = surroundings;
      const isShown = stderr.isTerminal && !options.quiet;
      return { ...surroundings, options, progress: (text) => (isShown ? stderr.write(`${text}\n`) : undefined) };
    },
    run,
    done,
  };
}

/** Options that every command takes, as far as it has formats. */
function withCommon(command: Command, formats: readonly string[]): Command {
  if (formats.includes('json')) command.option('--json', 'the machine format on standard output');
  if (formats.length > 0)
    command.option(
      '--out <format=path>',
      `writes a format to a file, several times in one run (${formats.join(', ')}); - is standard output`,
      (text: string, all: readonly string[]) => {
        targetOf(text, formats);
        return [...all, text];
      },
      [],
    );
  return command
    .option('--quiet', 'no progress')
    .option('--no-color', 'no colour (also NO_COLOR; FORCE_COLOR asks for it where there is no terminal)')
    .option('--offline', 'fetches nothing')
    .option('--specs <dir>', 'another directory of specifications')
    .option('--cache <dir>', 'where clones are kept');
}

/** FORCE_COLOR asks for colour where there is no terminal; 0 and false do not, and NO_COLOR wins. */
const isForced = (text: string | undefined): boolean => !['', '0', 'false', undefined].includes(text);

function commonOf(opts: Opts, { env, stdout }: Surroundings): Common {
  const out = Array.isArray(opts.out) ? opts.out.map(String) : [];
  const printed = out.find((text) => /^(?!json=).*=-$/.test(text));
  if (opts.json === true && printed !== undefined)
    throw new UsageError(`--json and --out ${printed} both go to standard output; name a file`);
  return {
    json: opts.json === true,
    quiet: opts.quiet === true,
    color: opts.color !== false && (env.NO_COLOR ?? '') === '' && (isForced(env.FORCE_COLOR) || stdout.isTerminal),
    offline: opts.offline === true,
    specs: textOf(opts.specs),
    cache: textOf(opts.cache),
    out,
  };
}
