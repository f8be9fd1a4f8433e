import { gitBlocks, gitLines } from '../git/lines.ts';
import type { Place } from '../git/run.ts';

/** What one commit of a public-inbox epoch does: brings a mail, takes one away, or neither. */
export type Event =
  | { readonly kind: 'mail'; readonly commit: string; readonly blob: string }
  | { readonly kind: 'deleted'; readonly commit: string; readonly blob: string }
  | { readonly kind: 'empty'; readonly commit: string }
  | { readonly kind: 'other'; readonly commit: string; readonly path: string };

type Listed = { readonly commit: string; blob: string; path: string };

const OID = /^[0-9a-f]{40,64}$/;

function eventOf({ commit, blob, path }: Listed): Event {
  if (path === 'm') return { kind: 'mail', commit, blob };
  if (path === 'd') return { kind: 'deleted', commit, blob };
  return path === '' ? { kind: 'empty', commit } : { kind: 'other', commit, path };
}

/** What the given commits change, by commit: the path and blob that each leaves behind. */
async function changesOf(place: Place, commits: readonly string[]): Promise<Map<string, Listed>> {
  const changes = new Map<string, Listed>();
  let current: Listed | null = null;
  const args = ['diff-tree', '--stdin', '--root', '--always', '--raw', '--no-abbrev', '--no-renames', '-r'];
  await gitLines(
    place,
    args,
    (line) => {
      if (OID.test(line)) {
        current = { commit: line, blob: '', path: '' };
        changes.set(line, current);
      }
      const match = /^:\d+ \d+ [0-9a-f]+ ([0-9a-f]+) ([A-Z])\d*\t(.*)$/.exec(line);
      if (match === null || current === null || match[2] === 'D') return;
      // A mail beside another path is still a mail.
      if (current.path === 'm') return;
      current.blob = match[1] ?? '';
      current.path = match[3] ?? '';
    },
    `${commits.join('\n')}\n`,
  );
  return changes;
}

/**
 * The events from `after` (left out; `null` for the beginning) to `tip`, both full commit ids, oldest first. `onBlob` hears of
 * the blobs of all mails, newest first, while git still lists them, so that reading need not wait; of some more than once.
 *
 * One walk lists commits with the objects that are new in each; a commit without a new object (empty, a mail that came
 * again, a deletion, a missing blob) is looked at with diff-tree, and so is the commit that listed its blob in its stead.
 */
export async function listEvents(
  place: Place,
  tip: string,
  after: string | null,
  onBlob: (blob: string) => void = () => {},
): Promise<readonly Event[]> {
  const listed: Listed[] = [];
  const note = (blob: string, path: string): void => {
    const entry = listed.at(-1);
    if (entry === undefined || entry.path === 'm') return;
    entry.blob = blob;
    entry.path = path;
    if (path === 'm') onBlob(blob);
  };
  const width = tip.length;
  const range = after === null ? [tip] : [tip, `^${after}`];
  const args = ['rev-list', '--objects', '--in-commit-order', '--missing=allow-any', '--end-of-options', ...range];
  await gitBlocks(place, args, (block) => {
    for (let at = 0; at < block.length; ) {
      const eol = block.indexOf(0x0a, at);
      const end = eol < 0 ? block.length : eol;
      const blank = at + width;
      // Most lines are a commit, its tree (an empty path, passed over unread) and its mail.
      if (end <= blank) listed.push({ commit: block.toString('latin1', at, end), blob: '', path: '' });
      else if (end > blank + 1) note(block.toString('latin1', at, blank), block.toString('latin1', blank + 1, end));
      at = end + 1;
    }
  });
  for (const { blob, path } of await settle(place, listed)) if (path === 'm') onBlob(blob);
  return listed.reverse().map(eventOf);
}

/** Says of the commits without a new object what they change; resolves to these. */
async function settle(place: Place, listed: readonly Listed[]): Promise<readonly Listed[]> {
  const open = listed.filter((entry) => entry.blob === '');
  if (open.length === 0) return open;
  const changes = await changesOf(
    place,
    open.map((entry) => entry.commit),
  );
  const blobs = new Set([...changes.values()].map(({ blob }) => blob).filter((blob) => blob !== ''));
  const claimed = listed.filter(({ blob, commit }) => blobs.has(blob) && !changes.has(commit));
  const more = await changesOf(
    place,
    claimed.map((entry) => entry.commit),
  );
  for (const entry of [...open, ...claimed]) {
    const change = changes.get(entry.commit) ?? more.get(entry.commit);
    entry.blob = change?.blob ?? '';
    entry.path = change?.path ?? '';
  }
  return [...open, ...claimed];
}
