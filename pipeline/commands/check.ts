import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { newerThan } from '../cases/newer.ts';
import { addDecisions, findRelease, specsUnder, withCpuid2 } from '../cases/operand.ts';
import { reviewFacts } from '../cases/review.ts';
import { wholeReport } from '../cases/whole-report.ts';
import { gating } from '../judge/decisions.ts';
import { EXIT, UsageError } from '../model/errors.ts';
import type { Finding, Level } from '../model/finding.ts';
import type { ReportFacts } from '../model/review.ts';
import { FORMAT_NAMES } from '../report/format-names.ts';
import { checkText } from '../report/text.ts';
import { viewOf } from '../report/view.ts';
import type { Specs } from '../specs/store.ts';
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

/** `bitwatch check [RELEASE]`. */
export function declare({ program, addFor, contextOf, done }: CommandLine): void {
  addFor(FORMAT_NAMES)(program, 'check [release]', 'the gate for CI: of one release, or of everything', [
    'bitwatch check 2.0.08 --kvm ../linux@HEAD --from 1.5.06 --fail-on error',
    'bitwatch check --base HEAD~1 --fail-on warning --strict --out annotations=-',
  ])
    .option(...KVM_OPTION)
    .option('--from <release>', 'the release that it is compared with, instead of the one that it follows')
    .option('--base <gitref-or-dir>', 'only what other specifications, at a revision or in a directory, do not give')
    .option('--decisions <file>', 'decisions beside those of specs/decisions.yaml, in the same form')
    .addOption(failOnOption('the level from which a finding fails the check').default('error'))
    .option('--strict', 'decisions that match nothing or have expired fail too')
    .option('--verbose', 'every finding, instead of those that fail the check')
    .action(async (release: string | undefined, opts: Opts, command: Command) =>
      done(
        await checkCommand(contextOf(command), {
          release: release ?? null,
          kvm: textOf(opts.kvm),
          from: textOf(opts.from),
          base: textOf(opts.base),
          decisions: textOf(opts.decisions),
          failOn: levelOf(opts.failOn) ?? 'error',
          strict: opts.strict === true,
          verbose: opts.verbose === true,
        }),
      ),
    );
}

type CheckOptions = {
  readonly release: string | null;
  readonly kvm: string | null;
  readonly from: string | null;
  readonly base: string | null;
  readonly decisions: string | null;
  readonly failOn: Level;
  readonly strict: boolean;
  readonly verbose: boolean;
};

/** 100 where a finding that is not decided reaches the level; --strict also counts what is wrong with decisions. */
async function checkCommand(context: Context, options: CheckOptions): Promise<number> {
  if (options.from !== null && options.release === null)
    throw new UsageError(
      'check --from needs the release that is compared with it: bitwatch check RELEASE --from RELEASE',
    );
  const shipped = await specsOf(context);
  const known = options.kvm === null ? shipped : await withCpuid2(context, shipped, options.kvm);
  const own = await specsUnder(context, known, options.kvm);
  const specs = options.decisions === null ? own : await addDecisions(own, options.decisions);
  const { policies } = specs;
  const report = await newerThan(context, judge(context, specs, options), options.base, (before) =>
    // A release that the base does not know had no findings there.
    options.release !== null && !knows(before, findRelease(specs, options.release).module.release)
      ? { reviews: [], coverage: { releases: [], policies: [], unread: [], cells: 0, skipped: [] } }
      : judge(context, options.kvm === null ? before : { ...before, policies }, options),
  );
  const title = options.base === null ? 'bitwatch: check' : 'bitwatch: what is new';
  const findings = report.reviews.flatMap((review) => review.findings);
  const failing = new Set([...gating(findings, options.failOn), ...(options.strict ? findings.filter(isIdle) : [])]);
  if (options.verbose || context.options.json || context.options.out.length > 0)
    await printReport(context, report, specs, { title });
  else
    printText(
      context,
      checkText(viewOf(report, title), (finding) => failing.has(finding)),
    );
  return failing.size > 0 ? EXIT.findings : EXIT.clean;
}

/** About a decision that matches nothing or has expired. */
const isIdle = ({ facts }: Finding): boolean => facts.kind === 'decision';

const knows = (specs: Specs, name: string): boolean => specs.releases.some(({ module }) => module.release === name);

function judge(context: Context, specs: Specs, options: CheckOptions): ReportFacts {
  if (options.release === null) return wholeReport(specs, context.today());
  const release = findRelease(specs, options.release);
  const since = options.from === null ? null : findRelease(specs, options.from);
  return reviewFacts(specs, { release, since, policies: [specs.policies.at(-1) ?? null] }, context.today());
}
