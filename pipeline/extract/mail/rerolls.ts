import type { Mail } from './mail.ts';
import { type Posting, postingsOf, type SeriesPatch } from './series.ts';
import type { Thread } from './threads.ts';

/** Why one posting is taken for a new version of another. */
type RerollReason = 'change-id' | 'lore-link' | 'author-and-titles';

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

/** Links whose line speaks of a version: a cover also links what it builds on. */
const versionLinks = ({ links }: Posting): readonly string[] =>
  links.filter(({ context }) => /\bv\s?\d+\b|\brfc\b|\bversion\b|\bprevious/i.test(context)).map(({ id }) => id);

/** What a later posting may name this one by, and this one an earlier: a key for each reason, the best reason first. */
type Keys = {
  readonly own: readonly string[];
  readonly named: readonly (readonly [RerollReason, readonly string[]])[];
};

function keysOf(posting: Posting): Keys {
  const { author, changeId, cover, patches } = posting;
  const ids = [posting.id, ...(cover === null ? [] : [cover.id]), ...patches.map(({ mail }) => mail.id)];
  const change = changeId === null ? [] : [`change ${changeId}`];
  const titles = titlesOf(posting)
    .filter((title) => title !== '')
    .map((title) => `title ${author.email} ${title}`);
  return {
    own: [...change, ...new Set([...ids.map((id) => `id ${author.email} ${id}`), ...titles])],
    named: [
      ['change-id', change],
      ['lore-link', versionLinks(posting).map((id) => `id ${author.email} ${id}`)],
      ['author-and-titles', titles],
    ],
  };
}

/** Whether `a` can be a version before `b`: the order of a work, and never posted later (clocks apart by a day). */
function precedes(a: Posting, b: Posting): boolean {
  if (comparePostings(a, b) >= 0) return false;
  if (a.version === b.version && a.rfc === b.rfc && a.resend === b.resend) return false;
  return a.date === null || b.date === null || a.date <= b.date + 86400;
}

type Before = { readonly posting: Posting; readonly reason: RerollReason };

/** So many postings under one key are looked at, the latest first: only a forged archive has more of one title. */
const MAX_LOOKED_AT = 200;

/** The latest of the postings under a key that can be a version before. `all` is in the order of `comparePostings`. */
function latestBefore(posting: Posting, all: readonly Posting[]): Posting | null {
  for (let at = all.length - 1; at >= Math.max(0, all.length - MAX_LOOKED_AT); at -= 1) {
    const earlier = all[at];
    if (earlier !== undefined && earlier !== posting && precedes(earlier, posting)) return earlier;
  }
  return null;
}

/**
 * The latest earlier posting that each may come from; asked in the order of `comparePostings`, for it knows those that it was asked
 * of before. An author's RFC v3 may precede v1; that is why the order is not versions alone.
 */
function finderOfBefore(): (posting: Posting) => Before | null {
  const known = new Map<string, Posting[]>();
  return (posting) => {
    const { own, named } = keysOf(posting);
    let best: Before | null = null;
    for (const [reason, keys] of named)
      for (const key of new Set(keys)) {
        const earlier = latestBefore(posting, known.get(key) ?? []);
        // Under an equal posting the reason that stands first is the better one.
        if (earlier !== null && (best === null || comparePostings(best.posting, earlier) < 0))
          best = { posting: earlier, reason };
      }
    for (const key of own) {
      const group = known.get(key);
      if (group === undefined) known.set(key, [posting]);
      else group.push(posting);
    }
    return best;
  };
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
  const beforeOf = finderOfBefore();
  const before = new Map<Posting, Before>();
  const complete = new Map<Posting, readonly Patch[]>();
  const work = new Map<Posting, Posting>();
  const newest = new Map<Posting, Posting>();
  // In this order the posting before is always finished first.
  for (const posting of postings) {
    const found = beforeOf(posting);
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
