import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import type { FoundSeries } from '../cases/series/mails.ts';
import { type SeriesOptions, statusOf, weigh } from '../cases/series/weigh.ts';
import { formatMboxrd } from '../extract/mail/mbox.ts';
import type { Level } from '../model/finding.ts';
import { jsonText } from '../report/machine.ts';
import { seriesMarkdown, seriesText } from '../report/series.ts';
import { seriesJson } from '../report/series-json.ts';
import {
  type CommandLine,
  type Context,
  collect,
  failOnOption,
  levelOf,
  type Opts,
  printFormats,
  targetsOf,
  textOf,
  textsOf,
} from './command-line.ts';

/** `bitwatch series FILE|MESSAGE-ID`. */
export function declare({ program, addFor, contextOf, done }: CommandLine): void {
  addFor(FORMAT_NAMES)(
    program,
    'series <file-or-message-id>',
    'what a patch series does to KVM’s policy and to the TDs of every release',
    [
      'bitwatch series series.mbox --kernel ../linux --fail-on error',
      'b4 am -o - 20260618120000.1-1-a@example.org | bitwatch series - --kernel ../linux',
      'bitwatch series 20260618120000.1-1-a@example.org --archive ../kvm/git/0.git --kernel ../linux --base v6.16',
    ],
  )
    .option('--archive <path>', 'a mail archive, several times', collect, [])
    .option('--state <file>', 'where the state of the scan is kept')
    .option('--kernel <gitdir>', 'a clone of Linux; nothing is written to it')
    .option('--base <rev>', 'what to apply it to, instead of what it names or what is found')
    .option('--from <file-or-message-id>', 'the version that it is held against, instead of the one before')
    .addOption(failOnOption('ends with 100 where something that the series brings reaches this level'))
    .action(async (operand: string, opts: Opts, command: Command) =>
      done(
        await seriesCommand(
          contextOf(command),
          operand,
          {
            archives: textsOf(opts.archive),
            state: textOf(opts.state),
            kernel: textOf(opts.kernel),
            base: textOf(opts.base),
            from: textOf(opts.from),
          },
          levelOf(opts.failOn),
        ),
      ),
    );
}

const FORMAT_NAMES = ['text', 'markdown', 'json', 'mboxrd'] as const;
type Format = (typeof FORMAT_NAMES)[number];

/** `bitwatch series FILE|MESSAGE-ID`: what a patch series does to KVM's policy. */
async function seriesCommand(
  context: Context,
  operand: string,
  options: SeriesOptions,
  failOn: Level | null,
): Promise<number> {
  const targets = targetsOf(context.options.out, FORMAT_NAMES, ['mboxrd']);
  const specs = await specsOf(context);
  const { effect, found } = await weigh(context, specs, operand, options);
  const print = (format: Exclude<Format, 'mboxrd'>): string =>
    format === 'json'
      ? jsonText(seriesJson(effect, specs.knowledge.names))
      : format === 'markdown'
        ? seriesMarkdown(effect)
        : seriesText(effect);
  await printFormats(context, targets, (format) => (format === 'mboxrd' ? mboxOf(found) : print(format)), 'text');
  return statusOf(effect, failOn);
}

/** The patches, a partial re-roll completed, for `git am --patch-format=mboxrd`: it stops at a mail without a diff, so no cover. */
function mboxOf({ series }: FoundSeries): Buffer {
  return formatMboxrd(series.complete.map(({ mail }) => mail.bytes));
}
