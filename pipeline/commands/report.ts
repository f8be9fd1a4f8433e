import { join } from 'node:path';
import type { Command } from 'commander';
import { pageScript, specsOf } from '../cases/context.ts';
import { coverageOf, unreadOf } from '../cases/coverage.ts';
import { matrixOf } from '../cases/matrix.ts';
import { newerThan } from '../cases/newer.ts';
import { findRelease, specsUnder } from '../cases/operand.ts';
import type { ArchiveOptions } from '../cases/page-discussions.ts';
import { pageFactsOf } from '../cases/page-facts.ts';
import { releaseSteps } from '../cases/release-steps.ts';
import { releaseReview } from '../cases/reviews.ts';
import { statusReviews } from '../cases/status.ts';
import { wholeReport } from '../cases/whole-report.ts';
import { checkFolder, replaceFolder } from '../disk/replace-folder.ts';
import { UsageError } from '../model/errors.ts';
import { compareVersions } from '../model/order.ts';
import type { ReportFacts } from '../model/review.ts';
import { FORMAT_NAMES } from '../report/format-names.ts';
import { escapeMarkdown } from '../report/markdown.ts';
import { pagesOf } from '../report/pages.ts';
import { statusText } from '../report/status.ts';
import { viewOf } from '../report/view.ts';
import type { Specs } from '../specs/store.ts';
import {
  type CommandLine,
  type Context,
  collect,
  KVM_OPTION,
  type Opts,
  printFormats,
  targetsOf,
  textOf,
  textsOf,
} from './command-line.ts';
import { printReport, writesPage } from './output.ts';

/** `bitwatch report`, also where no command is named. */
export function declare({ program, addFor, contextOf }: CommandLine): void {
  addFor(FORMAT_NAMES)(
    program,
    'report',
    'every successive release pair and every release under every KVM version; writes reports/',
    ['bitwatch report --archive ../kvm/git/0.git', 'bitwatch report --out sarif=out.sarif --out markdown=out.md'],
  )
    .option('--directory <dir>', 'where the pages go', 'reports')
    .option('--take-over', 'write into a folder that holds other things; what has another name stays')
    .option(...KVM_OPTION)
    .option('--base <gitref-or-dir>', 'only what other specifications, at a revision or in a directory, do not give')
    .option('--since <release>', 'a changelog in Markdown of what is newer than this release, on standard output')
    .option('--archive <path>', 'a mail archive whose discussions the page shows, several times', collect, [])
    .option('--state <file>', 'where the state of the scan is kept')
    .action(async (opts: Opts, command: Command) => {
      const archives = textsOf(opts.archive);
      if (opts.since !== undefined && archives.length > 0)
        throw new UsageError('--archive fills the page of bits, which --since does not write');
      if (opts.since !== undefined) return changelogCommand(contextOf(command), String(opts.since));
      return reportCommand(contextOf(command), {
        directory: String(opts.directory),
        takeOver: opts.takeOver === true,
        base: textOf(opts.base),
        kvm: textOf(opts.kvm),
        archives,
        state: textOf(opts.state),
      });
    });
}

/** `bitwatch report`: every successive pair and every release under every policy, written to a directory. */
async function reportCommand(
  context: Context,
  options: {
    readonly directory: string;
    readonly takeOver: boolean;
    readonly base: string | null;
    readonly kvm: string | null;
  } & ArchiveOptions,
): Promise<void> {
  const printed = context.options.json || context.options.out.length > 0;
  if (!printed) checkFolder(options.directory, options.takeOver);
  const specs = await specsUnder(context, await specsOf(context), options.kvm);
  const { policies } = specs;
  const whole = (of: Specs): ReportFacts => wholeReport(of, context.today());
  const report = await newerThan(context, whole(specs), options.base, (before) =>
    whole(options.kvm === null ? before : { ...before, policies }),
  );
  if (options.archives.length > 0 && printed && !writesPage(context.options.out))
    throw new UsageError('--archive fills the page of bits: add --out html=PATH, or leave out --out and --json');
  // The readers of mail are loaded where mail is read.
  const discussions =
    options.archives.length === 0
      ? null
      : await (await import('../cases/page-discussions.ts')).pageDiscussions(context, specs, options);
  if (printed) return printReport(context, report, specs, { discussions });
  const run = { script: pageScript(context), today: context.today() };
  const pages = pagesOf(report, matrixOf(specs), pageFactsOf(specs, report, run, { discussions }));
  replaceFolder(options.directory, pages, options.takeOver);
  const { coverage } = report;
  context.stdout.write(
    [
      `read ${coverage.releases.length} releases and ${coverage.policies.length} KVM versions; ${coverage.unread.length} releases are known by name only`,
      `wrote ${join(options.directory, 'index.md')} and ${join(options.directory, 'index.html')}`,
      '',
      statusText(statusReviews(specs, context.today())),
    ].join('\n'),
  );
}

/** `bitwatch report --since RELEASE`: what each later release changed, newest first, as Markdown to paste. */
async function changelogCommand(context: Context, since: string): Promise<void> {
  if (context.options.json) throw new UsageError('report --since prints Markdown: leave out --json');
  const targets = targetsOf(context.options.out, ['markdown']);
  const specs = await specsOf(context);
  const start = findRelease(specs, since);
  const isLater = (release: string): boolean => compareVersions(release, start.module.release) > 0;
  const steps = releaseSteps(specs).filter(({ to }) => isLater(to.module.release));
  const reviews = steps.map(({ from, to }) => releaseReview(specs, { from, to, policy: null }));
  const view = viewOf({ reviews, coverage: coverageOf(specs, reviews) });
  const lines = [`# CPUID changes of the Intel TDX module since ${escapeMarkdown(since)}`, ''];
  for (const section of [...view.sections].reverse()) {
    lines.push(`## ${escapeMarkdown(section.title)}`, '');
    lines.push(
      ...(section.items.length === 0
        ? ['- no change of CPUID']
        : section.items.map((item) => `- **${item.finding.level}** ${escapeMarkdown(item.headline)}`)),
      '',
    );
  }
  const unread = unreadOf(specs).filter(({ release }) => isLater(release));
  if (unread.length > 0)
    lines.push(
      '## Not read',
      '',
      ...unread.map(({ release, reason }) => `- ${escapeMarkdown(`${release}: ${reason}`)}`),
      '',
    );
  await printFormats(context, targets, () => lines.join('\n'), 'markdown');
}
