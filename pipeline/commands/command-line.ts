import { Command, Option } from 'commander';
import type { Context as CaseContext } from '../cases/context.ts';
import type { Timing } from '../deliver/github/client.ts';
import { checkOutputs } from '../disk/target.ts';
import { LEVELS, type Level } from '../model/finding.ts';
import { coloured } from '../report/colour.ts';
import { FORMAT_NAMES, VERSION } from '../report/format-names.ts';

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

/** One run of the program with other arguments. */
export type Run = (args: readonly string[], surroundings: Surroundings) => Promise<number>;

/** What commands declare themselves to. */
export type CommandLine = {
  readonly program: Command;
  /** A command below a parent, with the options that all take, and examples behind its help. */
  readonly add: (parent: Command, name: string, description: string, examples: readonly string[]) => Command;
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
      'For every Intel TDX module release and every KVM version: which CPUID bits a guest may newly get,\nwhich of them clobber host state, and what KVM does about each.',
    )
    .version(VERSION)
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({ writeOut: surroundings.stdout.write, writeErr: () => {} })
    .addHelpText(
      'after',
      "\nExit status: 0 clean, 100 findings at or above --fail-on, 64 usage, 65 bad data, 66 no such input,\n69 source unavailable, 70 a bug, 73 cannot create, 74 input/output error, 75 incomplete,\n141 the reader of the output left.\n\nExamples:\n  bitwatch report\n  bitwatch review 2.0.08 --kvm 6.16.1\n  bitwatch explain WAITPKG\n  bitwatch history '7.1.EAX[19]'\n  bitwatch diff 1.5.05 1.5.06 --json",
    );
  return {
    program,
    add: (parent, name, description, examples) =>
      withCommon(parent.command(name).description(description)).addHelpText(
        'after',
        `\nExamples:\n  ${examples.join('\n  ')}`,
      ),
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

/** Options that every command takes. */
function withCommon(command: Command): Command {
  return command
    .option('--json', 'the machine format on standard output')
    .option(
      '--out <format=path>',
      `writes a format to a file, several times in one run (${FORMAT_NAMES.join(', ')}); - is standard output`,
      collect,
      [],
    )
    .option('--quiet', 'no progress')
    .option('--no-color', 'no colour (also NO_COLOR; FORCE_COLOR asks for it where there is no terminal)')
    .option('--offline', 'fetches nothing')
    .option('--specs <dir>', 'another directory of specifications')
    .option('--cache <dir>', 'where clones are kept');
}

/** FORCE_COLOR asks for colour where there is no terminal; 0 and false do not, and NO_COLOR wins. */
const isForced = (text: string | undefined): boolean => !['', '0', 'false', undefined].includes(text);

function commonOf(opts: Opts, { env, stdout }: Surroundings): Common {
  return {
    json: opts.json === true,
    quiet: opts.quiet === true,
    color: opts.color !== false && (env.NO_COLOR ?? '') === '' && (isForced(env.FORCE_COLOR) || stdout.isTerminal),
    offline: opts.offline === true,
    specs: textOf(opts.specs),
    cache: textOf(opts.cache),
    out: Array.isArray(opts.out) ? opts.out.map(String) : [],
  };
}
