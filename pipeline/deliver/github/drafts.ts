import { type Context, specsOf } from '../../cases/context.ts';
import { coverageOf, unreadOf } from '../../cases/coverage.ts';
import { withDecisions } from '../../cases/decisions.ts';
import { baseSpecs } from '../../cases/newer.ts';
import { findPolicy, findRelease } from '../../cases/operand.ts';
import { releaseSteps } from '../../cases/release-steps.ts';
import { reviewFacts, reviewTitle } from '../../cases/review.ts';
import { releaseReview } from '../../cases/reviews.ts';
import { wholeReport } from '../../cases/whole-report.ts';
import { readInput } from '../../disk/read.ts';
import { DataError } from '../../model/errors.ts';
import { compareVersions } from '../../model/order.ts';
import type { Coverage, ReportFacts } from '../../model/review.ts';
import { neutralMarkdown } from '../../report/markdown.ts';
import { type Draft, draftOfChange, draftOfMarkdown, draftOfView } from '../../report/posting.ts';
import { itemOf, viewOf } from '../../report/view.ts';
import type { Specs } from '../../specs/store.ts';

/** A text under the key that finds it again. */
type Keyed = { readonly key: string; readonly draft: Draft };

/** Drafts, and what was asked for that none could be made of. */
export type Drafts = { readonly drafts: readonly Keyed[]; readonly unread: Coverage['unread'] };

const COMMENT_TITLE = 'bitwatch: what this pull request changes';

/** The release review of each release, or of those newer than `since` or not in the specifications `base`, oldest first. */
export async function releaseDrafts(
  context: Context,
  options: { readonly kvm: string | null; readonly since: string | null; readonly base: string | null },
): Promise<Drafts> {
  const before = options.base === null ? null : await baseSpecs(context, options.base);
  const specs = await specsOf(context);
  const start = options.since === null ? null : findRelease(specs, options.since).module.release;
  const isWanted = (release: string): boolean => start === null || compareVersions(release, start) > 0;
  const policies = options.kvm === null ? specs.policies : [await findPolicy(context, specs, options.kvm)];
  const drafts = specs.releases
    .filter(
      ({ module }) =>
        isWanted(module.release) &&
        !isIn(
          before?.releases.map((each) => each.module),
          module.release,
        ),
    )
    .map((release) => {
      const facts = reviewFacts(specs, { release, since: null, policies }, context.today());
      return {
        key: release.module.release,
        draft: draftOfView(viewOf(withUnreadBetween(facts), reviewTitle(release.module.release))),
      };
    });
  return {
    drafts,
    unread: unreadOf(specs).filter(({ release }) => isWanted(release) && !isIn(before?.known, release)),
  };
}

const isIn = (entries: readonly { readonly release: string }[] | undefined, name: string): boolean =>
  entries?.some(({ release }) => release === name) === true;

/** Of what could not be read only that which lies between the two releases: a new name elsewhere is no news for this review. */
function withUnreadBetween(facts: ReportFacts): ReportFacts {
  const names = facts.coverage.releases;
  const [from = '', to = from] = [names.length > 1 ? names[0] : undefined, names.at(-1)];
  const unread = facts.coverage.unread.filter(
    ({ release }) => compareVersions(release, to) < 0 && (from === '' || compareVersions(release, from) > 0),
  );
  return { ...facts, coverage: { ...facts.coverage, unread } };
}

/** A finished text from a file; nothing in it is no draft. */
export function fileDraft(path: string): Draft | null {
  const bytes = readInput(path);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new DataError({ where: { file: path }, expected: 'UTF-8', found: 'other bytes' }, { cause: error });
  }
  return text.trim() === '' ? null : draftOfMarkdown(COMMENT_TITLE, neutralMarkdown(text));
}

/** Every release that is newer than another, against the one before it and under every policy. */
export async function sinceDraft(context: Context, since: string): Promise<Draft | null> {
  const specs = await specsOf(context);
  const start = findRelease(specs, since).module.release;
  const steps = releaseSteps(specs).filter(({ to }) => compareVersions(to.module.release, start) > 0);
  if (steps.length === 0) return null;
  const policy = specs.policies.at(-1) ?? null;
  const reviews = steps.map(({ from, to }) => releaseReview(specs, { from, to, policy }));
  const facts = withDecisions({ reviews, coverage: coverageOf(specs, reviews) }, specs, context.today());
  return draftOfView(viewOf(facts, COMMENT_TITLE));
}

/** The findings that these specifications have and those of `base` have not, and the other way round; null where none. */
export async function changeDraft(context: Context, base: string): Promise<Draft | null> {
  const after = wholeOf(await specsOf(context), context);
  const before = wholeOf(await baseSpecs(context, base), context);
  const known = new Set(fingerprintsOf(before));
  const posting = new Set(fingerprintsOf(after));
  const reviews = after.reviews
    .map((review) => ({ ...review, findings: review.findings.filter(({ fingerprint }) => !known.has(fingerprint)) }))
    .filter(({ findings }) => findings.length > 0);
  const gone = before.reviews.flatMap(({ findings }) =>
    findings.filter(({ fingerprint }) => !posting.has(fingerprint)),
  );
  if (reviews.length === 0 && gone.length === 0) return null;
  const headlines = gone.map((finding) => `${subjectText(finding.subject)}: ${itemOf(finding).headline}`);
  return draftOfChange(viewOf({ ...after, reviews }, COMMENT_TITLE), headlines);
}

const wholeOf = (specs: Specs, context: Context): ReportFacts => wholeReport(specs, context.today());
const fingerprintsOf = ({ reviews }: ReportFacts): readonly string[] =>
  reviews.flatMap(({ findings }) => findings.map(({ fingerprint }) => fingerprint));
const subjectText = ({ to, policy }: { readonly to: string; readonly policy: string | null }): string =>
  policy === to ? `KVM ${to}` : policy === null ? to : `TDX module ${to} on KVM ${policy}`;

/** What stands in place of a review that no longer says anything. */
export const silentDraft = (): Draft =>
  draftOfMarkdown(COMMENT_TITLE, 'bitwatch: this pull request changes no finding any more.\n');
