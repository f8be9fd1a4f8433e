import { diffOf } from './diff.ts';
import { bodyText, type Mail } from './mail.ts';
import { type PatchSubject, readSubject } from './subject.ts';
import { type Thread, threadKey } from './threads.ts';
import { readTrailers, type Trailers } from './trailers.ts';

/** A patch of a series: its part number from 1 and the mail that brings it. */
export type SeriesPatch = { readonly part: number; readonly title: string; readonly mail: Mail };

/** One posting of a series, not yet linked to the ones before it. */
export type Posting = {
  /** The Message-ID of the cover, or of the first patch that is there. */
  readonly id: string;
  readonly author: Mail['author'];
  readonly version: number;
  readonly rfc: boolean;
  readonly resend: boolean;
  readonly trees: readonly string[];
  readonly total: number;
  readonly title: string;
  readonly cover: Mail | null;
  /** In the order of their parts, each part once: of a part that was sent again, the last. */
  readonly patches: readonly SeriesPatch[];
  /** Parts that no mail brings. */
  readonly missing: readonly number[];
  readonly baseCommit: string | null;
  readonly changeId: string | null;
  readonly links: Trailers['links'];
  /** Epoch seconds of the cover or the first patch. */
  readonly date: number | null;
};

/** The mails of a posting: the cover, where there is one, and those of the patches. */
export const mailsOf = ({ cover, patches }: Pick<Posting, 'cover' | 'patches'>): readonly Mail[] => [
  ...(cover === null ? [] : [cover]),
  ...patches.map(({ mail }) => mail),
];

type Candidate = { readonly mail: Mail; readonly subject: PatchSubject };

/** More parts than any series has: a total that only a forged subject carries. */
const MAX_TOTAL = 1000;

/** Mails of one author, version, total and prefix in one thread are one posting; a patch without a number is one of its own. */
function postingKey({ mail, subject }: Candidate): string {
  if (subject.part === null) return threadKey(mail);
  const { version, total, rfc, resend, trees } = subject;
  return JSON.stringify([mail.author.email, version, total, rfc, resend, [...trees].sort()]);
}

function candidatesOf(thread: Thread<Mail>): readonly Candidate[] {
  const all = thread.mails.map((mail) => ({ mail, subject: readSubject(mail.subject) }));
  return all.filter(({ mail, subject }) => {
    if (subject.reply || !subject.patch || (subject.total ?? 0) > MAX_TOTAL) return false;
    return subject.part !== null || diffOf(mail) !== null;
  });
}

/** The root of the thread, where it is by the author, no answer and without a diff: a cover letter by any subject. */
function rootCover(thread: Thread<Mail>, email: string): Mail | null {
  const root = thread.roots[0]?.mails[0];
  if (root === undefined || root.author.email !== email || readSubject(root.subject).reply) return null;
  return diffOf(root) === null ? root : null;
}

function patchesOf(group: readonly Candidate[]): readonly SeriesPatch[] {
  const byPart = new Map<number, SeriesPatch>();
  for (const { mail, subject } of group) {
    const part = subject.part ?? 1;
    if (part > 0) byPart.set(part, { part, title: subject.title, mail });
  }
  return [...byPart.values()].sort((a, b) => a.part - b.part);
}

/** The first of the texts that says something. */
function firstOf<T>(trailers: readonly Trailers[], read: (trailer: Trailers) => T | null): T | null {
  for (const trailer of trailers) {
    const value = read(trailer);
    if (value !== null) return value;
  }
  return null;
}

function postingOf(thread: Thread<Mail>, group: readonly Candidate[]): Posting | null {
  const first = group[0];
  if (first === undefined) return null;
  const { subject, mail } = first;
  const numbered = group.filter((candidate) => candidate.subject.part === 0).at(-1)?.mail ?? null;
  const cover = numbered ?? (subject.part === null ? null : rootCover(thread, mail.author.email));
  const patches = patchesOf(group);
  const total = subject.total ?? 1;
  const have = new Set(patches.map(({ part }) => part));
  const head = cover ?? patches[0]?.mail ?? mail;
  const trailers = mailsOf({ cover, patches }).map((from) => readTrailers(bodyText(from)));
  return {
    id: head.id,
    author: mail.author,
    version: subject.version,
    rfc: subject.rfc,
    resend: subject.resend,
    trees: subject.trees,
    total,
    title: readSubject(head.subject).title,
    cover,
    patches,
    missing: Array.from({ length: total }, (_, at) => at + 1).filter((part) => !have.has(part)),
    baseCommit: firstOf(trailers, (trailer) => trailer.baseCommit),
    changeId: firstOf(trailers, (trailer) => trailer.changeId),
    links: trailers[0]?.links ?? [],
    date: head.date,
  };
}

/** The postings of a thread in the order of their first mails. */
export function postingsOf(thread: Thread<Mail>): readonly Posting[] {
  const groups = new Map<string, Candidate[]>();
  for (const candidate of candidatesOf(thread)) {
    const key = postingKey(candidate);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [candidate]);
    else group.push(candidate);
  }
  return [...groups.values()].flatMap((group) => postingOf(thread, group) ?? []);
}
