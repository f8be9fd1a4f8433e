import type { Answer } from './answer.ts';
import { isProblem } from './forge-error.ts';
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

/** The issues of a repository that this login made, one per key. */
export function issuePostings(forge: Forge, label: string): Postings {
  const { client, target, author } = forge;
  const where = `${targetText(target)}: issues`;
  const postingOf = (entry: unknown, answer: Answer | null): Posting | null => {
    const mark = ownMark(entry, author, 'release');
    // A list of issues has the pull requests in it.
    if (mark === null || fieldOf(entry, 'pull_request') !== undefined) return null;
    return {
      mark,
      number: numberOf(entry, 'number', where),
      comment: null,
      url: linkOf(entry),
      at: seenAt(answer, entry),
    };
  };
  const made = (item: Item, answer: Answer): Posting => ({
    mark: { kind: 'release', key: item.key, hash: item.hash },
    number: numberOf(answer.data, 'number', where),
    comment: null,
    url: linkOf(answer.data),
    at: seenAt(answer, answer.data),
  });
  const route = 'repos/{owner}/{repo}/issues';
  return {
    kind: 'release',
    list: async () => {
      const all = (filter: Readonly<Record<string, string>>): Promise<readonly unknown[]> =>
        allPages(forge, where, `GET /${route}`, {
          ...target,
          ...filter,
          state: 'all',
          sort: 'created',
          direction: 'asc',
        });
      // By label, and by author for those whose label somebody took off or the token could not set. Never by search, which lags.
      const labelled = await all({ labels: label });
      const written = await all({ creator: author.login }).catch((error: unknown) => {
        // A forge that cannot filter by this author is asked for everything.
        if (isProblem(error, 'rejected')) return all({});
        throw error;
      });
      const posting = new Map<number, Posting>();
      for (const entry of [...labelled, ...written]) {
        const each = postingOf(entry, null);
        if (each !== null) posting.set(each.number, each);
      }
      return [...posting.values()].sort((a, b) => a.number - b.number);
    },
    look: async ({ number }) => {
      try {
        const answer = await client.request(where, 'safe', `GET /${route}/{number}`, { ...target, number });
        return postingOf(answer.data, answer);
      } catch (error) {
        if (isProblem(error, 'gone')) return 'gone';
        if (isProblem(error, 'missing')) return null;
        throw error;
      }
    },
    create: async (item) =>
      made(
        item,
        await client.request(where, 'once', `POST /${route}`, {
          ...target,
          title: item.title,
          body: item.body,
          labels: [label],
        }),
      ),
    update: async ({ number }, item) =>
      made(
        item,
        await client.request(`${where}/${number}`, 'safe', `PATCH /${route}/{number}`, {
          ...target,
          number,
          title: item.title,
          body: item.body,
        }),
      ),
    withdraw: async (second, first) => {
      // An issue cannot be deleted by a token of a workflow: it is closed, points to the first, and loses its mark.
      await client.request(`${where}/${second.number}`, 'safe', `PATCH /${route}/{number}`, {
        ...target,
        number: second.number,
        body: `Made twice by two runs at once; see #${first.number}.\n`,
        state: 'closed',
        state_reason: 'not_planned',
      });
    },
  };
}
