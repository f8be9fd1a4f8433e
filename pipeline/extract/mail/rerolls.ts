import type { Mail } from './mail.ts';
import { type Posting, postingsOf, type SeriesPatch } from './series.ts';
import type { Thread } from './threads.ts';

/** Why one posting is taken for a new version of another. */
export type RerollReason = 'change-id' | 'lore-link' | 'author-and-titles';

export type Series = Posting & {
  /** The posting before this one, `null` where none is known. */
  readonly before: { readonly id: string; readonly version: number; readonly reason: RerollReason } | null;
  /** The patches with those that a partial re-roll leaves out, taken from the version before, each with its source. */
  readonly complete: readonly (SeriesPatch & { readonly from: string })[];
  /** The newest posting of the same work that is known; its own id where this is it. */
  readonly newest: { readonly id: string; readonly version: number; readonly rfc: boolean };
};

const normal = (title: string): string => title.toLowerCase().replace(/\s+/g, ' ').trim();
const titlesOf = (posting: Posting): readonly string[] =>
  [...(posting.cover === null ? [] : [posting.title]), ...posting.patches.map(({ title }) => title)].map(normal);

/** Total order of postings of one work: an RFC before what is none, then versions, then dates. */
function comparePostings(a: Posting, b: Posting): number {
  const rank = Number(b.rfc) - Number(a.rfc) || a.version - b.version || Number(a.resend) - Number(b.resend);
  return rank || (a.date ?? 0) - (b.date ?? 0) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** The reasons, best first. A link counts where its line speaks of a version: a cover also links what it builds on. */
function reasonFor(posting: Posting, earlier: Posting): RerollReason | null {
  if (posting.changeId !== null && posting.changeId === earlier.changeId) return 'change-id';
  if (posting.author.email !== earlier.author.email) return null;
  const ids = new Set([earlier.id, earlier.cover?.id, ...earlier.patches.map(({ mail }) => mail.id)]);
  const linked = posting.links.some(
    ({ id, context }) => ids.has(id) && /\bv\s?\d+\b|\brfc\b|\bversion\b|\bprevious/i.test(context),
  );
  if (linked) return 'lore-link';
  const titles = new Set(titlesOf(earlier));
  return titlesOf(posting).some((title) => title !== '' && titles.has(title)) ? 'author-and-titles' : null;
}

/** Whether `a` can be a version before `b`: the order of a work, and never posted later (clocks apart by a day). */
function precedes(a: Posting, b: Posting): boolean {
  if (comparePostings(a, b) >= 0) return false;
  if (a.version === b.version && a.rfc === b.rfc && a.resend === b.resend) return false;
  return a.date === null || b.date === null || a.date <= b.date + 86400;
}

/** The latest earlier posting that one may come from. An author's RFC v3 may precede v1; that is why the order is not versions alone. */
function beforeOf(posting: Posting, all: readonly Posting[]): { posting: Posting; reason: RerollReason } | null {
  let best: { posting: Posting; reason: RerollReason } | null = null;
  for (const earlier of all) {
    if (earlier === posting || !precedes(earlier, posting)) continue;
    const reason = reasonFor(posting, earlier);
    if (reason === null) continue;
    if (best === null || comparePostings(best.posting, earlier) < 0) best = { posting: earlier, reason };
  }
  return best;
}

function push(groups: Map<string, Posting[]>, key: string, posting: Posting): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [posting]);
  else group.push(posting);
}

/** Only postings of one author or one change-id can be versions of one work: the rest is never compared. */
function relatedPostings(postings: readonly Posting[]): (posting: Posting) => readonly Posting[] {
  const groups = new Map<string, Posting[]>();
  const keysOf = ({ author, changeId }: Posting): string[] => [
    `author ${author.email}`,
    ...(changeId === null ? [] : [`change ${changeId}`]),
  ];
  for (const posting of postings) {
    for (const key of keysOf(posting)) push(groups, key, posting);
  }
  return (posting) => keysOf(posting).flatMap((key) => groups.get(key) ?? []);
}

type Patch = SeriesPatch & { readonly from: string };

function completed(posting: Posting, before: readonly Patch[]): readonly Patch[] {
  const own: Patch[] = posting.patches.map((patch) => ({ ...patch, from: posting.id }));
  const inherited = before.filter(({ part }) => posting.missing.includes(part));
  return [...own, ...inherited].sort((a, b) => a.part - b.part);
}

/**
 * All series of the threads, each linked to the posting before it with the reason, a partial re-roll completed from it where both
 * have the same number of parts, and the newest known posting named. Sorted by date, then id.
 */
export function seriesOf(threads: readonly Thread<Mail>[]): readonly Series[] {
  const postings = threads.flatMap(postingsOf).sort(comparePostings);
  const related = relatedPostings(postings);
  const before = new Map<Posting, { posting: Posting; reason: RerollReason }>();
  const complete = new Map<Posting, readonly Patch[]>();
  const work = new Map<Posting, Posting>();
  const newest = new Map<Posting, Posting>();
  // In this order the posting before is always finished first.
  for (const posting of postings) {
    const found = beforeOf(posting, related(posting));
    if (found !== null) before.set(posting, found);
    const base = found !== null && found.posting.total === posting.total ? (complete.get(found.posting) ?? []) : [];
    complete.set(posting, completed(posting, base));
    const first = (found === null ? undefined : work.get(found.posting)) ?? posting;
    work.set(posting, first);
    const known = newest.get(first);
    if (known === undefined || comparePostings(known, posting) < 0) newest.set(first, posting);
  }
  const linked = postings.map((posting): Series => {
    const found = before.get(posting);
    const last = newest.get(work.get(posting) ?? posting) ?? posting;
    return {
      ...posting,
      before:
        found === undefined ? null : { id: found.posting.id, version: found.posting.version, reason: found.reason },
      complete: complete.get(posting) ?? [],
      newest: { id: last.id, version: last.version, rfc: last.rfc },
    };
  });
  return linked.sort((a, b) => (a.date ?? 0) - (b.date ?? 0) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
