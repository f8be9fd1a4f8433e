import { type Command, Option } from 'commander';
import { specsOf } from '../cases/context.ts';
import { draftPatch } from '../cases/draft-patch.ts';
import { namesake, releaseIn, specsUnder } from '../cases/operand.ts';
import { type ReviewScope, reviewFacts, reviewTitle } from '../cases/review.ts';
import { gating } from '../judge/decisions.ts';
import { EXIT, UsageError } from '../model/errors.ts';
import type { Level } from '../model/finding.ts';
import { FORMAT_NAMES } from '../report/format-names.ts';
import { FORMATS } from '../report/formats.ts';
import { viewOf } from '../report/view.ts';
import {
  type CommandLine,
  type Context,
  failOnOption,
  KVM_OPTION,
  levelOf,
  type Opts,
  printText,
  textOf,
} from './command-line.ts';
import { printReport } from './output.ts';

/** `bitwatch review RELEASE`. */
export function declare({ program, addFor, contextOf, done }: CommandLine): void {
  addFor(FORMAT_NAMES)(program, 'review <release>', 'the release-review report', [
    'bitwatch review 2.0.08 --kvm 6.16.1',
    'bitwatch review latest --kvm ../linux@HEAD --fail-on error',
    'bitwatch review ../tdx-module@HEAD --from 2.0.18 --kvm 7.1.5',
    'bitwatch review 2.0.08 --from 1.5.06 --out markdown=review.md',
  ])
    .option(...KVM_OPTION)
    .option('--from <release>', 'the release that is compared with, instead of the one that it follows')
    .addOption(new Option('--since <release>', 'as --from').hideHelp())
    .addOption(failOnOption('ends with 100 where a finding that is not decided reaches this level'))
    .option('--verbose', 'every finding with its reason and evidence, instead of the briefing')
    .option('--suggest <gitdir@rev>', 'a draft patch against that kernel tree for each bit that needs a decision')
    .action(async (release: string, opts: Opts, command: Command) => {
      const context = contextOf(command);
      const from = textOf(opts.from) ?? textOf(opts.since);
      const tree = textOf(opts.suggest);
      if (tree !== null) {
        if (context.options.json || context.options.out.length > 0)
          throw new UsageError('review --suggest prints a patch: leave out --json and --out');
        return context.stdout.write(await draftPatch(context, release, tree, from));
      }
      done(
        await reviewCommand(context, release, {
          kvm: textOf(opts.kvm),
          from,
          failOn: levelOf(opts.failOn),
          verbose: opts.verbose === true,
        }),
      );
    });
}

type ReviewOptions = {
  readonly kvm: string | null;
  readonly from: string | null;
  readonly failOn: Level | null;
  readonly verbose: boolean;
};

/** Against the release that it follows (or `--from`) and under one KVM or all. */
async function reviewCommand(context: Context, name: string, options: ReviewOptions): Promise<number> {
  const known = await specsUnder(context, await specsOf(context), options.kvm);
  const held = options.from === null ? null : await releaseIn(context, known, options.from);
  const { release, specs } = await releaseIn(context, held?.specs ?? known, name);
  const since = held?.release ?? namesake(known, release);
  // What was read from a disk is asked for again as it was: its name alone would be that of a shipped one, or of nothing.
  const operands = {
    release: known.releases.includes(release) ? null : name,
    from: held === null || known.releases.includes(held.release) ? null : options.from,
  };
  const scope: ReviewScope = { release, since, policies: [specs.policies.at(-1) ?? null], operands };
  const report = reviewFacts(specs, scope, context.today());
  if (options.verbose || context.options.json || context.options.out.length > 0)
    await printReport(context, report, specs, { title: reviewTitle(release.module.release) });
  else printText(context, FORMATS.briefing(viewOf(report)));
  const findings = report.reviews.flatMap((review) => review.findings);
  return options.failOn !== null && gating(findings, options.failOn).length > 0 ? EXIT.findings : EXIT.clean;
}
