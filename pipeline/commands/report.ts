import { join } from 'node:path';
import { bitFactsOf } from '../cases/bit-facts.ts';
import { specsOf } from '../cases/context.ts';
import { matrixOf } from '../cases/matrix.ts';
import { newerThan } from '../cases/newer.ts';
import { type ArchiveOptions, pageDiscussions } from '../cases/page-discussions.ts';
import { clobbersByRelease } from '../cases/reviews.ts';
import { wholeReport } from '../cases/whole-report.ts';
import { removeStale, writeFiles } from '../deliver/files.ts';
import { UsageError } from '../model/errors.ts';
import { pagesOf } from '../report/pages.ts';
import { countsText, viewOf } from '../report/view.ts';
import type { Context } from './context.ts';
import { printReport, writesPage } from './output.ts';

/** `bitwatch report`: every successive pair and every release under every policy, written to a directory. */
export async function reportCommand(
  context: Context,
  options: { readonly directory: string; readonly base: string | null } & ArchiveOptions,
): Promise<void> {
  const specs = await specsOf(context);
  const whole = wholeReport(specs, clobbersByRelease(specs), context.today());
  const report = await newerThan(context, whole, options.base);
  const printed = context.options.json || context.options.out.length > 0;
  if (options.archives.length > 0 && printed && !writesPage(context.options.out))
    throw new UsageError('--archive fills the page of bits: add --out html=PATH, or leave out --out and --json');
  const discussions = await pageDiscussions(context, specs, options);
  if (printed) return printReport(context, report, specs, undefined, specs.releases, discussions);
  const pages = pagesOf(report, matrixOf(specs), bitFactsOf(specs, report, specs.releases, discussions));
  writeFiles(pages.map(({ name, content }) => ({ path: join(options.directory, name), content })));
  removeStale(options.directory, new Set(pages.map(({ name }) => name)), '.md');
  const { coverage } = report;
  context.stdout.write(
    [
      `${countsText(viewOf(report).counts)} in ${report.reviews.length} reviews`,
      `read ${coverage.releases.length} releases and ${coverage.policies.length} KVM versions; ${coverage.unread.length} releases are known by name only`,
      `wrote ${join(options.directory, 'index.md')} and ${join(options.directory, 'index.html')}`,
      '',
    ].join('\n'),
  );
}
