import { plain } from '../../model/text.ts';
import type { PageSource } from './shape.ts';

/** A list in which equal items are kept once: the index stands for the item. */
export type Table<T> = { readonly items: readonly T[]; readonly indexOf: (item: T) => number };

export function tableOf<T>(keyOf: (item: T) => string): Table<T> {
  const items: T[] = [];
  const indexes = new Map<string, number>();
  return {
    items,
    indexOf: (item) => {
      const key = keyOf(item);
      const known = indexes.get(key);
      if (known !== undefined) return known;
      indexes.set(key, items.length);
      items.push(item);
      return items.length - 1;
    },
  };
}

/** Texts that a page shows, neutralised once. */
export const textTable = (): Table<string> => {
  const table = tableOf<string>((text) => text);
  return { items: table.items, indexOf: (text) => table.indexOf(plain(text)) };
};

/**
 * Where a fact was read, with an address for a browser. Only a repository whose address `specs/sources.yaml` gives, at a full
 * commit, gets one: a guessed link could show another text.
 */
export function sourceOf(
  webAddresses: ReadonlyMap<string, string>,
  { repository, revision, path }: { readonly repository: string; readonly revision: string; readonly path: string },
): PageSource {
  const text = plain(`${repository}@${revision.slice(0, 12)} ${path}`);
  const web = webAddresses.get(repository)?.replace(/\/$/, '');
  const none: PageSource = { text, url: '', lineMark: '' };
  if (web === undefined || !/^[0-9a-f]{40}$/.test(revision) || path.split('/').includes('..')) return none;
  const file = path.split('/').map(encodeURIComponent).join('/');
  if (web.startsWith('https://github.com/')) return { text, url: `${web}/blob/${revision}/${file}`, lineMark: '#L' };
  if (web.startsWith('https://git.kernel.org/'))
    return { text, url: `${web}/tree/${file}?id=${revision}`, lineMark: '#n' };
  return none;
}
