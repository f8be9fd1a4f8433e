import type { Command } from 'commander';
import { type CommandLine, type Opts, textOf } from './command-line.ts';

/** A workflow hands on an input that nobody gave as an empty text. */
const givenOf = (value: unknown): string | null => textOf(value) || null;

/** The commands that workflows are made of: `plan`, `step` and `archive fetch`. */
export function addWorkflow({ program, add, contextOf, done }: CommandLine, archive: Command): void {
  add(program, 'plan', 'the shares of a scan of the lists’ archives, as a matrix for a workflow with --json', [
    'bitwatch plan --shards 4 --json',
  ])
    .requiredOption('--shards <n>', 'how many shares an archive has that was never read')
    .option('--state <file>', 'where the state of the scans is kept')
    .action(async (opts: Opts, command: Command) =>
      done(
        await (await import('./plan.ts')).planCommand(contextOf(command), {
          shards: String(opts.shards),
          state: givenOf(opts.state),
        }),
      ),
    );
  add(archive, 'fetch <archive>', 'brings the mirror of a list’s epoch up to date and prints where it is', [
    'bitwatch archive fetch kvm/0',
  ])
    .option('--tip <commit>', 'read up to this commit, as the plan says')
    .action(async (name: string, opts: Opts, command: Command) =>
      (await import('./plan.ts')).archiveFetchCommand(contextOf(command), name, givenOf(opts.tip)),
    );
  add(program, 'step [command...]', 'runs a command as a step of a workflow: log, outputs, summary, annotations', [
    'bitwatch step -- sync --cache .cache/clones',
    'bitwatch step --directory reports -- check --fail-on error',
  ])
    .option('--directory <dir>', 'where reports go', 'reports')
    .action(async (words: string[], opts: Opts, command: Command) =>
      done(
        await (await import('./step.ts')).stepCommand(contextOf(command), words, { directory: String(opts.directory) }),
      ),
    );
}
