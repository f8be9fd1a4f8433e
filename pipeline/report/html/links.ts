import { plain } from '../../model/text.ts';

/** Where something was read: a text, an address to it or the empty text, and what goes before a line there. */
export type PageSource = { readonly text: string; readonly url: string; readonly lineMark: string };

/** A repository's name to the https address where a reader finds it. */
export const webAddresses = (
  sources: readonly { readonly repository: string; readonly url: string }[],
): ReadonlyMap<string, string> =>
  new Map(sources.filter(({ url }) => url.startsWith('https://')).map(({ repository, url }) => [repository, url]));

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
