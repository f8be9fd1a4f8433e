import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { answerPulls } from './github-pulls.ts';

/** Enough of GitHub's REST API for issues and comments, on loopback, with state and with every way to fail. */
export type Fault =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: unknown;
    }
  /** Closes the connection before or after the write is done. */
  | { readonly kind: 'cut-before' | 'cut-after' }
  /** Does the write and answers 502. */
  | { readonly kind: 'fail-after' }
  /** Does the write, begins the answer and closes the connection. */
  | { readonly kind: 'cut-answer' }
  /** Never answers; `onHang` tells the test. */
  | { readonly kind: 'hang-before' | 'hang-after' };

export type Rule = { readonly when: (request: Seen) => boolean; readonly fault: Fault; times: number };
export type Seen = {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
};
export type Issue = {
  number: number;
  title: string;
  body: string;
  state: string;
  labels: string[];
  author: string;
  isPull: boolean;
  isDeleted: boolean;
  /** Of a pull request: its branch, where it goes, and whether it was merged. */
  head?: string;
  base?: string;
  isMerged?: boolean;
  /** How many lists do not have it yet. */
  hidden: number;
};
export type Comment = { id: number; issue: number; body: string; author: string; hidden: number };

export type GithubServer = {
  readonly url: string;
  readonly issues: Issue[];
  readonly comments: Comment[];
  readonly seen: Seen[];
  readonly faults: Rule[];
  /** Logins by token. */
  readonly logins: Map<string, string>;
  readonly settings: { pageSize: number; lag: number; onHang: () => void; beforeAnswer: (seen: Seen) => Promise<void> };
  readonly writes: () => readonly Seen[];
  readonly addIssue: (issue: Partial<Issue>) => Issue;
  readonly addComment: (comment: Partial<Comment> & { readonly issue: number }) => Comment;
  readonly failNext: (fault: Fault, when?: (seen: Seen) => boolean, times?: number) => void;
};

export const TOKEN = 'test-token-0123456789';
export const OURS = 'github-actions[bot]';
/** The forge's clock stands still. */
const DATE = 'Sat, 21 Nov 2026 10:00:00 GMT';
const REPOSITORY = '/repos/example/watch';

type Reply = { readonly status: number; readonly data?: unknown; readonly headers?: Record<string, string> };

