import { openRepository } from '../../git/repository.ts';
import { applyDecisions, isAtLeast } from '../../judge/decisions.ts';
import { levelsOf } from '../../judge/levels.ts';
import { EXIT, UsageError } from '../../model/errors.ts';
import type { Level } from '../../model/finding.ts';
import type { SeriesEffect } from '../../model/series-effect.ts';
import type { Specs } from '../../specs/store.ts';
import type { Context } from '../context.ts';
import { decisionsOf } from '../decisions.ts';
import { quoteArgument } from '../reviews.ts';
import { fetchKnown } from '../sources.ts';
import { weighSeries } from './effect.ts';
import { type FoundSeries, findSeries } from './mails.ts';

export type SeriesOptions = {
  readonly archives: readonly string[];
  /** Where the scan's state is kept; the cache where it is not given. */
  readonly state: string | null;
  readonly kernel: string | null;
  readonly base: string | null;
  /** The version that it is held against, instead of the one before: a file or a Message-ID. */
  readonly from: string | null;
};

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
  const previous =
    options.from === null
      ? found.previous
      : (await findSeries(context, options.from, options.archives, options.state)).series;
  const effect = await weighSeries(specs, found, {
    repository,
    given: options.base,
    previous,
    blobs: await fetchKnown(context, repository),
    command: commandText(operand, options),
  });
  return { effect: decided(effect, specs, context.today()), found };
}

/** What people decided on the findings of the step stays in the report and fails nothing. */
function decided(effect: SeriesEffect, specs: Specs, today: string): SeriesEffect {
  const { outcome } = effect;
  if (outcome.kind !== 'applied') return effect;
  const { findings } = applyDecisions(outcome.findings, decisionsOf(specs), today);
  return { ...effect, outcome: { ...outcome, findings } };
}

function commandText(operand: string, { archives, kernel, base, from }: SeriesOptions): string {
  const pair = (name: string, value: string | null): readonly string[] =>
    value === null ? [] : [`${name} ${quoteArgument(value)}`];
  const parts = [
    ...archives.flatMap((path) => pair('--archive', path)),
    ...pair('--kernel', kernel),
    ...pair('--base', base),
    ...pair('--from', from),
  ];
  return ['bitwatch series', quoteArgument(operand), ...parts].join(' ');
}

/**
 * A series that does not apply to the base that was named is bad data; one whose base is not at hand could not be weighed. One that
 * brings something of the level that is named is a finding.
 */
export function statusOf({ outcome }: SeriesEffect, failOn: Level | null = null): number {
  switch (outcome.kind) {
    case 'untouched':
      return EXIT.clean;
    case 'applied':
      return failOn !== null && levelsOf(outcome, false).some((level) => isAtLeast(level, failOn))
        ? EXIT.findings
        : EXIT.clean;
    case 'incomplete':
      return EXIT.incomplete;
    case 'rejected':
      return outcome.base.by === 'closest' ? EXIT.incomplete : EXIT.data;
    case 'unreadable':
      return EXIT.data;
  }
}
