import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

type Issue = { readonly number: number; title: string; body: string; state: string; hidden: number };

/** As much of a forge as `publish releases` asks: issues, whose lists lag behind by some looks. */
export type Forge = {
  readonly url: string;
  readonly issues: Issue[];
  /** Told of each write, before it is done and before it is answered. */
  onWrite: () => void;
  lag: number;
  readonly close: () => void;
};

async function bodyOf(request: IncomingMessage): Promise<Readonly<Record<string, string>>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, string>);
}

export async function startForge(): Promise<Forge> {
  const issues: Issue[] = [];
  const shown = (issue: Issue) => ({
    ...issue,
    html_url: `https://forge.example/${issue.number}`,
    user: { login: 'bot' },
    updated_at: '2026-11-21T10:00:00Z',
  });
  const answer = (method: string, path: string, body: Readonly<Record<string, string>>): unknown => {
    if (path === '/graphql') return { data: { viewer: { login: 'bot' } } };
    const number = Number(/\/issues\/(\d+)$/.exec(path)?.[1] ?? '0');
    if (method === 'GET' && number === 0)
      return issues
        .filter((issue) => {
          issue.hidden -= 1;
          return issue.hidden < 0;
        })
        .map(shown);
    let issue = issues.find((each) => each.number === number);
    if (method === 'POST') {
      issue = { number: issues.length + 1, title: '', body: '', state: 'open', hidden: forge.lag };
      issues.push(issue);
    }
    if (issue === undefined) return null;
    if (method !== 'GET')
      Object.assign(issue, {
        title: body.title ?? issue.title,
        body: body.body ?? issue.body,
        state: body.state ?? issue.state,
      });
    return shown(issue);
  };
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    const path = new URL(url, 'http://forge').pathname;
    bodyOf(request)
      .then((body) => {
        const isWrite = method !== 'GET' && path !== '/graphql';
        if (isWrite) forge.onWrite();
        const data = answer(method, path, body);
        response.writeHead(data === null ? 404 : method === 'POST' && path !== '/graphql' ? 201 : 200, {
          'content-type': 'application/json',
        });
        response.end(JSON.stringify(data ?? {}));
      })
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const forge: Forge = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    issues,
    onWrite: () => {},
    lag: 0,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
  return forge;
}
