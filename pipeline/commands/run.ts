import { type Command, CommanderError } from 'commander';
import { logLine } from '../deliver/actions/log.ts';
import { knownFault } from '../disk/fault.ts';
import { withTemporaries } from '../git/temporary.ts';
import { ClosedPipeError, EXIT, KnownError, UsageError } from '../model/errors.ts';
import { type CommandLine, commandLine, type Surroundings } from './command-line.ts';

type Declared = { readonly declare: (line: CommandLine) => void };

/** A word of the command line and the file that declares it. Only that file is loaded; for help, completion and a mistyped word all are. */
const COMMANDS: Readonly<Record<string, () => Promise<Declared>>> = {
  report: () => import('./report.ts'),
  review: () => import('./review.ts'),
  check: () => import('./check.ts'),
  diff: () => import('./diff.ts'),
  explain: () => import('./explain.ts'),
  history: () => import('./history.ts'),
  bits: () => import('./bits.ts'),
  list: () => import('./list.ts'),
  td: () => import('./td.ts'),
  host: () => import('./host.ts'),
  stack: () => import('./stack.ts'),
  decide: () => import('./decide.ts'),
  abi: () => import('./abi.ts'),
  extract: () => import('./extract.ts'),
  sync: () => import('./sync.ts'),
  archive: () => import('./archive.ts'),
  series: () => import('./series.ts'),
  reply: () => import('./reply.ts'),
  post: () => import('./post.ts'),
  publish: () => import('./publish.ts'),
  step: () => import('./step.ts'),
  completion: () => import('./completion.ts'),
};
/** Words that a file declares beside the one that it is named after. */
const ALSO: Readonly<Record<string, string>> = {
  rules: 'list',
  pool: 'host',
  update: 'stack',
  status: 'list',
  cache: 'sync',
  merge: 'archive',
  plan: 'archive',
};

/** One run: arguments and surroundings in, exit status out. A known error is one line; anything else is a bug and says so. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await withTemporaries(() => runProgram(withDefault(args), surroundings));
  } catch (error) {
    return failed(error, surroundings.stderr.write);
  }
}

/** Says what ended a run, and with which status: one line for what is known and for a fault of the machine, else a bug's trace. */
export function failed(error: unknown, write: (text: string) => void): number {
  const known = error instanceof KnownError ? error : knownFault(error);
  // As other tools of a pipe: `| head -1` has what it wanted.
  if (known instanceof ClosedPipeError) return known.status;
  if (known !== null) {
    write(`bitwatch: ${logLine(known.message)}\n`);
    return known.status;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  // A workflow shows these lines: what an error quotes must command nothing there.
  write(`bitwatch: a bug: ${text.split('\n').map(logLine).join('\n')}\n`);
  return EXIT.bug;
}

/** `report` is the command where none is named, also behind its options. */
const withDefault = (args: readonly string[]): readonly string[] => {
  const [first] = args;
  const isReport = first === undefined || (first.startsWith('-') && !/^(?:-h|--help|-V|--version)$/.test(first));
  return isReport ? ['report', ...args] : args;
};

/** The files that declare what a first word needs: its own, none for the version, all for help, completion and a mistyped word. */
function filesOf(word: string): readonly (() => Promise<Declared>)[] {
  if (word === '--version' || word === '-V') return [];
  const own = Object.hasOwn(COMMANDS, word) && word !== 'completion' ? COMMANDS[word] : undefined;
  return own === undefined ? Object.values(COMMANDS) : [own];
}

/** The command that the first words name, as far as they name one. */
const commandOf = (program: Command, [word, ...rest]: readonly string[]): Command => {
  const command = program.commands.find((each) => each.name() === word);
  return command === undefined ? program : commandOf(command, rest);
};

/** What is wrong with a command line, and how it goes. */
function commandLineText(error: CommanderError, command: Command): string {
  const names = command.commands.map((each) => each.name()).join(', ');
  const path = `${command.parent?.parent ? `${command.parent.name()} ` : ''}${command.name()}`;
  // What commander says here is no sentence: it would have written its help to standard error.
  if (error.code === 'commander.help') return `which command? bitwatch ${path} knows ${names}`;
  const text = error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*?)\?\)/, '; did you mean $1?');
  if (error.code === 'commander.missingArgument' || error.code === 'commander.excessArguments')
    return `${text.replace(/\.$/, '')}: bitwatch ${path} ${command.usage()}`;
  return error.code === 'commander.unknownCommand' && command.parent !== null ? `${text}; commands: ${names}` : text;
}

/** Known errors of the command line are thrown as UsageError. */
async function runProgram(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let status: number = EXIT.clean;
  const line = commandLine(surroundings, run, (code) => {
    status = code;
  });
  const [word = ''] = args;
  const own = Object.hasOwn(ALSO, word) ? (ALSO[word] ?? word) : word;
  const declared = await Promise.all(filesOf(own).map((each) => each()));
  for (const { declare } of declared) declare(line);
  try {
    await line.program.parseAsync([...args], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end here too, with 0.
    if (error.exitCode === 0) return EXIT.clean;
    throw new UsageError(commandLineText(error, commandOf(line.program, args)), { cause: error });
  }
  return status;
}
