import { pageScript } from '../cases/context.ts';
import { type Discussions, pageFactsOf } from '../cases/page-facts.ts';

import { type OutputFile, writeFiles } from '../disk/write.ts';
import { UsageError } from '../model/errors.ts';
import type { ReportFacts } from '../model/review.ts';
import { suggest } from '../model/suggest.ts';
import { FORMAT_NAMES } from '../report/format-names.ts';
import { FORMATS } from '../report/formats.ts';
import { webAddresses } from '../report/html/links.ts';
import { viewOf } from '../report/view.ts';
import type { Specs } from '../specs/store.ts';
import { type Context, printText } from './command-line.ts';

/** Whether a page of bits was asked for with `--out`. */
export const writesPage = (out: readonly string[]): boolean =>
  targetsOf(out, FORMAT_NAMES).some(({ format }) => format === 'html');

/** `--out FORMAT=PATH`, several in one run; `-` is standard output, where text alone can go. */
export function targetsOf<F extends string>(
  out: readonly string[],
  formats: readonly F[],
  binary: readonly F[] = [],
): readonly { readonly format: F; readonly path: string }[] {
  const targets = out.map((text) => {
    const at = text.indexOf('=');
    const [name, path] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    const format = formats.find((known) => known === name);
    if (path === '')
      throw new UsageError(
        `--out ${JSON.stringify(text)}: expected FORMAT=PATH with FORMAT one of ${formats.join(', ')}`,
      );
    if (format === undefined)
      throw new UsageError(
        `--out: no format ${JSON.stringify(name)}${suggest(name, formats)}; formats: ${formats.join(', ')}`,
      );
    if (path === '-' && binary.includes(format)) throw new UsageError(`--out ${format}: mails are bytes: name a file`);
    return { format, path };
  });
  const twice = targets.find(({ path }, index) => targets.findIndex((other) => other.path === path) !== index);
  if (twice !== undefined) throw new UsageError(`--out: ${JSON.stringify(twice.path)} is named twice`);
  return targets;
}

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
};

/**
 * Prints a report in every format that was asked for, from one view; on standard output as text, or JSON with --json. The page
 * of bits shows `releases` and the KVM versions of `specs` beside the findings.
 */
export function printReport(
  context: Context,
  report: ReportFacts,
  specs: Specs,
  { title, releases = specs.releases, discussions = null }: Shown = {},
): void {
  const targets = targetsOf(context.options.out, FORMAT_NAMES);
  const run = () => ({ script: pageScript(context), today: context.today() });
  const page = targets.some(({ format }) => format === 'html')
    ? pageFactsOf(specs, report, run(), { releases, discussions })
    : null;
  const view = { ...viewOf(report, title, page), rulesUrl: rulesUrl(context.env), web: webAddresses(specs.sources) };
  const files: OutputFile[] = targets
    .filter(({ path }) => path !== '-')
    .map(({ format, path }) => ({ path, content: FORMATS[format](view) }));
  writeFiles(files);
  for (const { format, path } of targets) if (path === '-') context.stdout.write(FORMATS[format](view));
  if (targets.length > 0) return;
  if (context.options.json) context.stdout.write(FORMATS.json(view));
  else printText(context, FORMATS.text(view));
}
