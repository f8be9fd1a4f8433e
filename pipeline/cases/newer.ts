import type { Finding } from '../model/finding.ts';
import type { ReportFacts } from '../model/review.ts';
import { NO_CACHE } from '../specs/plain.ts';
import { loadSpecs } from '../specs/store.ts';
import type { Context } from './context.ts';
import { clobbersByRelease } from './reviews.ts';
import { wholeReport } from './whole-report.ts';

/** A finding as it counts: one whose waiver came or went is another. */
const keyOf = ({ fingerprint, waived }: Finding): string => `${fingerprint} ${waived === null}`;

/**
 * Of a report only the findings that the specifications in `base` do not give; all where there is no base. What was read and
 * what was not stays, as it is no finding.
 */
export async function newerThan(context: Context, report: ReportFacts, base: string | null): Promise<ReportFacts> {
  if (base === null) return report;
  const specs = await loadSpecs(base, NO_CACHE);
  const before = wholeReport(specs, clobbersByRelease(specs), context.today());
  const known = new Set(before.reviews.flatMap(({ findings }) => findings.map(keyOf)));
  const reviews = report.reviews
    .map((review) => ({ ...review, findings: review.findings.filter((finding) => !known.has(keyOf(finding))) }))
    .filter(({ findings }) => findings.length > 0);
  return { ...report, reviews };
}
