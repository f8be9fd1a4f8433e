import { pageScript } from '../cases/context.ts';
import { type Discussions, pageFactsOf } from '../cases/page-facts.ts';
import type { ReportFacts } from '../model/review.ts';
import { FORMAT_NAMES } from '../report/format-names.ts';
import { FORMATS } from '../report/formats.ts';
import { webAddresses } from '../report/html/links.ts';
import { viewOf } from '../report/view.ts';
import type { Specs } from '../specs/store.ts';
import { type Context, printFormats, targetsOf } from './command-line.ts';

/** Whether a page of bits was asked for with `--out`. */
export const writesPage = (out: readonly string[]): boolean =>
  targetsOf(out, FORMAT_NAMES).some(({ format }) => format === 'html');

/** Where a forge shows the pages of the rules: of the action's repository, else of the one that the workflow runs in. */
function rulesUrl({
  GITHUB_SERVER_URL: server,
  GITHUB_ACTION_REPOSITORY: action,
  GITHUB_REPOSITORY: own,
}: NodeJS.ProcessEnv): string | null {
  const repository = action === undefined || action === '' ? own : action;
  if (server === undefined || !/^https:\/\/[\w.-]+$/.test(server)) return null;
  return repository !== undefined && /^[\w.-]+\/[\w.-]+$/.test(repository)
    ? `${server}/${repository}/blob/HEAD/docs/rules/`
    : null;
}

/** What stands at the head of a report, and what its page shows of bits beside the findings. */
type Shown = {
  readonly title?: string;
  readonly releases?: Specs['releases'];
  readonly discussions?: Discussions | null;
  /** The machine format, where it is another than that of findings. */
  readonly json?: () => string;
};

/**
 * Prints a report in every format that was asked for, from one view; on standard output as text, or JSON with --json. The page
 * of bits shows `releases` and the KVM versions of `specs` beside the findings.
 */
export async function printReport(
  context: Context,
  report: ReportFacts,
  specs: Specs,
  { title, releases = specs.releases, discussions = null, json }: Shown = {},
): Promise<void> {
  const targets = targetsOf(context.options.out, FORMAT_NAMES);
  const run = () => ({ script: pageScript(context), today: context.today() });
  const page = targets.some(({ format }) => format === 'html')
    ? pageFactsOf(specs, report, run(), { releases, discussions })
    : null;
  const view = { ...viewOf(report, title, page), rulesUrl: rulesUrl(context.env), web: webAddresses(specs.sources) };
  await printFormats(
    context,
    targets,
    (format) => (format === 'json' && json !== undefined ? json() : FORMATS[format](view)),
    'text',
  );
}
