import { specsOf } from '../cases/context.ts';
import { coverageOf, unreadOf } from '../cases/coverage.ts';
import { findRelease } from '../cases/operand.ts';
import { releaseSteps } from '../cases/release-steps.ts';
import { clobbersByRelease, stepReview } from '../cases/reviews.ts';
import { compareVersions } from '../model/order.ts';
import { escapeMarkdown } from '../report/markdown.ts';
import { viewOf } from '../report/view.ts';
import type { Context } from './context.ts';

/** `bitwatch report --since RELEASE`: what each later release changed, newest first, as Markdown to paste. */
export async function changelogCommand(context: Context, since: string): Promise<void> {
  const specs = await specsOf(context);
  const start = findRelease(specs, since);
  const isLater = (release: string): boolean => compareVersions(release, start.module.release) > 0;
  const steps = releaseSteps(specs).filter(({ to }) => isLater(to.module.release));
  const reviews = steps.map(({ from, to }) => stepReview(specs, clobbersByRelease(specs), from, to));
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
  context.stdout.write(`${lines.join('\n')}`);
}
