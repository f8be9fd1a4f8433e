import { type Command, CommanderError } from 'commander';
import { EXIT, UsageError } from '../model/errors.ts';
import { type CommandLine, commandLine, type Opts } from './command-line.ts';
import { completionScript } from './completion.ts';
import type { Surroundings } from './context.ts';
import { addMail } from './mail-options.ts';
import { addPublish } from './publish-options.ts';
import { addReports } from './report-options.ts';
import { addSources } from './source-options.ts';
import { addWorkflow } from './workflow-options.ts';

/** `report` is the command where none is named, also behind its options. */
const withDefault = (args: readonly string[]): string[] => {
  const [first] = args;
  const isReport = first === undefined || (first.startsWith('-') && !/^(?:-h|--help|-V|--version)$/.test(first));
  return isReport ? ['report', ...args] : [...args];
};

/** Runs one command line. Resolves to the exit status; known errors of the command line are thrown as UsageError. */
export async function runProgram(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let status: number = EXIT.clean;
  const program = createProgram(
    commandLine(surroundings, (code) => {
      status = code;
    }),
  );
  try {
    await program.parseAsync(withDefault(args), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help and version end here too, with 0.
    if (error.exitCode === 0) return EXIT.clean;
    // What commander says here is no sentence: it would have written its help to standard error.
    if (error.code === 'commander.help')
      throw new UsageError('which command? --help lists them', {
        cause: error,
      });
    throw new UsageError(
      error.message.replace(/^error: /, '').replace(/\n\(Did you mean (.*?)\?\)/, '; did you mean $1?'),
      { cause: error },
    );
  }
  return status;
}

function createProgram(line: CommandLine): Command {
  const { program, add, contextOf } = line;
  addReports(line);
  addSources(line);
  const archive = addMail(line);
  addPublish(line);
  addWorkflow(line, archive);
  add(program, 'completion <shell>', 'a completion script for bash, zsh or fish', [
    'source <(bitwatch completion bash)',
  ]).action((shell: string, _opts: Opts, command: Command) =>
    contextOf(command).stdout.write(completionScript(shell, program)),
  );
  return program;
}
