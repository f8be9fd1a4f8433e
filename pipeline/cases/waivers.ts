import { applyWaivers, type WaiverEntry } from '../judge/waivers.ts';
import type { Finding } from '../model/finding.ts';
import type { ReportFacts } from '../model/review.ts';
import { type Specs, waiverPlace } from '../specs/store.ts';

/** Waivers apply to all findings at once: only so can one that matches nothing be told. */
export function withWaivers(report: ReportFacts, specs: Specs, today: string): ReportFacts {
  const all = report.reviews.flatMap((review) => review.findings);
  const judged = applyWaivers(all, waiversOf(specs), today, specs.knowledge);
  const waived = new Map(
    judged.filter((finding) => finding.waived !== null).map((finding) => [finding.fingerprint, finding.waived]),
  );
  const own: readonly Finding[] = judged.filter(
    (finding) => finding.rule === 'waiver-unmatched' || finding.rule === 'waiver-expired',
  );
  return {
    ...report,
    reviews: report.reviews.map((review) => ({
      ...review,
      findings: [
        ...review.findings.map((finding) => ({ ...finding, waived: waived.get(finding.fingerprint) ?? null })),
        ...(review.id === 'specs' ? own : []),
      ],
    })),
  };
}

/** The waivers of the specs, as the judge takes them. */
export function waiversOf(specs: Specs): readonly WaiverEntry[] {
  return specs.waivers.map((plain) => {
    const person = { reason: plain.reason, by: plain.by, until: plain.until ?? null };
    if ('fingerprint' in plain) return { ...person, selector: { fingerprint: plain.fingerprint } };
    const bit = waiverPlace(plain.bit);
    return {
      ...person,
      selector: {
        rule: plain.rule,
        place: bit?.place ?? null,
        release: plain.release ?? null,
        policy: plain.policy ?? null,
      },
    };
  });
}
