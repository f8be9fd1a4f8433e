import type { Repository } from '../git/repository.ts';
import { CannotCreateError, IoError, KnownError } from '../model/errors.ts';
import type { PlainSource } from '../specs/sources-shape.ts';
import type { Context } from './context.ts';

/** What one source brought: lines for people, how many files were written and how many blobs were read. */
export type Outcome = {
  readonly lines: readonly string[];
  readonly written: number;
  readonly blobs: number;
  readonly failed: boolean;
};

/** One transfer for all that is about to be read, instead of one for each blob. */
export async function fetchAhead(
  context: Context,
  { repository, source }: { readonly repository: Repository; readonly source: PlainSource },
  commits: readonly string[],
  paths: readonly string[],
): Promise<void> {
  if (context.options.offline) return;
  const { prefetchBlobs } = await import('../git/prefetch.ts');
  await prefetchBlobs(repository, source.url, commits, paths);
}

/** What one revision or source says or lacks. A fault of this machine is none: nothing more could be written. */
export const isSourceError = (error: unknown): error is KnownError =>
  error instanceof KnownError && !(error instanceof CannotCreateError || error instanceof IoError);

/** Reads one revision after another; one that cannot be read is said, and does not keep the others back. */
export async function each<T>(
  source: PlainSource,
  items: readonly T[],
  label: (item: T) => string,
  work: (item: T) => Promise<string>,
): Promise<Omit<Outcome, 'blobs'>> {
  const lines: string[] = [];
  let written = 0;
  let failed = false;
  for (const item of items) {
    try {
      lines.push(`${source.name}: ${label(item)}: wrote ${await work(item)}`);
      written += 1;
    } catch (error) {
      if (!isSourceError(error)) throw error;
      lines.push(`${source.name}: ${label(item)}: not read: ${error.message}`);
      failed = true;
    }
  }
  return { lines: items.length === 0 ? [`${source.name}: nothing new`] : lines, written, failed };
}
