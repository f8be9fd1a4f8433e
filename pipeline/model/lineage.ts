import { compareVersions } from './order.ts';

/** A row of `specs/lineage.md`: the release whose code another one has. */
export type LineageRow = { readonly release: string; readonly follows: string; readonly why: string };

/** What a release is compared with, and what that rests on. */
export type Lineage = {
  readonly follows: string;
  /** The argument of `specs/lineage.md`; null where nobody examined whose code the release has. */
  readonly why: string | null;
  /** The release before it on its own line, where that is another one. */
  readonly before: string | null;
  /** Releases between the two on the same line that are known by name only. */
  readonly between: readonly string[];
};

/** The major line of a release: 1.0, 1.5, 2.0. */
export const lineOf = (release: string): string => release.split(/[ .]/).slice(0, 2).join('.');

/**
 * What `release` follows among those that were read: the row's, where its release was read, else the next older one of the
 * release's own line, else the newest older one. Null for the oldest. `known` names every release, read or not.
 */
export function lineageOf(
  release: string,
  read: readonly string[],
  rows: readonly LineageRow[],
  known: readonly string[],
): Lineage | null {
  const older = read.filter((name) => compareVersions(name, release) < 0).sort(compareVersions);
  const before = older.filter((name) => lineOf(name) === lineOf(release)).at(-1) ?? null;
  const row = rows.find((each) => each.release === release && read.includes(each.follows));
  const follows = row?.follows ?? before ?? older.at(-1);
  if (follows === undefined) return null;
  const isBetween = (name: string): boolean =>
    lineOf(name) === lineOf(release) && compareVersions(follows, name) < 0 && compareVersions(name, release) < 0;
  return {
    follows,
    why: row?.why ?? null,
    before: before === follows ? null : before,
    between: lineOf(follows) === lineOf(release) ? known.filter((name) => isBetween(name) && !read.includes(name)) : [],
  };
}
