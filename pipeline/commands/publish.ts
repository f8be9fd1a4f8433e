import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { specsDirectory } from '../cases/context.ts';
import { sourcesOf } from '../cases/sources.ts';
import { writeFiles } from '../deliver/files.ts';
import { type Client, createClient, type Timing } from '../deliver/github/client.ts';
import { checkPull, commentShelf } from '../deliver/github/comment.ts';
import { issueShelf } from '../deliver/github/issues.ts';
import { itemOfDraft } from '../deliver/github/item.ts';
import { type Keep, keepAll } from '../deliver/github/keep.ts';
import type { MarkKind } from '../deliver/github/marker.ts';
import { type Item, type Kept, ownLogin, type Shelf } from '../deliver/github/shelf.ts';
import { apiAddress, mayWrite, type OptIns, parseTarget, type Target, targetText } from '../deliver/github/target.ts';
import { loadPosted, type Posted, recordPosted, withPostedLock } from '../deliver/posted.ts';
import { UsageError } from '../model/errors.ts';
import { plain } from '../model/text.ts';
import { VERSION } from '../report/formats.ts';
import type { Context } from './context.ts';
import { changeDraft, type Drafts, fileDraft, releaseDrafts, silentDraft, sinceDraft } from './publish-drafts.ts';
import { planOf, reportKeep } from './publish-report.ts';

export type PublishOptions = {
  readonly repository: string | null;
  readonly send: boolean;
  readonly state: string | null;
  readonly drafts: string | null;
  readonly reportUrl: string | null;
  readonly wait: string | null;
  readonly label: string | null;
};
export type ReleaseOptions = PublishOptions & {
  readonly kvm: string | null;
  readonly since: string | null;
  readonly base: string | null;
};
export type PullOptions = PublishOptions & {
  readonly pull: string | null;
  readonly body: string | null;
  readonly since: string | null;
  readonly base: string | null;
};

/** One request may take half a minute. */
const TIMING: Timing = { sleep: (milliseconds) => sleep(milliseconds), deadline: () => AbortSignal.timeout(30_000) };

/** What is to be posted where, and the place for it on the forge. */
type Job = {
  readonly kind: MarkKind;
  readonly items: readonly Item[];
  readonly notes: readonly string[];
  readonly shelf: (client: Client, api: string, target: Target, login: string) => Promise<Shelf>;
};

/** `bitwatch publish releases`: one issue per module release. */
export async function publishReleases(context: Context, options: ReleaseOptions): Promise<number> {
  const target = targetOf(context, options);
  const { drafts, unread } = await releaseDrafts(context, options);
  const job = jobOf(context, options, 'release', { drafts, unread });
  const label = options.label ?? 'bitwatch';
  return keepJob(context, options, target, {
    ...job,
    shelf: async (client, api, place, login) => issueShelf(client, api, place, login, label),
  });
}

/** `bitwatch publish review`: one comment per pull request. */
export async function publishReview(context: Context, options: PullOptions): Promise<number> {
  const target = targetOf(context, options);
  const pull = positive('--pull', options.pull ?? '', 1e9);
  const given = [options.body, options.since, options.base].filter((value) => value !== null);
  if (given.length !== 1)
    throw new UsageError('publish review takes one of --body FILE, --since RELEASE and --base DIR');
  const draft =
    options.body !== null
      ? fileDraft(options.body)
      : options.since !== null
        ? await sinceDraft(context, options.since)
        : await changeDraft(context, options.base ?? '');
  const drafts = [{ key: String(pull), draft: draft ?? silentDraft() }];
  const job = jobOf(context, options, 'review', { drafts, unread: [] });
  return keepJob(context, options, target, {
    ...job,
    // Nothing to say makes no comment; one that said something is told so.
    items: job.items.map((item) => ({ ...item, isUpdateOnly: draft === null })),
    shelf: async (client, api, place, login) => {
      await checkPull(client, place, pull);
      return commentShelf(client, api, place, login, pull);
    },
  });
}

function jobOf(
  context: Context,
  options: PublishOptions,
  kind: MarkKind,
  { drafts, unread }: Drafts,
): Omit<Job, 'shelf'> {
  const link = linkOf(context, options);
  const items = drafts.map(({ key, draft }) => itemOfDraft(kind, key, draft, link));
  if (options.drafts !== null) {
    const directory = options.drafts;
    writeFiles(
      items.map(({ key, title, body }) => ({
        path: join(directory, `${kind}-${key.replace(/[^0-9A-Za-z.]+/g, '-')}.md`),
        content: `Title: ${title}\n\n${body}`,
      })),
    );
  }
  return { kind, items, notes: unread.map(({ release, reason }) => `no issue for ${release}: ${reason}`) };
}

