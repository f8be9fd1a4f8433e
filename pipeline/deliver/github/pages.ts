import type { Client } from './client.ts';
import { ForgeError } from './forge-error.ts';

const MOST_PAGES = 2000;

/**
 * All entries of a list, page after page as the Link header leads (RFC 8288). It leads nowhere but to the API: the token goes
 * along. A list that cannot be read to its end throws: part of a list would read as "not posted yet".
 */
export async function allPages(
  { client, api }: { readonly client: Client; readonly api: string },
  what: string,
  route: string,
  parameters: Readonly<Record<string, unknown>>,
): Promise<readonly unknown[]> {
  const entries: unknown[] = [];
  const seen = new Set<string>();
  let answer = await client.request(what, 'safe', route, { ...parameters, per_page: 100 });
  for (;;) {
    if (!Array.isArray(answer.data)) throw new ForgeError('unavailable', `${what}: expected a list, found none`);
    entries.push(...answer.data);
    const next = nextPage(answer.headers.link);
    if (next === null) return entries;
    if (new URL(next, api).origin !== new URL(api).origin || seen.has(next) || seen.size >= MOST_PAGES)
      throw new ForgeError('unavailable', `${what}: the list's next page leads in a circle or away from the API`);
    seen.add(next);
    answer = await client.request(what, 'safe', `GET ${escapeTemplate(next)}`);
  }
}

const nextPage = (link: string | number | undefined): string | null =>
  /<([^<>]+)>\s*;[^,]*\brel="?next"?/.exec(String(link ?? ''))?.[1] ?? null;

/** A brace in the address is no placeholder. */
const escapeTemplate = (url: string): string => url.replaceAll('{', '%7B').replaceAll('}', '%7D');
