import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { specsDirectory } from '../cases/context.ts';
import { addPosted, loadPosted, mergePosted, readPosted } from '../deliver/posted.ts';
import { UsageError } from '../model/errors.ts';
import type { Context } from './context.ts';

type Text = { readonly path: string; readonly text: string };

/** A state of `bitwatch publish`, told from the shard of a scan, which is JSON. */
export const isPostedText = (text: string): boolean => /^posted:/m.test(text);

/** Joins states of postings to the one that is named, in any order. */
export async function mergePostedFiles(context: Context, texts: readonly Text[], state: string | null): Promise<void> {
  const other = texts.find(({ text }) => !isPostedText(text));
  if (other !== undefined) throw new UsageError(`${other.path}: no state of postings, and others are`);
  const file = state ?? join(specsDirectory(context), 'posted.yaml');
  const all = await Promise.all(texts.map(({ path, text }) => readPosted(path, text)));
  const wait = context.timing?.sleep ?? ((milliseconds: number) => sleep(milliseconds));
  await addPosted(file, all.reduce(mergePosted, []), wait);
  context.stdout.write(`${(await loadPosted(file)).length} postings in ${file}\n`);
}
