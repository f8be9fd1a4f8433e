import { type Command, Option } from 'commander';
import { UsageError } from '../model/errors.ts';
import { LEVELS, type Level } from '../model/finding.ts';
import { type CommandLine, collect, type Opts, textOf, textsOf } from './command-line.ts';

/** What says something of releases and KVM versions: `report`, `diff`, `review`, `check`, `explain`, `history`, `rules`, `waive` and `abi`. */
export function addReports({ program, add, contextOf, done }: CommandLine): void {
  add(program, 'report', 'every successive release pair and every release under every KVM version; writes reports/', [
    'bitwatch report --archive ../kvm/git/0.git',
    'bitwatch report --out sarif=out.sarif --out markdown=out.md',
  ])
    .option('--directory <dir>', 'where the pages go', 'reports')
    .option('--base <dir>', 'only what the specifications in this directory do not give')
    .option('--since <release>', 'a changelog in Markdown of what is newer than this release, on standard output')
    .option('--archive <path>', 'a mail archive whose discussions the page shows, several times', collect, [])
    .option('--state <file>', 'where the state of the scan is kept')
    .action(async (opts: Opts, command: Command) => {
      const archives = textsOf(opts.archive);
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
  add(program, 'diff <a> <b>', 'A, B: a release, a KVM version, a specification file, or GITDIR@REV', [
    'bitwatch diff 1.5.06 2.0.08',
    'bitwatch diff 1.5.06 ../tdx-module@HEAD --json',
  ]).action(async (a: string, b: string, _opts: Opts, command: Command) =>
    (await import('./diff.ts')).diffCommand(contextOf(command), a, b),
  );
  add(program, 'review <release>', 'the release-review report', [
    'bitwatch review 2.0.08 --kvm 6.16.1',
    'bitwatch review 2.0.08 --since 1.5.06 --out markdown=review.md',
  ])
    .option('--kvm <policy>', 'one KVM version instead of all')
    .option('--since <release>', 'only what is new since this release')
    .option('--suggest <gitdir@rev>', 'a draft patch against that kernel tree for each bit that needs a decision')
    .action(async (release: string, opts: Opts, command: Command) => {
      const context = contextOf(command);
      const tree = textOf(opts.suggest);
      if (tree !== null)
        return context.stdout.write(
          await (await import('../cases/draft-patch.ts')).draftPatch(context, release, tree, textOf(opts.since)),
        );
      return (await import('./review.ts')).reviewCommand(contextOf(command), release, {
        kvm: textOf(opts.kvm),
        since: textOf(opts.since),
      });
    });
  add(program, 'check', 'the gate for CI', [
    'bitwatch check --fail-on error',
    'bitwatch check --fail-on warning --strict --out annotations=-',
  ])
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
  add(program, 'explain <what>', 'a bit, a feature, a rule or a finding', [
    'bitwatch explain WAITPKG',
    'bitwatch explain native-added',
  ]).action(async (what: string, _opts: Opts, command: Command) =>
    (await import('./explain.ts')).explainCommand(contextOf(command), what),
  );
  add(program, 'history <bit>', 'a bit’s class per release and verdict per KVM version', [
    'bitwatch history 7.1.EAX[19]',
    'bitwatch history WRMSRNS --archive ../kvm/git/0.git',
  ])
    .option('--archive <path>', 'a mail archive in which the bit may be discussed, several times', collect, [])
    .option('--state <file>', 'where the state of the scan is kept')
    .action(async (bit: string, opts: Opts, command: Command) =>
      (await import('./history.ts')).historyCommand(contextOf(command), bit, {
        archives: textsOf(opts.archive),
        state: textOf(opts.state),
      }),
    );
  add(program, 'rules', 'the catalogue', ['bitwatch rules --json']).action(async (_opts: Opts, command: Command) =>
    (await import('./rules.ts')).rulesCommand(contextOf(command)),
  );
  add(program, 'waive [fingerprint]', 'accepts a finding, with a reason, in specs/waivers.yaml', [
    'bitwatch waive 0123456789abcdef --reason "not offered to guests" --by "A. Name" --until 2027-06-30',
    'bitwatch waive --prune',
  ])
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
    program,
    'abi <release> <file>',
    'a release’s tables against Intel’s cpuid_virtualization.json, bit by bit; 100 where they differ',
    ['bitwatch abi 1.5.06 cpuid_virtualization.json'],
  ).action(async (release: string, file: string, _opts: Opts, command: Command) =>
    done(await (await import('./abi.ts')).abiCommand(contextOf(command), release, file)),
  );
}

const levelOf = (value: unknown): Level => LEVELS.find((level) => level === value) ?? 'error';
