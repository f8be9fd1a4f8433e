import { DataError, NoInputError } from '../model/errors.ts';
import type { Repository } from './repository.ts';
import { readGit } from './run.ts';

/** One revision where a path changed: each path with its blob id, null where it was removed. */
export type PathChange = {
  readonly commit: string;
  /** The id of its top tree. */
  readonly tree: string;
  readonly time: number;
  readonly subject: string;
  readonly paths: ReadonlyMap<string, string | null>;
};

const FORMAT = ['--raw', '--no-abbrev', '--no-renames', '-z', '--encoding=UTF-8', '--format=%H%x00%T%x00%ct%x00%s'];

/** The revisions of a range, oldest first, where any of the paths changed. A rename shows as a removal and an addition. */
export async function listPathChanges(
  repository: Repository,
  range: string,
  paths: readonly string[],
): Promise<readonly PathChange[]> {
  if (/[\0\n]/.test(range) || range === '')
    throw new NoInputError(`${repository.name}: a range cannot be ${JSON.stringify(range)}`);
  // The commits that made the changes; a merge shows only where its result is that of none of its parents.
  const order = ['--reverse', '--topo-order', '--diff-merges=first-parent'];
  // A path is a name, never a pattern.
  const args = ['--literal-pathspecs', 'log', ...order, ...FORMAT, '--end-of-options', range, '--', ...paths];
  const output = await readGit(repository, args);
  return parseLog(repository.name, output.toString('utf8')).filter((change) => change.paths.size > 0);
}

/**
 * Fields end with NUL: id, tree, time, subject, then an entry and its path in turn. Only an entry begins with a colon, so no
 * subject can be taken for one: a field's place says what it is.
 */
function parseLog(name: string, text: string): readonly PathChange[] {
  const fields = text.split('\0').map((field) => field.replace(/^\n/, ''));
  const changes: PathChange[] = [];
  let at = 0;
  while (at < fields.length - 1) {
    const [commit = '', tree = '', time = '', subject = ''] = fields.slice(at, at + 4);
    if (!/^[0-9a-f]{40,64}$/.test(commit) || !/^[0-9a-f]{40,64}$/.test(tree) || !/^\d+$/.test(time))
      throw unknownField(name, commit);
    at += 4;
    const paths = new Map<string, string | null>();
    for (; fields[at]?.startsWith(':') === true; at += 2) {
      const entry = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) ([A-Z])$/.exec(fields[at] ?? '');
      const path = fields[at + 1];
      if (entry === null || path === undefined) throw unknownField(name, fields[at]);
      paths.set(path, entry[2] === 'D' ? null : (entry[1] ?? null));
    }
    changes.push({ commit, tree, time: Number(time), subject, paths });
  }
  return changes;
}

const unknownField = (name: string, field: string | undefined): DataError =>
  new DataError({ where: { file: name }, expected: 'an entry of git log', found: JSON.stringify(field ?? null) });
