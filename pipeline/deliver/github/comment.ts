import type { Answer } from './answer.ts';
import type { Client } from './client.ts';
import { ForgeError, isProblem } from './forge-error.ts';
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
import { type Target, targetText } from './target.ts';

/** The comments of one pull request that this login made; the key is the pull request's number. */
export function commentPostings(forge: Forge, pull: number): Postings {
  const { client, target, author } = forge;
  const where = `${targetText(target)}#${pull}: comments`;
  const place = { ...target, pull };
  const postingOf = (entry: unknown, answer: Answer | null): Posting | null => {
    const mark = ownMark(entry, author, 'review');
    return mark === null
      ? null
      : {
          mark,
          number: pull,
          comment: numberOf(entry, 'id', where),
          url: linkOf(entry),
          at: seenAt(answer, entry),
        };
  };
  const made = (item: Item, answer: Answer): Posting => ({
    mark: { kind: 'review', key: item.key, hash: item.hash },
    number: pull,
    comment: numberOf(answer.data, 'id', where),
    url: linkOf(answer.data),
    at: seenAt(answer, answer.data),
  });
  const one = 'repos/{owner}/{repo}/issues/comments/{comment}';
  return {
    kind: 'review',
    list: async () => {
      const entries = await allPages(forge, where, 'GET /repos/{owner}/{repo}/issues/{pull}/comments', place);
      return entries
        .flatMap((entry) => postingOf(entry, null) ?? [])
        .sort((a, b) => (a.comment ?? 0) - (b.comment ?? 0));
    },
    look: async ({ comment }) => {
      if (comment === null) return null;
      try {
        const answer = await client.request(where, 'safe', `GET /${one}`, { ...target, comment });
        return postingOf(answer.data, answer);
      } catch (error) {
        // A deleted comment may be made anew: the next review is news for the pull request.
        if (isProblem(error, 'gone', 'missing')) return null;
        throw error;
      }
    },
    create: async (item) =>
      made(
        item,
        await client.request(where, 'once', 'POST /repos/{owner}/{repo}/issues/{pull}/comments', {
          ...place,
          body: item.body,
        }),
      ),
    update: async ({ comment }, item) =>
      made(item, await client.request(where, 'safe', `PATCH /${one}`, { ...target, comment, body: item.body })),
    withdraw: async ({ comment }) => {
      try {
        await client.request(where, 'safe', `DELETE /${one}`, { ...target, comment });
      } catch (error) {
        // The other run was quicker.
        if (!isProblem(error, 'missing', 'gone')) throw error;
      }
    },
  };
}

/** Throws where the number is an issue's: a review belongs under a pull request. */
export async function checkPull(client: Client, target: Target, pull: number): Promise<void> {
  const where = `${targetText(target)}#${pull}`;
  const { data } = await client.request(where, 'safe', 'GET /repos/{owner}/{repo}/issues/{pull}', { ...target, pull });
  if (fieldOf(data, 'pull_request') === undefined)
    throw new ForgeError('missing', `${where}: expected a pull request, found an issue`);
}
