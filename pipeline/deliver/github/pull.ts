import { ForgeError } from './forge-error.ts';
import { allPages } from './pages.ts';
import {
  type Forge,
  fieldOf,
  type Item,
  linkOf,
  numberOf,
  ownMark,
  type Posting,
  type Postings,
  seenAt,
} from './postings.ts';
import { targetText } from './target.ts';

/** The one pull request of a branch of ours. */
export type PullPlace = { readonly branch: string; readonly into: string };

/**
 * Postings that are one pull request: that of a branch into another. An open one is kept up to date. One that a person closed unmerged
 * is left closed as long as it would say the same (`hash`); something new makes another.
 */
export function pullPostings(forge: Forge, { branch, into, hash }: PullPlace & { readonly hash: string }): Postings {
  const { client, target, author } = forge;
  const where = `${targetText(target)} pull request of ${branch}`;
  const route = 'repos/{owner}/{repo}/pulls';
  const postingOf = (entry: unknown, mark: Posting['mark'], at: string): Posting => ({
    mark,
    number: numberOf(entry, 'number', where),
    comment: null,
    url: linkOf(entry),
    at,
  });
  const marked = (item: Item): Posting['mark'] => ({ kind: 'pull', key: item.key, hash: item.hash });
  return {
    kind: 'pull',
    list: async () => {
      const all = await allPages(forge, where, `GET /${route}`, {
        ...target,
        state: 'all',
        head: `${target.owner}:${branch}`,
        base: into,
        sort: 'created',
        direction: 'desc',
      });
      const own = all.flatMap((entry) => {
        const mark = ownMark(entry, author, 'pull');
        const isOfBranch = fieldOf(fieldOf(entry, 'head'), 'ref') === branch;
        return mark === null || !isOfBranch ? [] : [{ entry, mark }];
      });
      const found =
        own.find(({ entry }) => fieldOf(entry, 'state') === 'open') ??
        own.find(({ entry, mark }) => fieldOf(entry, 'merged_at') === null && mark.hash === hash);
      return found === undefined ? [] : [postingOf(found.entry, found.mark, seenAt(null, found.entry))];
    },
    // The list is asked by branch and does not lag: what it does not have is not there.
    look: async () => null,
    create: async (item) => {
      const answer = await client.request(where, 'once', `POST /${route}`, {
        ...target,
        title: item.title,
        body: item.body,
        head: branch,
        base: into,
      });
      return postingOf(answer.data, marked(item), seenAt(answer, answer.data));
    },
    update: async ({ number }, item) => {
      const answer = await client.request(where, 'safe', `PATCH /${route}/{pull_number}`, {
        ...target,
        pull_number: number,
        title: item.title,
        body: item.body,
      });
      return postingOf(answer.data, marked(item), seenAt(answer, answer.data));
    },
    withdraw: async () => {
      throw new ForgeError('rejected', `${where}: stands twice, which the forge does not allow`);
    },
  };
}
