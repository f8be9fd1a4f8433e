import { UsageError } from '../../model/errors.ts';

/** A repository on the forge. */
export type Target = { readonly owner: string; readonly repo: string };

/** `OWNER/NAME` as GitHub writes it. Throws a UsageError. */
export function parseTarget(text: string): Target {
  const [, owner, repo] = /^([A-Za-z0-9](?:[A-Za-z0-9-]{0,38}))\/([A-Za-z0-9._-]{1,100})$/.exec(text) ?? [];
  if (owner === undefined || repo === undefined || repo === '.' || repo === '..')
    throw new UsageError(`--repository: expected OWNER/NAME, found ${JSON.stringify(text)}`);
  return { owner, repo };
}

export const targetText = ({ owner, repo }: Target): string => `${owner}/${repo}`;

/** Where the API is. The token goes there, so it is https, or this machine. Throws a UsageError. */
export function apiAddress(text: string | undefined): string {
  if (text === undefined || text === '') return 'https://api.github.com';
  const url = URL.canParse(text) ? new URL(text) : null;
  const isLocal = url !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(url.hostname);
  if (
    url === null ||
    url.username !== '' ||
    url.search !== '' ||
    !(url.protocol === 'https:' || (url.protocol === 'http:' && isLocal))
  )
    throw new UsageError(`GITHUB_API_URL: expected an https URL, found ${JSON.stringify(text)}`);
  return text.replace(/\/+$/, '');
}

export type OptIns = readonly { readonly repository: string; readonly optIn: boolean }[];

/**
 * Whether a run may write to a repository: specs/sources.yaml says so, or it is the one whose own workflow runs this (its
 * owner set the workflow up, and the job's token reaches no other). A "no" in the file stands above both.
 */
export function mayWrite(target: Target, optIns: OptIns, env: NodeJS.ProcessEnv): boolean {
  const name = targetText(target).toLowerCase();
  const entries = optIns.filter(({ repository }) => repository.toLowerCase() === name);
  if (entries.length > 0) return entries.every(({ optIn }) => optIn);
  return env.GITHUB_ACTIONS === 'true' && env.GITHUB_REPOSITORY?.toLowerCase() === name;
}
