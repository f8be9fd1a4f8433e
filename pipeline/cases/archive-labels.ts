import type { PlainSources } from '../specs/sources-shape.ts';

type Label = { readonly name: string; readonly url: string | null };
type List = Pick<PlainSources['lists'][number], 'name' | 'url'>;

/** The folders of an archive, without what every public-inbox is called: `/mirrors/kvm/git/0.git` is `mirrors`, `kvm`. */
const foldersOf = (path: string): readonly string[] => {
  const folders = path
    .replace(/(?:[\\/]git)?[\\/]\d+\.git[\\/]*$/, '')
    .replace(/\.git[\\/]*$/, '')
    .split(/[\\/]+/)
    .filter((folder) => folder !== '' && folder !== '.');
  return folders.length === 0 ? [path] : folders;
};

/**
 * What a page calls archives: the list whose name in `specs/sources.yaml` is that of the archive's folder, with its web address;
 * else as many of the last folders as tell the archives apart. A page shown to others needs no path of this machine.
 */
export function archiveLabels(names: readonly string[], lists: readonly List[]): ReadonlyMap<string, Label> {
  const all = names.map((name) => ({ name, folders: foldersOf(name) }));
  const tail = (folders: readonly string[], length: number): string => folders.slice(-length).join('/');
  return new Map(
    all.map(({ name, folders }): [string, Label] => {
      const list = lists.find((each) => each.name === folders.at(-1));
      if (list !== undefined) return [name, { name: list.name, url: list.url }];
      const others = all.filter((other) => other.folders.join('/') !== folders.join('/'));
      let length = 1;
      while (length < folders.length && others.some((other) => tail(other.folders, length) === tail(folders, length)))
        length += 1;
      return [name, { name: tail(folders, length), url: null }];
    }),
  );
}
