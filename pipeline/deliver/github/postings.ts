import type { Answer } from './answer.ts';
import { timeOf } from './answer.ts';
import type { Client } from './client.ts';
import { ForgeError } from './forge-error.ts';
import { type Mark, type MarkKind, readMarker } from './marker.ts';
import type { Target } from './target.ts';

/** What is to stand on the forge under a key. */
export type Item = {
  readonly key: string;
  readonly title: string;
  readonly body: string;
  readonly hash: string;
  /** Not worth a posting of its own: only a posting that is there is changed to it. */
  readonly isUpdateOnly?: boolean;
};

/** What stands there, posted by us. */
export type Posting = {
  readonly mark: Mark;
  /** The number of the issue or pull request. */
  readonly number: number;
  readonly comment: number | null;
  readonly url: string;
  /** When this was seen, by the forge's clock. */
  readonly at: string;
};

/** A place for postings: the issues of a repository, the comments of a pull request. */
export type Postings = {
  readonly kind: MarkKind;
  /** All postings of ours in the order of their making. */
  readonly list: () => Promise<readonly Posting[]>;
  /** One that a state file names; `gone` where somebody deleted it. */
  readonly look: (hint: {
    readonly number: number;
    readonly comment: number | null;
  }) => Promise<Posting | 'gone' | null>;
  /** Throws an `uncertain` ForgeError where nobody knows whether it was made. */
  readonly create: (item: Item) => Promise<Posting>;
  readonly update: (posting: Posting, item: Item) => Promise<Posting>;
  /** Takes a second posting of the same key away. */
  readonly withdraw: (second: Posting, first: Posting) => Promise<void>;
};

/** Who posts: the login that the forge shows beside what this run writes, and the workflow that runs it. */
export type Author = { readonly login: string; readonly workflow: string };

/** Where postings are kept, and as whom. */
export type Forge = {
  readonly client: Client;
  /** The address of the API. */
  readonly api: string;
  readonly target: Target;
  readonly author: Author;
};

/** Whom a token writes as. */
export async function ownAuthor(client: Client, workflow: string): Promise<Author> {
  // REST's /user refuses the token of a workflow; this query answers every kind of token.
  const { data } = await client.request('the token’s login', 'safe', 'POST /graphql', {
    query: 'query { viewer { login } }',
  });
  const login = fieldOf(fieldOf(fieldOf(data, 'data'), 'viewer'), 'login');
  if (typeof login !== 'string' || login === '')
    throw new ForgeError('denied', 'the forge does not say whose token this is; markers of others would be believed');
  return { login, workflow };
}

export const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Our mark in a posting, believed only where we wrote it: anybody can paste one. */
export function ownMark(entry: unknown, { login, workflow }: Author, kind: MarkKind): Mark | null {
  const author = textOf(fieldOf(fieldOf(entry, 'user'), 'login'));
  if (author.toLowerCase() !== login.toLowerCase()) return null;
  const mark = readMarker(textOf(fieldOf(entry, 'body')), workflow);
  return mark?.kind === kind ? mark : null;
}

/** A number that the forge must have given. Throws an `uncertain` ForgeError: a write may have happened all the same. */
export function numberOf(entry: unknown, name: string, what: string): number {
  const value = fieldOf(entry, name);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value > 0) return value;
  throw new ForgeError('uncertain', `${what}: the answer has no ${name}`);
}

/** A link to show; one that is no http link is none. */
export function linkOf(entry: unknown): string {
  const url = textOf(fieldOf(entry, 'html_url'));
  return /^https?:\/\/[^\s<>"'`]+$/.test(url) ? url : '';
}

export const seenAt = (answer: Answer | null, entry: unknown): string =>
  (answer === null ? null : timeOf(answer.headers)) ?? textOf(fieldOf(entry, 'updated_at'));
