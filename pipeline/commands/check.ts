import { type Command, Option } from 'commander';
import { specsOf } from '../cases/context.ts';
import { newerThan } from '../cases/newer.ts';
import { clobbersByRelease } from '../cases/reviews.ts';
import { wholeReport } from '../cases/whole-report.ts';
import { gating } from '../judge/waivers.ts';
import { EXIT } from '../model/errors.ts';
import { LEVELS, type Level } from '../model/finding.ts';
import { type CommandLine, type Context, type Opts, textOf } from './command-line.ts';
import { printReport } from './output.ts';

/** `bitwatch check`. */
export function declare({ program, add, contextOf, done }: CommandLine): void {
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
        await checkCommand(contextOf(command), {
          failOn: LEVELS.find((level) => level === opts.failOn) ?? 'error',
          strict: opts.strict === true,
          base: textOf(opts.base),
        }),
      ),
    );
}

/** `bitwatch check`: the gate. 100 where a finding that is not waived reaches the level; --strict also counts warnings on waivers. */
async function checkCommand(
  context: Context,
  options: { readonly failOn: Level; readonly strict: boolean; readonly base: string | null },
): Promise<number> {
  const specs = await specsOf(context);
  const whole = wholeReport(specs, clobbersByRelease(specs), context.today());
  const report = await newerThan(context, whole, options.base);
  printReport(context, report, specs, options.base === null ? 'bitwatch: check' : 'bitwatch: what is new');
  const findings = report.reviews.flatMap((review) => review.findings);
  const strict = options.strict
    ? findings.filter((finding) => finding.rule === 'waiver-unmatched' || finding.rule === 'waiver-expired')
    : [];
  return gating(findings, options.failOn).length > 0 || strict.length > 0 ? EXIT.findings : EXIT.clean;
}
