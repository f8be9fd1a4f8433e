import { specsOf } from '../cases/context.ts';
import { quoteArgument } from '../cases/reviews.ts';
import { weighSeries } from '../cases/series-effect.ts';
import { type FoundSeries, findSeries } from '../cases/series-mails.ts';
import { type OutputFile, writeFiles } from '../deliver/files.ts';
import { formatMboxrd } from '../extract/mail/mbox.ts';
import { openRepository } from '../git/repository.ts';
import { EXIT, UsageError } from '../model/errors.ts';
import type { SeriesEffect } from '../model/series-effect.ts';
import { suggest } from '../model/suggest.ts';
import { jsonText } from '../report/machine.ts';
import { seriesMarkdown, seriesText } from '../report/series.ts';
import { seriesJson } from '../report/series-json.ts';
import type { Specs } from '../specs/store.ts';
import type { Context } from './context.ts';

export type SeriesOptions = {
  readonly archives: readonly string[];
  /** Where the scan's state is kept; the cache where it is not given. */
  readonly state: string | null;
  readonly kernel: string | null;
  readonly base: string | null;
};

const FORMAT_NAMES = ['text', 'markdown', 'json', 'mboxrd'] as const;
type Format = (typeof FORMAT_NAMES)[number];
type Target = { readonly format: Format; readonly path: string };

/** `--out FORMAT=PATH` of this command: a series has formats of its own. */
function targetsOf(out: readonly string[]): readonly Target[] {
  return out.map((text) => {
    const at = text.indexOf('=');
    const [name, path] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
    const format = FORMAT_NAMES.find((known) => known === name);
    if (format === undefined || path === '')
      throw new UsageError(
        `--out ${JSON.stringify(text)}: expected FORMAT=PATH with FORMAT one of ${FORMAT_NAMES.join(', ')}${suggest(name, FORMAT_NAMES)}`,
      );
    if (format === 'mboxrd' && path === '-') throw new UsageError('--out mboxrd: mails are bytes: name a file');
    return { format, path };
  });
}

/** `bitwatch series FILE|MESSAGE-ID`: what a patch series does to KVM's policy. */
export async function seriesCommand(context: Context, operand: string, options: SeriesOptions): Promise<number> {
  const targets = targetsOf(context.options.out);
  const specs = await specsOf(context);
  const { effect, found } = await weigh(context, specs, operand, options);
  const print = (format: Exclude<Format, 'mboxrd'>): string =>
    format === 'json'
      ? jsonText(seriesJson(effect, specs.knowledge.names))
      : format === 'markdown'
        ? seriesMarkdown(effect)
        : seriesText(effect);
  const files: OutputFile[] = targets.flatMap(({ format, path }) =>
    path === '-' ? [] : [{ path, content: format === 'mboxrd' ? mboxOf(found) : print(format) }],
  );
  writeFiles(files);
  for (const { format, path } of targets) if (path === '-' && format !== 'mboxrd') context.stdout.write(print(format));
  if (targets.length === 0) context.stdout.write(print(context.options.json ? 'json' : 'text'));
  return statusOf(effect);
}

/** Finds a series and says what it does: also what `bitwatch reply` answers. */
export async function weigh(
  context: Context,
  specs: Specs,
  operand: string,
  options: SeriesOptions,
): Promise<{ readonly effect: SeriesEffect; readonly found: FoundSeries }> {
  if (options.kernel === null)
    throw new UsageError('a series is applied to a kernel tree: name a clone of Linux with --kernel GITDIR');
  const repository = openRepository(options.kernel, context.env);
  const found = await findSeries(context, operand, options.archives, options.state);
  const effect = await weighSeries(specs, found, {
    repository,
    given: options.base,
    network: !context.options.offline,
    command: commandText(operand, options),
  });
  return { effect, found };
}

function commandText(operand: string, { archives, kernel, base }: SeriesOptions): string {
  const pair = (name: string, value: string | null): readonly string[] =>
    value === null ? [] : [`${name} ${quoteArgument(value)}`];
  const parts = [
    ...archives.flatMap((path) => pair('--archive', path)),
    ...pair('--kernel', kernel),
    ...pair('--base', base),
  ];
  return ['bitwatch series', quoteArgument(operand), ...parts].join(' ');
}

/** The patches, a partial re-roll completed, for `git am --patch-format=mboxrd`: it stops at a mail without a diff, so no cover. */
function mboxOf({ series }: FoundSeries): Buffer {
  return formatMboxrd(series.complete.map(({ mail }) => mail.bytes));
}

/** A series that does not apply to the base that was named is bad data; one whose base is not at hand could not be weighed. */
export function statusOf({ outcome }: SeriesEffect): number {
  switch (outcome.kind) {
    case 'untouched':
    case 'applied':
      return EXIT.clean;
    case 'incomplete':
      return EXIT.incomplete;
    case 'rejected':
      return outcome.base.by === 'closest' ? EXIT.incomplete : EXIT.data;
    case 'unreadable':
      return EXIT.data;
  }
}