/** Starts a server that the test closes when it ends. */
export async function startGithub(): Promise<GithubServer> {
  const settings: GithubServer['settings'] = { pageSize: 100, lag: 0, onHang: () => {}, beforeAnswer: async () => {} };
  const issues: Issue[] = [];
  const comments: Comment[] = [];
  const addIssue = (issue: Partial<Issue>): Issue => {
    const made: Issue = {
      number: issues.length + 1,
      title: '',
      body: '',
      state: 'open',
      labels: [],
      author: OURS,
      isPull: false,
      isDeleted: false,
      hidden: 0,
      ...issue,
    };
    issues.push(made);
    return made;
  };
  const addComment = (comment: Partial<Comment> & { readonly issue: number }): Comment => {
    const made: Comment = { id: 1000 + comments.length, body: '', author: OURS, hidden: 0, ...comment };
    comments.push(made);
    return made;
  };
  const faults: Rule[] = [];
  const seen: Seen[] = [];
  const logins = new Map([[TOKEN, OURS]]);
  const server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://loopback');
    const each = {
      method: request.method ?? '',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      body: await bodyOf(request),
    };
    seen.push(each);
    await settings.beforeAnswer(each);
    const rule = faults.find((candidate) => candidate.times > 0 && candidate.when(each));
    if (rule !== undefined) rule.times -= 1;
    const fault = rule?.fault ?? null;
    if (fault?.kind === 'status')
      return send(response, { status: fault.status, data: fault.body ?? {}, headers: fault.headers ?? {} });
    if (fault?.kind === 'cut-before') return void response.destroy();
    if (fault?.kind === 'hang-before') return settings.onHang();
    const reply = answer(each, request.headers.authorization ?? '');
    if (fault?.kind === 'cut-after') return void response.destroy();
    if (fault?.kind === 'hang-after') return settings.onHang();
    if (fault?.kind === 'fail-after') return send(response, { status: 502 });
    if (fault?.kind === 'cut-answer') {
      response.writeHead(reply.status, { 'content-type': 'application/json', 'content-length': 10_000, date: DATE });
      response.write('{"num', () => response.destroy());
      return;
    }
    send(response, reply);
  }

  function send(response: ServerResponse, { status, data, headers }: Reply): void {
    response.sendDate = false;
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', date: DATE, ...headers });
    response.end(status === 204 ? undefined : JSON.stringify(data ?? {}));
  }

  function answer(each: Seen, authorization: string): Reply {
    const login = logins.get(authorization.replace(/^(token|bearer) /i, ''));
    if (login === undefined) return { status: 401, data: { message: 'Bad credentials' } };
    const { method, path } = each;
    if (method === 'POST' && path === '/graphql') return { status: 200, data: { data: { viewer: { login } } } };
    if (!path.startsWith(`${REPOSITORY}/`)) return { status: 404, data: { message: 'Not Found' } };
    const route = path.slice(REPOSITORY.length);
    const [, number] = /^\/issues\/(\d+)(?:\/comments)?$/.exec(route) ?? [];
    const [, id] = /^\/issues\/comments\/(\d+)$/.exec(route) ?? [];
    if (/^\/pulls(\/\d+)?$/.test(route))
      return answerPulls(each, route, {
        issues,
        open: (more) => addIssue({ ...more, author: login, isPull: true }),
        json: issueJson,
      });
    if (route === '/issues') return method === 'POST' ? createIssue(each, login) : listIssues(each);
    if (id !== undefined) return oneComment(each, Number(id));
    const issue = issues.find((candidate) => candidate.number === Number(number));
    if (issue === undefined) return { status: 404, data: { message: 'Not Found' } };
    if (issue.isDeleted) return { status: 410, data: { message: 'This issue was deleted' } };
    if (route.endsWith('/comments'))
      return method === 'POST' ? createComment(each, issue, login) : listComments(each, issue);
    if (method === 'PATCH') change(issue, each.body);
    return { status: 200, data: issueJson(issue) };
  }

  function createIssue({ body }: Seen, author: string): Reply {
    const { title, body: text, labels } = body as { title: string; body: string; labels?: string[] };
    if (tooLong(text) || title.length > 256) return invalid('body is too long (maximum is 65536 characters)');
    return {
      status: 201,
      data: issueJson(addIssue({ title, body: text, labels: labels ?? [], author, hidden: settings.lag })),
    };
  }
  function createComment({ body }: Seen, issue: Issue, author: string): Reply {
    const { body: text } = body as { body: string };
    if (tooLong(text)) return invalid('body is too long (maximum is 65536 characters)');
    return {
      status: 201,
      data: commentJson(addComment({ issue: issue.number, body: text, author, hidden: settings.lag })),
    };
  }
  function listIssues(each: Seen): Reply {
    const [label, creator] = [each.query.get('labels'), each.query.get('creator')];
    const wanted = issues.filter(
      (issue) =>
        !issue.isDeleted &&
        (label === null || issue.labels.includes(label)) &&
        (creator === null || issue.author === creator) &&
        (each.query.get('state') === 'all' || issue.state === 'open') &&
        isListed(issue),
    );
    return page(each, wanted.map(issueJson));
  }
  function listComments(each: Seen, issue: Issue): Reply {
    return page(
      each,
      comments.filter((comment) => comment.issue === issue.number && isListed(comment)).map(commentJson),
    );
  }
  function oneComment({ method, body }: Seen, id: number): Reply {
    const comment = comments.find((candidate) => candidate.id === id);
    if (comment === undefined) return { status: 404, data: { message: 'Not Found' } };
    if (method === 'DELETE') {
      comments.splice(comments.indexOf(comment), 1);
      return { status: 204 };
    }
    if (method === 'PATCH') change(comment, body);
    return { status: 200, data: commentJson(comment) };
  }
  function page({ query, path }: Seen, entries: readonly unknown[]): Reply {
    const number = Number(query.get('page') ?? '1');
    const size = Math.min(settings.pageSize, Number(query.get('per_page') ?? '30'));
    const next = new URLSearchParams(query);
    next.set('page', String(number + 1));
    const link = `<${address()}${path}?${next}>; rel="next", <${address()}${path}?page=99>; rel="last"`;
    return {
      status: 200,
      data: entries.slice((number - 1) * size, number * size),
      headers: entries.length > number * size ? { link } : {},
    };
  }

  const address = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: address(),
    issues,
    comments,
    seen,
    faults,
    logins,
    settings,
    writes: () => seen.filter(({ method, path }) => method !== 'GET' && path !== '/graphql'),
    addIssue,
    addComment,
    failNext: (fault, when = () => true, times = 1) => {
      faults.push({ when, fault, times });
    },
  };

  function issueJson(issue: Issue): unknown {
    return {
      number: issue.number,
      title: issue.title,
      body: issue.body,
      state: issue.state,
      labels: issue.labels.map((name) => ({ name })),
      user: { login: issue.author },
      html_url: `${address()}/example/watch/issues/${issue.number}`,
      updated_at: '2026-11-20T00:00:00Z',
      ...(issue.isPull ? { pull_request: {} } : {}),
    };
  }
  function commentJson(comment: Comment): unknown {
    return {
      id: comment.id,
      body: comment.body,
      user: { login: comment.author },
      html_url: `${address()}/example/watch/pull/${comment.issue}#issuecomment-${comment.id}`,
      updated_at: '2026-11-20T00:00:00Z',
    };
  }
}

const tooLong = (text: string): boolean => text.length > 65_536;
const invalid = (message: string): Reply => ({
  status: 422,
  data: { message: 'Validation Failed', errors: [{ message }] },
});
const change = (target: object, body: unknown): void => {
  Object.assign(target, body);
};

/** A posting that lists do not have yet counts down. */
function isListed(entry: { hidden: number }): boolean {
  if (entry.hidden === 0) return true;
  entry.hidden -= 1;
  return false;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  return text === '' ? null : JSON.parse(text);
}
