import type { Issue, Seen } from './github-server.ts';

type Reply = { readonly status: number; readonly data?: unknown };
type Store = {
  readonly issues: readonly Issue[];
  readonly open: (issue: Partial<Issue>) => Issue;
  readonly json: (issue: Issue) => unknown;
};

/** The pull requests of the loopback forge: a list by branch, one open pull request for each, changes. */
export function answerPulls({ method, query, body }: Seen, route: string, { issues, open, json }: Store): Reply {
  const pulls = issues.filter(({ isPull, head }) => isPull && head !== undefined);
  const pullJson = (pull: Issue): unknown => ({
    ...(json(pull) as object),
    head: { ref: pull.head },
    base: { ref: pull.base },
    merged_at: pull.isMerged === true ? '2026-11-20T00:00:00Z' : null,
  });
  const number = Number(/^\/pulls\/(\d+)$/.exec(route)?.[1] ?? '0');
  if (number > 0) {
    const pull = pulls.find((each) => each.number === number);
    if (pull === undefined) return { status: 404, data: { message: 'Not Found' } };
    if (method === 'PATCH') Object.assign(pull, body);
    return { status: 200, data: pullJson(pull) };
  }
  if (method === 'POST') {
    const { title, body: text, head, base } = body as Readonly<Record<'title' | 'body' | 'head' | 'base', string>>;
    if (pulls.some((pull) => pull.head === head && pull.base === base && pull.state === 'open'))
      return {
        status: 422,
        data: { message: 'Validation Failed', errors: [{ message: 'A pull request already exists' }] },
      };
    return { status: 201, data: pullJson(open({ title, body: text, head, base })) };
  }
  const [head, base, state] = [query.get('head'), query.get('base'), query.get('state') ?? 'open'];
  const wanted = pulls.filter(
    (pull) =>
      (head === null || `example:${pull.head}` === head) &&
      (base === null || pull.base === base) &&
      (state === 'all' || pull.state === state),
  );
  const sorted = query.get('direction') === 'desc' ? [...wanted].reverse() : wanted;
  return { status: 200, data: sorted.map(pullJson) };
}
