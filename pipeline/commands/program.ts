import { Command, CommanderError, Option } from 'commander';
import { EXIT, UsageError } from '../model/errors.ts';
import { LEVELS, type Level } from '../model/finding.ts';
import { FORMAT_NAMES, VERSION } from '../report/formats.ts';
import { completionScript } from './completion.ts';
import type { Common, Context, Surroundings } from './context.ts';
import { addMail } from './mail-options.ts';
import { addPublish } from './publish-options.ts';
import { addWorkflow } from './workflow-options.ts';

type Opts = Readonly<Record<string, unknown>>;
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const collect = (value: string, all: readonly string[]): readonly string[] => [...all, value];

/** `report` is the command where none is named, also behind its options. */
const withDefault = (args: readonly string[]): string[] => {
  const [first] = args;
  const isReport = first === undefined || (first.startsWith('-') && !/^(?:-h|--help|-V|--version)$/.test(first));
  return isReport ? ['report', ...args] : [...args];
};

/** Runs one command line. Resolves to the exit status; known errors of the command line are thrown as UsageError. */
export async function runProgram(args: readonly string[], surroundings: Surroundings): Promise<number> {
  let status: number = EXIT.clean;
  const program = createProgram(surroundings, (code) => {
    status = code;
  });
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

function createProgram(surroundings: Surroundings, done: (status: number) => void): Command {
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
      '\nExit status: 0 clean, 100 findings at or above --fail-on, 64 usage, 65 bad data, 66 no such input,\n69 source unavailable, 70 a bug, 75 incomplete.\n\nExamples:\n  bitwatch report\n  bitwatch review 2.0.08 --kvm 6.16.1\n  bitwatch explain WAITPKG\n  bitwatch history 7.1.EAX[19]\n  bitwatch diff 1.5.05 1.5.06 --json',
    );
  const contextOf = (command: Command): Context => ({
    ...surroundings,
    options: commonOf(command.optsWithGlobals(), surroundings),
  });
  const add = (name: string, description: string, example: string): Command =>
    withCommon(
      program
        .command(name)
        .description(description)
        .exitOverride()
        .configureOutput({ writeOut: surroundings.stdout.write, writeErr: () => {} })
        .addHelpText('after', `\nExamples:\n  ${example}`),
    );

  add(
    'report',
    'every successive release pair and every release under every KVM version; writes reports/',
    'bitwatch report --archive ../kvm/git/0.git\n  bitwatch report --out sarif=out.sarif --out markdown=out.md',
  )
    .option('--directory <dir>', 'where the pages go', 'reports')
    .option('--base <dir>', 'only what the specifications in this directory do not give')
    .option('--since <release>', 'a changelog in Markdown of what is newer than this release, on standard output')
    .option('--archive <path>', 'a mail archive whose discussions the page shows, several times', collect, [])
    .option('--state <file>', 'where the state of the scan is kept')
    .action(async (opts: Opts, command: Command) => {
      const archives = Array.isArray(opts.archive) ? opts.archive.map(String) : [];
      if (opts.since !== undefined && archives.length > 0)
        throw new UsageError('--archive fills the page of bits, which --since does not write');
      if (opts.since !== undefined)
        return (await import('./changelog.ts')).changelogCommand(contextOf(command), String(opts.since));
      return (await import('./report.ts')).reportCommand(contextOf(command), {
        directory: String(opts.directory),
        base: textOf(opts.base),
        archives,
        state: textOf(opts.state),
      });
    });
  add(
    'sync',
    'fetches the sources of specs/sources.yaml and extracts new releases and policies into specs/',
    'bitwatch sync --only niooss\n  bitwatch sync --cache /var/cache/bitwatch',
  )
    .option('--only <name>', 'only this source')
    .action(async (opts: Opts, command: Command) =>
      done(await (await import('./sync.ts')).syncCommand(contextOf(command), textOf(opts.only))),
    );
  const extract = program.command('extract').description('prints what one revision says').exitOverride();
  const addExtract = (kind: string, description: string) =>
    withCommon(
      extract
        .command(`${kind} <gitdir> [rev]`)
        .description(description)
        .exitOverride()
        .configureOutput({ writeOut: surroundings.stdout.write, writeErr: () => {} })
        .addHelpText('after', `\nExamples:\n  bitwatch extract ${kind} ../repository HEAD --json`),
    );
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
  add(
    'diff <a> <b>',
    'A, B: a release, a KVM version, a specification file, or GITDIR@REV',
    'bitwatch diff 1.5.06 2.0.08\n  bitwatch diff 1.5.06 ../tdx-module@HEAD --json',
  ).action(async (a: string, b: string, _opts: Opts, command: Command) =>
    (await import('./diff.ts')).diffCommand(contextOf(command), a, b),
  );
  add(
    'review <release>',
    'the release-review report',
    'bitwatch review 2.0.08 --kvm 6.16.1\n  bitwatch review 2.0.08 --since 1.5.06 --out markdown=review.md',
  )
    .option('--kvm <policy>', 'one KVM version instead of all')
    .option('--since <release>', 'only what is new since this release')
    .option('--suggest <gitdir@rev>', 'a draft patch against that kernel tree for each bit that needs a decision')
    .action(async (release: string, opts: Opts, command: Command) => {
      const tree = textOf(opts.suggest);
      if (tree !== null)
        return (await import('./suggest-patch.ts')).suggestCommand(
          contextOf(command),
          release,
          tree,
          textOf(opts.since),
        );
      return (await import('./review.ts')).reviewCommand(contextOf(command), release, {
        kvm: textOf(opts.kvm),
        since: textOf(opts.since),
      });
    });
  add(
    'check',
    'the gate for CI',
    'bitwatch check --fail-on error\n  bitwatch check --fail-on warning --strict --out annotations=-',
  )
    .addOption(
      new Option('--fail-on <level>', 'the level from which a finding fails the check')
        .choices(LEVELS)
        .default('error'),
    )
    .option('--strict', 'waivers that match nothing or have expired fail too')
    .option('--base <dir>', 'only what the specifications in this directory do not give')
    .action(async (opts: Opts, command: Command) =>
      done(
        await (await import('./review.ts')).checkCommand(contextOf(command), {
          failOn: levelOf(opts.failOn),
          strict: opts.strict === true,
          base: textOf(opts.base),
        }),
      ),
    );
  add(
    'explain <what>',
    'a bit, a feature, a rule or a finding',
    'bitwatch explain WAITPKG\n  bitwatch explain native-added',
  ).action(async (what: string, _opts: Opts, command: Command) =>
    (await import('./explain.ts')).explainCommand(contextOf(command), what),
  );
  add(
    'history <bit>',
    'a bit’s class per release and verdict per KVM version',
    'bitwatch history 7.1.EAX[19]\n  bitwatch history WRMSRNS --archive ../kvm/git/0.git',
  )
    .option('--archive <path>', 'a mail archive in which the bit may be discussed, several times', collect, [])
    .option('--state <file>', 'where the state of the scan is kept')
    .action(async (bit: string, opts: Opts, command: Command) =>
      (await import('./history.ts')).historyCommand(contextOf(command), bit, {
        archives: Array.isArray(opts.archive) ? opts.archive.map(String) : [],
        state: textOf(opts.state),
      }),
    );
  add('rules', 'the catalogue', 'bitwatch rules --json').action(async (_opts: Opts, command: Command) =>
    (await import('./rules.ts')).rulesCommand(contextOf(command)),
  );
  add(
    'waive [fingerprint]',
    'accepts a finding, with a reason, in specs/waivers.yaml',
    'bitwatch waive 0123456789abcdef --reason "not offered to guests" --by "A. Name" --until 2027-06-30\n  bitwatch waive --prune',
  )
    .option('--reason <text>', 'why it is accepted')
    .option('--by <name>', 'who accepts it')
    .option('--until <day>', 'the last day on which it holds')
    .option('--prune', 'removes waivers that match nothing or have expired')
    .action(async (fingerprint: string | undefined, opts: Opts, command: Command) =>
      (await import('./waive.ts')).waiveCommand(contextOf(command), fingerprint ?? null, {
        reason: textOf(opts.reason),
        by: textOf(opts.by),
        until: textOf(opts.until),
        prune: opts.prune === true,
      }),
    );
  add(
    'abi <release> <file>',
    'a release’s tables against Intel’s cpuid_virtualization.json, bit by bit; 100 where they differ',
    'bitwatch abi 1.5.06 cpuid_virtualization.json',
  ).action(async (release: string, file: string, _opts: Opts, command: Command) =>
    done(await (await import('./abi.ts')).abiCommand(contextOf(command), release, file)),
  );
  const archive = program
    .command('archive')
    .description('mail archives: public-inbox git repositories, mbox, maildir, .eml')
    .exitOverride();
  withCommon(
    archive
      .command('scan <paths...>')
      .description('reads what is new and keeps a small state: threads that name TDX, and what was skipped and why')
      .exitOverride()
      .configureOutput({ writeOut: surroundings.stdout.write, writeErr: () => {} })
      .addHelpText(
        'after',
        '\nExamples:\n  bitwatch archive scan ../kvm/git/0.git ../linux-coco/git/0.git\n  bitwatch archive scan kvm/git/0.git --shard 1/4 --part part-1.json',
      ),
  )
    .option('--state <file>', 'where the state is kept')
    .option('--jobs <n>', 'reader processes at once')
    .option('--shard <i/n>', 'only this share of what is new')
    .option('--part <file>', 'where a share goes')
    .option('--subjects', 'lists TDX patch subjects only')
    .action(async (paths: string[], opts: Opts, command: Command) =>
      (await import('./archive.ts')).archiveScanCommand(contextOf(command), paths, {
        state: textOf(opts.state),
        shard: textOf(opts.shard),
        part: textOf(opts.part),
        subjects: opts.subjects === true,
        jobs: textOf(opts.jobs),
      }),
    );
  add(
    'merge <parts...>',
    'joins the shards of a scan to what one run would have left',
    'bitwatch merge part-1.json part-2.json --state archives.json',
  )
    .option('--state <file>', 'where the state is kept')
    .action(async (parts: string[], opts: Opts, command: Command) =>
      (await import('./archive.ts')).mergeCommand(contextOf(command), parts, textOf(opts.state)),
    );
  addPublish(program, withCommon, contextOf, done);
  addWorkflow(program, archive, withCommon, contextOf, done);
  addMail({ add, contextOf, collect, done });
  add(
    'series <file-or-message-id>',
    'what a patch series does to KVM’s policy and to the TDs of every release',
    'bitwatch series series.mbox --kernel ../linux\n  bitwatch series 20260618120000.1-1-a@example.org --archive ../kvm/git/0.git --kernel ../linux --base v6.16',
  )
    .option('--archive <path>', 'a mail archive, several times', collect, [])
    .option('--state <file>', 'where the state of the scan is kept')
    .option('--kernel <gitdir>', 'a clone of Linux; nothing is written to it')
    .option('--base <rev>', 'what to apply it to, instead of what it names or what is found')
    .action(async (operand: string, opts: Opts, command: Command) =>
      done(
        await (await import('./series.ts')).seriesCommand(contextOf(command), operand, {
          archives: Array.isArray(opts.archive) ? opts.archive.map(String) : [],
          state: textOf(opts.state),
          kernel: textOf(opts.kernel),
          base: textOf(opts.base),
        }),
      ),
    );
  add(
    'cache',
    'reads and validates specs/ and keeps the parsed form beside the program (part of the build)',
    'bitwatch cache',
  ).action(async (_opts: Opts, command: Command) => (await import('./cache.ts')).cacheCommand(contextOf(command)));
  add('completion <shell>', 'a completion script for bash, zsh or fish', 'source <(bitwatch completion bash)').action(
    (shell: string, _opts: Opts, command: Command) => contextOf(command).stdout.write(completionScript(shell, program)),
  );
  return program;
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
    .option('--no-color', 'no colour (also NO_COLOR)')
    .option('--offline', 'fetches nothing')
    .option('--specs <dir>', 'another directory of specifications')
    .option('--cache <dir>', 'where clones are kept');
}

function commonOf(opts: Opts, { env, stdout }: Surroundings): Common {
  return {
    json: opts.json === true,
    quiet: opts.quiet === true,
    color: opts.color !== false && (env.NO_COLOR ?? '') === '' && stdout.isTerminal,
    offline: opts.offline === true,
    specs: textOf(opts.specs),
    cache: textOf(opts.cache),
    out: Array.isArray(opts.out) ? opts.out.map(String) : [],
  };
}

const levelOf = (value: unknown): Level => LEVELS.find((level) => level === value) ?? 'error';