/** Looks at the forge and, with `--send`, writes to it. Resolves to the exit status. */
export async function keepJob(context: Context, options: PublishOptions, target: Target, job: Job): Promise<number> {
  const statePath = options.state ?? join(specsDirectory(context), 'posted.yaml');
  const token = context.env.GITHUB_TOKEN ?? '';
  const api = apiAddress(context.env.GITHUB_API_URL);
  const patience = positive('--wait', options.wait ?? '900', 86_400) * 1000;
  if (options.send) await checkSend(context, target, token);
  const timing = context.timing ?? TIMING;
  const repository = targetText(target).toLowerCase();
  const known = (await loadPosted(statePath)).filter(
    (entry) => entry.repository === repository && entry.kind === job.kind,
  );
  const say = (keep: Keep, notes: readonly string[]): number =>
    reportKeep(context, {
      repository: targetText(target),
      isSent: options.send,
      notes: [...notes, ...job.notes],
      keep,
    });
  if (context.options.offline || token === '') {
    const why = context.options.offline ? '--offline' : 'no GITHUB_TOKEN';
    return say(planOf(job.items, known), [
      `not looked at ${targetText(target)} (${why}): as far as ${statePath} knows`,
    ]);
  }
  const client = createClient({
    api,
    token,
    agent: `bitwatch/${VERSION}`,
    timing,
    patience,
    onWait: (milliseconds, why) => context.progress(`${plain(why)}: waiting ${Math.ceil(milliseconds / 1000)} s`),
  });
  const work = async (): Promise<Keep> => {
    const shelf = await job.shelf(client, api, target, await ownLogin(client));
    return keepAll(client, shelf, {
      items: job.items,
      hints: new Map(known.map((entry) => [entry.key, entry])),
      isDry: !options.send,
      record: (kept) => recordPosted(statePath, entryOf(repository, kept), timing.sleep),
    });
  };
  const keep = options.send
    ? await withPostedLock(`${statePath}.run.lock`, `posting to ${repository}`, timing.sleep, work)
    : await work();
  return say(keep, []);
}

/** A run sends where it was asked to, where it may, and where it can. */
export async function checkSend(context: Context, target: Target, token: string): Promise<void> {
  if (context.options.offline) throw new UsageError('--send and --offline exclude each other');
  const { repositories } = await sourcesOf(context);
  const optIns: OptIns = repositories;
  if (!mayWrite(target, optIns, context.env))
    throw new UsageError(
      `${targetText(target)} has not opted in: name it under repositories in specs/sources.yaml with optIn: true, or run in its own workflow`,
    );
  if (token === '') throw new UsageError('--send needs a token in GITHUB_TOKEN');
}

const entryOf = (repository: string, { mark, number, comment, url, at }: Kept): Posted => ({
  repository,
  kind: mark.kind,
  key: mark.key,
  number,
  comment,
  hash: mark.hash,
  url,
  at,
});

/** The repository that is named, else that of the workflow that runs this. */
export function targetOf(context: Context, options: PublishOptions): Target {
  const name =
    options.repository ?? (context.env.GITHUB_ACTIONS === 'true' ? context.env.GITHUB_REPOSITORY : undefined);
  if (name === undefined) throw new UsageError('--repository OWNER/NAME is missing');
  return parseTarget(name);
}

/** Where the rest of a text that was cut is: the option, else the workflow run with its artifacts. */
export function linkOf(context: Context, options: PublishOptions): string | null {
  const { GITHUB_ACTIONS, GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID } = context.env;
  const run =
    GITHUB_ACTIONS === 'true' ? `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}` : null;
  const isLink = (text: string): boolean => /^https:\/\/[^\s<>()[\]"'`\\]+$/.test(text);
  if (options.reportUrl === null) return run !== null && isLink(run) ? run : null;
  if (!isLink(options.reportUrl))
    throw new UsageError(`--report-url: expected an https URL, found ${JSON.stringify(options.reportUrl)}`);
  return options.reportUrl;
}

function positive(name: string, text: string, most: number): number {
  const value = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
  if (value === 0 || value > most)
    throw new UsageError(`${name}: expected a number from 1 to ${most}, found ${JSON.stringify(text)}`);
  return value;
}
