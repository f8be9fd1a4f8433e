import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../disk/folder.ts';
import { lockBeside, withLock } from '../disk/lock.ts';
import { readInputText } from '../disk/read.ts';
import { writeFileAtomically } from '../disk/write.ts';
import { compareNumbers, compareTexts } from '../model/order.ts';
import { NO_CACHE, readPlain } from '../specs/plain.ts';
import { yamlText } from '../specs/yaml-text.ts';

/**
 * One posting that stands on a forge. The file is a hint that saves a look; the mark in the posting is the truth, so that a
 * lost or stale file never posts twice.
 */
export type Posted = {
  readonly repository: string;
  readonly kind: 'release' | 'review' | 'pull';
  readonly key: string;
  readonly number: number;
  readonly comment: number | null;
  readonly hash: string;
  readonly url: string;
  /** When it was seen to stand so, by the forge's clock. */
  readonly at: string;
};

const placeOf = ({ repository, kind, key }: Posted): string => JSON.stringify([repository, kind, key]);

/** Later seen is greater; of two seen at once the one made first is. A total order, so that joining obeys the laws of a union. */
function compareAge(a: Posted, b: Posted): number {
  return (
    compareTexts(a.at, b.at) ||
    compareNumbers(b.number, a.number) ||
    compareNumbers(b.comment ?? 0, a.comment ?? 0) ||
    compareTexts(a.hash, b.hash) ||
    compareTexts(a.url, b.url)
  );
}

/** The entries of both, one for each place: commutative, associative, idempotent. Sorted by repository, kind and key. */
export function mergePosted(a: readonly Posted[], b: readonly Posted[]): readonly Posted[] {
  const entries = new Map<string, Posted>();
  for (const entry of [...a, ...b]) {
    const other = entries.get(placeOf(entry));
    if (other === undefined || compareAge(other, entry) < 0) entries.set(placeOf(entry), entry);
  }
  return [...entries.values()].sort(
    (x, y) => compareTexts(x.repository, y.repository) || compareTexts(x.kind, y.kind) || compareTexts(x.key, y.key),
  );
}

/** The file as YAML, one entry a block: the same entries, the same bytes. */
export const postedToYaml = (entries: readonly Posted[]): Promise<string> =>
  yamlText(
    {
      posted: mergePosted(entries, []).map(({ repository, kind, key, number, comment, hash, url, at }) => ({
        repository,
        kind,
        key,
        number,
        ...(comment === null ? {} : { comment }),
        hash,
        url,
        at,
      })),
    },
    {
      comment: 'What was posted where. A hint: the mark in each posting decides. Written by `bitwatch publish --send`.',
      blocks: ['posted'],
      words: ['kind'],
    },
  );

/** Throws a DataError with line and column. */
export async function readPosted(file: string, text: string): Promise<readonly Posted[]> {
  const { posted } = await readPlain(
    'posted',
    file,
    text,
    NO_CACHE,
    async () => (await import('../specs/posted-shape.ts')).checkPosted,
  );
  return posted.map((entry) => ({ ...entry, comment: entry.comment ?? null }));
}

/** The entries of a file; none where there is no file yet. */
export async function loadPosted(path: string): Promise<readonly Posted[]> {
  if (!existsSync(path)) return [];
  return readPosted(path, readInputText(path));
}

/** How long a run waits for another that writes the same file, in milliseconds. */
const LIMIT = 20 * 60_000;

/** Work under the file's lock; while another run has it, waits. Throws a BusyError after ever longer waits. */
export async function withPostedLock<T>(path: string, what: string, sleep: Sleep, work: () => Promise<T>): Promise<T> {
  makeFolder(dirname(path));
  return withLock(path, what, work, { sleep, limit: LIMIT });
}

type Sleep = (milliseconds: number) => Promise<void>;

/** Joins entries to a file: read again under its lock, so that two runs at once lose nothing. What changes nothing writes nothing. */
export async function addPosted(path: string, entries: readonly Posted[], sleep: Sleep): Promise<void> {
  await change(path, sleep, (before) => mergePosted(before, entries));
}

/** Takes down a posting that was seen; that it stands as it stood is no news. */
export async function recordPosted(path: string, entry: Posted, sleep: Sleep): Promise<void> {
  await change(path, sleep, (before) =>
    before.some((other) => isSame(entry, other)) ? before : mergePosted(before, [entry]),
  );
}

async function change(
  path: string,
  sleep: Sleep,
  next: (before: readonly Posted[]) => readonly Posted[],
): Promise<void> {
  await withPostedLock(lockBeside(path), path, sleep, async () => {
    const before = await loadPosted(path);
    const text = await postedToYaml(next(before));
    if (text === (await postedToYaml(before))) return;
    writeFileAtomically(path, text);
  });
}

const isSame = (a: Posted, b: Posted): boolean =>
  placeOf(a) === placeOf(b) && a.number === b.number && a.comment === b.comment && a.hash === b.hash;
