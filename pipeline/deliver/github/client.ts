import { request as github } from '@octokit/request';
import type { Answer } from './answer.ts';
import { type Meaning, meaningOf } from './answer.ts';
import { ForgeError } from './forge-error.ts';

/** How a run waits: given by the caller, so that a test need not. */
export type Timing = {
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** A signal that ends one request after its time. */
  readonly deadline: () => AbortSignal;
};

export type Wire = {
  readonly api: string;
  readonly token: string;
  readonly agent: string;
  readonly timing: Timing;
  /** All waiting that limits and failures may cost one run, in milliseconds. */
  readonly patience: number;
  /** Told before each wait. */
  readonly onWait: (milliseconds: number, why: string) => void;
};

/**
 * `safe`: a read, or a write that may be repeated; `once`: a write that must not be repeated blindly, whose failure without a
 * clear answer is thrown as `uncertain`.
 */
type Mode = 'safe' | 'once';

export type Client = {
  /** One request; waits as the forge asks. Throws a ForgeError. `what` names the matter in messages. */
  readonly request: (
    what: string,
    mode: Mode,
    route: string,
    parameters?: Readonly<Record<string, unknown>>,
  ) => Promise<Answer>;
  /** Waits within the run's patience; throws a `limited` ForgeError where that does not suffice. */
  readonly pause: (milliseconds: number, why: string) => Promise<void>;
};

const ATTEMPTS = 5;
/** GitHub asks for at least a second between writes, and for a minute where a limit names no time. */
const BETWEEN_WRITES = 1000;
const UNNAMED_LIMIT = 60_000;

/**
 * A client that makes one request at a time and keeps GitHub's limits. The octokit plugins for both are not used: retry
 * repeats a POST after a failure, which posts twice, and neither can be told how long a run may wait.
 */
export function createClient(wire: Wire): Client {
  const send = senderOf(wire);
  let patience = wire.patience;
  let hasWritten = false;

  async function pause(milliseconds: number, why: string): Promise<void> {
    if (milliseconds > patience)
      throw new ForgeError(
        'limited',
        `${why}: it would take ${seconds(milliseconds)} s more, and this run may wait ${seconds(patience)} s; try again later`,
      );
    patience -= milliseconds;
    wire.onWait(milliseconds, why);
    await wire.timing.sleep(milliseconds);
  }

  async function request(
    what: string,
    mode: Mode,
    route: string,
    parameters: Readonly<Record<string, unknown>> = {},
  ): Promise<Answer> {
    const isWrite = !/^GET |^POST \/graphql$/.test(route);
    for (let attempt = 1; ; attempt += 1) {
      if (isWrite && hasWritten) await wire.timing.sleep(BETWEEN_WRITES);
      if (isWrite) hasWritten = true;
      const answer = await sent(send, route, { ...parameters, request: { signal: wire.timing.deadline() } });
      const meaning: Meaning = answer.kind === 'answer' ? meaningOf(answer.answer) : { kind: 'failed' };
      if (answer.kind === 'answer' && meaning.kind === 'done') return answer.answer;
      if (meaning.kind === 'refused')
        throw new ForgeError(meaning.problem, withoutToken(`${what}: ${meaning.why}`, wire.token));
      const why = withoutToken(`${what}: ${reasonOf(answer)}`, wire.token);
      if (meaning.kind === 'failed' && mode === 'once') throw new ForgeError('uncertain', why);
      if (attempt === ATTEMPTS)
        throw new ForgeError(meaning.kind === 'limited' ? 'limited' : 'unavailable', `${why}, ${ATTEMPTS} times`);
      await pause(
        meaning.kind === 'limited' ? (meaning.wait ?? UNNAMED_LIMIT * 2 ** (attempt - 1)) : 1000 * 4 ** (attempt - 1),
        why,
      );
    }
  }
  return { request, pause };
}

const seconds = (milliseconds: number): number => Math.ceil(milliseconds / 1000);
const withoutToken = (text: string, token: string): string => (token === '' ? text : text.replaceAll(token, '***'));

type Send = typeof github;

function senderOf({ api, token, agent }: Wire): Send {
  const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
  return github.defaults({
    baseUrl: api,
    headers: {
      'user-agent': agent,
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
      ...(token === '' ? {} : { authorization: `token ${token}` }),
    },
    // A redirect is answered by a person, not followed: it could take a write, or the token, elsewhere.
    request: { redirect: 'manual', log: silent },
  });
}

type Sent =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** No answer, or only part of one. */
  | { readonly kind: 'silence'; readonly cause: string };

async function sent(send: Send, route: string, parameters: Readonly<Record<string, unknown>>): Promise<Sent> {
  try {
    const { status, headers, data } = await send(route, { ...parameters });
    return { kind: 'answer', answer: { status, headers, data } };
  } catch (error) {
    const response = responseOf(error);
    if (response !== null) return { kind: 'answer', answer: response };
    if (error instanceof Error && 'status' in error) return { kind: 'silence', cause: error.message };
    throw error;
  }
}

function responseOf(error: unknown): Answer | null {
  if (!(error instanceof Error) || !('response' in error)) return null;
  const response = error.response as Partial<Answer> | undefined;
  return typeof response?.status === 'number'
    ? { status: response.status, headers: response.headers ?? {}, data: response.data }
    : null;
}

function reasonOf(sent: Sent): string {
  if (sent.kind === 'silence') return `no answer (${sent.cause})`;
  const { status } = sent.answer;
  return status >= 200 && status < 300
    ? 'the answer was cut off'
    : status >= 500
      ? `the forge failed (${status})`
      : `the forge's limit was reached (${status})`;
}
