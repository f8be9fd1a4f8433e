import { z } from 'zod';
import { count } from './schema-parts.ts';

/** Machine formats of what a run says that it did: `archive`, `merge`, `plan`, `sync` and `decide`. Loaded like `schema.ts`. */

/** What a scan of archives left, and what it passed over. */
export const archiveSummary = z.strictObject({
  schema: z.literal('bitwatch.archive-summary/1'),
  /** Whether the run read anything that was not known. */
  new: z.boolean(),
  mails: count,
  threads: count,
  /** Threads of which some mail names TDX. */
  matter: count,
  /** Message-IDs that stand on several mails of one archive. */
  reused: count,
  skipped: z.array(
    z.strictObject({
      archive: z.string(),
      /** A commit, or `offset+length` or a file name where there are no commits. */
      at: z.string(),
      reason: z.enum(['missing-blob', 'deleted', 'empty-commit', 'not-a-mail', 'duplicate', 'too-large']),
      detail: z.string(),
    }),
  ),
});

/** Where the mirror of an epoch is. */
export const mirror = z.strictObject({ schema: z.literal('bitwatch.mirror/1'), path: z.string() });

/** Where the share of a scan went; null where its epoch has nothing new. */
export const part = z.strictObject({ schema: z.literal('bitwatch.part/1'), path: z.string().nullable() });

/** Patches whose subject names TDX, of each archive in its order. */
export const subjects = z.strictObject({
  schema: z.literal('bitwatch.subjects/1'),
  patches: z.array(z.strictObject({ archive: z.string(), commit: z.string(), subject: z.string() })),
});

/** States of postings joined: where, and how many it then holds. */
export const postings = z.strictObject({ schema: z.literal('bitwatch.postings/1'), path: z.string(), postings: count });

/** What a sync has written into specs/, by source, and what it says of it. */
export const sync = z.strictObject({
  schema: z.literal('bitwatch.sync/1'),
  sources: z.array(
    z.strictObject({
      name: z.string(),
      written: count,
      /** Whether the source could not be reached, or something of it not be read. */
      failed: z.boolean(),
      lines: z.array(z.string()),
    }),
  ),
});

/** Decisions that were recorded, and those that were removed as idle, by what they select. */
export const decided = z.strictObject({
  schema: z.literal('bitwatch.decided/1'),
  decided: z.array(z.string()),
  removed: z.array(z.string()),
});

/** A matrix for a workflow, which takes each key for a dimension: it names no schema of its own. */
export const plan = z.strictObject({
  include: z.array(
    z.strictObject({
      archive: z.string(),
      /** The commit that every share of the epoch reads up to; empty for the newest. */
      tip: z.string(),
      shard: z.string().regex(/^\d+\/\d+$/),
      part: z.string(),
    }),
  ),
});
