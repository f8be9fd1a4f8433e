import { type Client, createClient, type Timing } from '../../../pipeline/deliver/github/client.ts';
import { commentPostings } from '../../../pipeline/deliver/github/comment.ts';
import { issuePostings } from '../../../pipeline/deliver/github/issues.ts';
import { contentHash, markerLine } from '../../../pipeline/deliver/github/marker.ts';
import { type Item, ownAuthor, type Postings } from '../../../pipeline/deliver/github/postings.ts';
import { type Publication, type PublishRequest, publishAll } from '../../../pipeline/deliver/github/publish-all.ts';
import { type GithubServer, TOKEN } from '../../helpers/github-server.ts';

export const TARGET = { owner: 'example', repo: 'watch' } as const;
export const LABEL = 'bitwatch';

/** Waits are only counted; a request that the server never answers is ended when the server says so. */
export function testTiming(
  server: GithubServer,
): { -readonly [Key in keyof Timing]: Timing[Key] } & { readonly waits: number[] } {
  const waits: number[] = [];
  let current = new AbortController();
  server.settings.onHang = () => {
    const ended = current;
    current = new AbortController();
    ended.abort(new DOMException('The operation timed out.', 'TimeoutError'));
  };
  return {
    waits,
    sleep: async (milliseconds) => {
      waits.push(milliseconds);
    },
    deadline: () => current.signal,
  };
}

export function clientOf(server: GithubServer, options: { readonly token?: string; readonly patience?: number } = {}) {
  const timing = testTiming(server);
  const client = createClient({
    api: server.url,
    token: options.token ?? TOKEN,
    agent: 'bitwatch/test',
    timing,
    patience: options.patience ?? 900_000,
    onWait: () => {},
  });
  return { client, waits: timing.waits };
}

export function itemOf(key: string, text = 'text', kind: 'release' | 'review' = 'release'): Item {
  const hash = contentHash(`review of ${key}`, text);
  return { key, title: `review of ${key}`, body: `${markerLine({ kind, key, hash })}\n${text}`, hash };
}

const request = (items: readonly Item[], more: Partial<PublishRequest>): PublishRequest => ({
  items,
  hints: new Map(),
  isDry: false,
  begun: new Set(),
  begin: () => {},
  record: async () => {},
  ...more,
});

async function issues(server: GithubServer, client: Client): Promise<Postings> {
  return issuePostings({ client, api: server.url, target: TARGET, author: await ownAuthor(client, '') }, LABEL);
}

/** One run over the issues of the repository, from the first request on. */
export async function keepIssues(
  server: GithubServer,
  items: readonly Item[],
  more: Partial<PublishRequest> = {},
): Promise<Publication> {
  const { client } = clientOf(server);
  return publishAll(client, await issues(server, client), request(items, more));
}

/** One run over the comments of pull request 1. */
export async function keepComment(
  server: GithubServer,
  text: string,
  more: Partial<PublishRequest> = {},
): Promise<Publication> {
  const { client } = clientOf(server);
  const postings = commentPostings({ client, api: server.url, target: TARGET, author: await ownAuthor(client, '') }, 1);
  return publishAll(client, postings, request([itemOf('1', text, 'review')], more));
}

export const actions = ({ outcomes }: Publication): readonly string[] =>
  outcomes.map(({ key, action }) => `${key} ${action}`);
