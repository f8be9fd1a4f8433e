/** What stands in one archive and was not taken: where, and why. */
export type Skipped = {
  /** A commit, or `offset+length` or a file name where there are no commits. */
  readonly at: string;
  readonly reason: 'missing-blob' | 'deleted' | 'empty-commit' | 'not-a-mail' | 'duplicate' | 'too-large';
  readonly detail: string;
};

/**
 * What a run over a contiguous part of an archive's history found. `events` are lines in the archive's own order:
 * `+ commit row`, `- commit blob`, `! commit reason detail`.
 */
export type Part = {
  readonly schema: 'bitwatch.archive-part/1';
  readonly archive: string;
  readonly kind: ArchiveKind;
  /** The tip that the part goes on from; `null` for the beginning. */
  readonly after: string | null;
  readonly tip: string;
  /** `index` counts from 1 to `of`. */
  readonly index: number;
  readonly of: number;
  readonly events: readonly string[];
};

export type ArchiveKind = 'git' | 'mbox' | 'mboxrd' | 'maildir' | 'eml';

/** What is known of one archive: all its mails in a line each (see `rowLine`), in the archive's order. */
export type ArchiveState = {
  readonly name: string;
  readonly kind: ArchiveKind;
  /** The last tip read; of files, a digest of what was read. */
  readonly tip: string;
  readonly rows: readonly string[];
  readonly skipped: readonly Skipped[];
};

/** What is kept between scans. Archives are in the order of their names. */
export type State = { readonly schema: 'bitwatch.archive/1'; readonly archives: readonly ArchiveState[] };

export const EMPTY_STATE: State = { schema: 'bitwatch.archive/1', archives: [] };
