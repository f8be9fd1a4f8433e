import { bitFactsOf } from '../cases/bit-facts.ts';
import type { BitFacts } from '../cases/page-facts.ts';
import { type OutputFile, writeFiles } from '../disk/write.ts';
import { UsageError } from '../model/errors.ts';
import type { ReportFacts } from '../model/review.ts';
import { suggest } from '../model/suggest.ts';
import { FORMAT_NAMES, FORMATS, isFormat } from '../report/formats.ts';
import { viewOf } from '../report/view.ts';
import type { Specs } from '../specs/store.ts';
import type { Context } from './command-line.ts';

export type Target = { readonly format: keyof typeof FORMATS; readonly path: string };

/** Whether a page of bits was asked for with `--out`. */
export const writesPage = (out: readonly string[]): boolean =>
  parseTargets(out).some(({ format }) => format === 'html');

/** `--out FORMAT=PATH`, several in one run; `-` is standard output. */
function parseTargets(out: readonly string[]): readonly Target[] {
  const targets = out.map((text) => {
    const [format = '', ...rest] = text.split('=');
    const path = rest.join('=');
    if (path === '')
      throw new UsageError(
        `--out ${JSON.stringify(text)}: expected FORMAT=PATH with FORMAT one of ${FORMAT_NAMES.join(', ')}`,
      );
    if (!isFormat(format))
      throw new UsageError(
        `--out: no format ${JSON.stringify(format)}${suggest(format, FORMAT_NAMES)}; formats: ${FORMAT_NAMES.join(', ')}`,
      );
    return { format, path };
  });
  const twice = targets.find(({ path }, index) => targets.findIndex((other) => other.path === path) !== index);
  if (twice !== undefined) throw new UsageError(`--out: ${JSON.stringify(twice.path)} is named twice`);
  return targets;
}

/**
 * Prints a report in every format that was asked for, from one view; on standard output as text, or JSON with --json. The page
 * of bits shows `releases` and the KVM versions of `specs` beside the findings.
 */
export function printReport(
  context: Context,
  report: ReportFacts,
  specs: Specs,
  title?: string,
  releases = specs.releases,
  discussions: BitFacts['discussions'] = null,
): void {
  const targets = parseTargets(context.options.out);
  const bits = targets.some(({ format }) => format === 'html')
    ? bitFactsOf(specs, report, releases, discussions)
    : null;
  const view = viewOf(report, title, bits);
  const files: OutputFile[] = targets
    .filter(({ path }) => path !== '-')
    .map(({ format, path }) => ({ path, content: FORMATS[format](view) }));
  writeFiles(files);
  for (const { format, path } of targets) if (path === '-') context.stdout.write(FORMATS[format](view));
  if (targets.length > 0) return;
  context.stdout.write(context.options.json ? FORMATS.json(view) : FORMATS.text(view));
}
