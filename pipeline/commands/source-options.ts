import type { Command } from 'commander';
import { type CommandLine, type Opts, textOf } from './command-line.ts';

/** What reads sources: `sync`, `extract` and `cache`. */
export function addSources({ program, add, group, contextOf, done }: CommandLine): void {
  add(program, 'sync', 'fetches the sources of specs/sources.yaml and extracts new releases and policies into specs/', [
    'bitwatch sync --only niooss',
    'bitwatch sync --cache /var/cache/bitwatch',
  ])
    .option('--only <name>', 'only this source')
    .action(async (opts: Opts, command: Command) =>
      done(await (await import('./sync.ts')).syncCommand(contextOf(command), textOf(opts.only))),
    );
  const extract = group('extract', 'prints what one revision says');
  const addExtract = (kind: string, description: string): Command =>
    add(extract, `${kind} <gitdir> [rev]`, description, [`bitwatch extract ${kind} ../repository HEAD --json`]);
  addExtract('module', 'a revision of the TDX module source: the class of every CPUID bit').action(
    async (path: string, revision: string | undefined, _opts: Opts, command: Command) => {
      const context = contextOf(command);
      context.stdout.write(
        await (await import('./extract.ts')).extractModuleCommand(context, path, revision ?? 'HEAD'),
      );
    },
  );
  addExtract('kvm', 'a revision of a Linux kernel: what KVM does with a TD’s CPUID bits')
    .option('--history <range>', 'every revision of REV-RANGE where the policy changed')
    .action(async (path: string, revision: string | undefined, opts: Opts, command: Command) => {
      const context = contextOf(command);
      const module = await import('./extract.ts');
      const range = textOf(opts.history);
      context.stdout.write(
        range === null
          ? await module.extractKvmCommand(context, path, revision ?? 'HEAD')
          : await module.extractKvmHistory(context, path, range),
      );
    });
  addExtract('names', 'a revision of a Linux kernel: the names of CPUID bits, as specs/names.yaml holds them').action(
    async (path: string, revision: string | undefined, _opts: Opts, command: Command) => {
      const context = contextOf(command);
      context.stdout.write(await (await import('./extract.ts')).extractNamesCommand(context, path, revision ?? 'HEAD'));
    },
  );
  addExtract('clobbers', 'a revision of the TDX module source: the MSRs that it leaves changed').action(
    async (path: string, revision: string | undefined, _opts: Opts, command: Command) => {
      const context = contextOf(command);
      context.stdout.write(
        await (await import('./extract.ts')).extractClobbersCommand(context, path, revision ?? 'HEAD'),
      );
    },
  );
  add(program, 'cache', 'reads and validates specs/ and keeps the parsed form beside the program (part of the build)', [
    'bitwatch cache',
  ]).action(async (_opts: Opts, command: Command) => (await import('./cache.ts')).cacheCommand(contextOf(command)));
}
