import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { specsDirectory, writtenSpecs } from '../cases/context.ts';
import { sourcesOf } from '../cases/sources.ts';
import { changeOf, pushChange } from '../deliver/branch.ts';
import { createClient, type Timing } from '../deliver/github/client.ts';
import { checkPull, commentPostings } from '../deliver/github/comment.ts';
import {
  changeDraft,
  type Drafts,
  fileDraft,
  releaseDrafts,
  silentDraft,
  sinceDraft,
} from '../deliver/github/drafts.ts';
import { issuePostings } from '../deliver/github/issues.ts';
import { itemOfDraft } from '../deliver/github/item.ts';
import type { MarkKind } from '../deliver/github/marker.ts';
import { planOf, reportPublication } from '../deliver/github/outcomes.ts';
import { type Forge, type Item, ownAuthor, type Posting, type Postings } from '../deliver/github/postings.ts';
import { messageOf, proposalDraft } from '../deliver/github/proposal.ts';
import { type Publication, publishAll } from '../deliver/github/publish-all.ts';
import { pullPostings } from '../deliver/github/pull.ts';
import { apiAddress, mayWrite, type OptIns, parseTarget, type Target, targetText } from '../deliver/github/target.ts';
import { type Begun, postingJournal } from '../deliver/journal.ts';
import { loadPosted, type Posted, recordPosted, withPostedLock } from '../deliver/posted.ts';
import { lockBeside } from '../disk/lock.ts';
import { inside } from '../disk/name.ts';
import { writeFiles } from '../disk/write.ts';
import { UsageError } from '../model/errors.ts';
import { plain } from '../model/text.ts';
import { VERSION } from '../report/format-names.ts';
import { type CommandLine, type Context, type Opts, printAnswer, textOf } from './command-line.ts';

const commonOf = (opts: Opts): PublishOptions => ({
  repository: textOf(opts.repository),
  send: opts.send === true,
  state: textOf(opts.state),
  drafts: textOf(opts.drafts),
  reportUrl: textOf(opts.reportUrl),
  wait: textOf(opts.wait),
  label: textOf(opts.label),
});

/** `bitwatch publish releases`, `publish review` and `publish pull`. */
export function declare({ add: addTo, group, contextOf, done }: CommandLine): void {
  const publish = group(
    'publish',
    'keeps issues and comments on GitHub; says what it would do, and writes only with --send',
  );
  const add = (name: string, description: string, examples: readonly string[]): Command =>
    addTo(publish, name, description, examples)
      .option('--repository <owner/name>', 'where; in a workflow its own repository')
      .option('--send', 'writes; the repository opts in under specs/sources.yaml or runs this in its own workflow')
      .option('--state <file>', 'what was posted where (specs/posted.yaml)')
      .option('--drafts <dir>', 'writes each text to a file too')
      .option('--report-url <url>', 'where the rest of a text is that does not fit')
      .option('--wait <seconds>', 'how long limits and failures may keep the run', '900');
  add('releases', 'one issue per module release, made once and updated when its review changes', [
    'bitwatch publish releases --repository owner/name --since 1.5.06',
    'bitwatch publish releases --repository owner/name --send',
  ])
    .option('--kvm <policy>', 'one KVM version instead of all')
    .option('--since <release>', 'only releases newer than this one')
    .option('--base <dir>', 'only releases that the specifications in this directory do not have')
    .option('--label <name>', 'the label of the issues', 'bitwatch')
    .action(async (opts: Opts, command: Command) =>
      done(
        await publishReleases(contextOf(command), {
          ...commonOf(opts),
          kvm: textOf(opts.kvm),
          since: textOf(opts.since),
          base: textOf(opts.base),
        }),
      ),
    );
  add('review', 'one comment per pull request, made once and updated when its text changes', [
    'bitwatch publish review --repository owner/name --pull 12 --base ../base/specs',
    'bitwatch publish review --repository owner/name --pull 12 --body review.md --send',
  ])
    .option('--pull <number>', 'the pull request')
    .option('--body <file>', 'a finished text in Markdown; an empty file is nothing to say')
    .option(
      '--findings <counts>',
      'how many findings the body tells, by level; where all are 0 there is nothing to say',
    )
    .option('--since <release>', 'the review of every release newer than this one')
    .option('--base <dir>', 'the specifications before the change: what findings come and go')
    .action(async (opts: Opts, command: Command) =>
      done(
        await publishReview(contextOf(command), {
          ...commonOf(opts),
          pull: textOf(opts.pull),
          body: textOf(opts.body),
          findings: textOf(opts.findings),
          since: textOf(opts.since),
          base: textOf(opts.base),
        }),
      ),
    );
  add('pull', 'specifications as one commit on a branch and one pull request, made once and kept up to date', [
    'bitwatch publish pull --specs proposal/specs --checkout . --repository owner/name',
    'bitwatch publish pull --specs proposal/specs --branch bitwatch/specs --into main --send',
  ])
    .option('--checkout <dir>', 'a checkout of the repository, whose HEAD is the base', '.')
    .option('--branch <name>', 'the branch, which is this program’s own', 'bitwatch/specs')
    .option('--into <branch>', 'where it is to be merged', 'main')
    .action(async (opts: Opts, command: Command) =>
      done(
        await publishPull(contextOf(command), {
          ...commonOf(opts),
          checkout: String(opts.checkout),
          branch: String(opts.branch),
          into: String(opts.into),
        }),
      ),
    );
}

type PublishOptions = {
  readonly repository: string | null;
  readonly send: boolean;
  readonly state: string | null;
  readonly drafts: string | null;
  readonly reportUrl: string | null;
  readonly wait: string | null;
  readonly label: string | null;
};
type ReleaseOptions = PublishOptions & {
  readonly kvm: string | null;
  readonly since: string | null;
  readonly base: string | null;
};
type PullOptions = PublishOptions & {
  readonly pull: string | null;
  readonly body: string | null;
  readonly findings: string | null;
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
  readonly postings: (forge: Forge) => Promise<Postings>;
};

/** `bitwatch publish releases`: one issue per module release. */
async function publishReleases(context: Context, options: ReleaseOptions): Promise<number> {
  const target = targetOf(context, options);
  const { drafts, unread } = await releaseDrafts(context, options);
  const job = jobOf(context, options, 'release', { drafts, unread });
  const label = options.label ?? 'bitwatch';
  return keepJob(context, options, target, {
    ...job,
    postings: async (forge) => issuePostings(forge, label),
  });
}

/** `bitwatch publish review`: one comment per pull request. */
async function publishReview(context: Context, options: PullOptions): Promise<number> {
  const target = targetOf(context, options);
  const pull = positive('--pull', options.pull ?? '', 1e9);
  const given = [options.body, options.since, options.base].filter((value) => value !== null);
  if (given.length !== 1)
    throw new UsageError('publish review takes one of --body FILE, --since RELEASE and --base DIR');
  const draft =
    options.body !== null
      ? isSilent(options.findings)
        ? null
        : fileDraft(options.body)
      : options.since !== null
        ? await sinceDraft(context, options.since)
        : await changeDraft(context, options.base ?? '');
  const drafts = [{ key: String(pull), draft: draft ?? silentDraft() }];
  const job = jobOf(context, options, 'review', { drafts, unread: [] });
  return keepJob(context, options, target, {
    ...job,
    // Nothing to say makes no comment; one that said something is told so.
    items: job.items.map((item) => ({ ...item, isUpdateOnly: draft === null })),
    postings: async (forge) => {
      await checkPull(forge.client, forge.target, pull);
      return commentPostings(forge, pull);
    },
  });
}

/** `0 0 0`: a review that found nothing, of which an older comment is told that it no longer holds. */
const isSilent = (counts: string | null): boolean => counts !== null && /^[0 ]+$/.test(counts);

function jobOf(
  context: Context,
  options: PublishOptions,
  kind: MarkKind,
  { drafts, unread }: Drafts,
): Omit<Job, 'postings'> {
  const place = { link: linkOf(context, options), workflow: workflowOf(context) };
  const items = drafts.map(({ key, draft }) => itemOfDraft(kind, key, draft, place));
  if (options.drafts !== null) {
    const directory = options.drafts;
    writeFiles(
      items.map(({ key, title, body }) => ({
        path: inside(directory, `${kind}-${key.replace(/[^0-9A-Za-z.]+/g, '-')}.md`, 'a posting'),
        content: `Title: ${title}\n\n${body}`,
      })),
    );
  }
  return { kind, items, notes: unread.map(({ release, reason }) => `no issue for ${release}: ${reason}`) };
}

/** Looks at the forge and, with `--send`, writes to it. Resolves to the exit status. */
async function keepJob(context: Context, options: PublishOptions, target: Target, job: Job): Promise<number> {
  const statePath =
    options.state ??
    join(options.send ? writtenSpecs(context, 'publish --send') : specsDirectory(context), 'posted.yaml');
  const token = context.env.GITHUB_TOKEN ?? '';
  const api = apiAddress(context.env.GITHUB_API_URL);
  const patience = positive('--wait', options.wait ?? '900', 86_400) * 1000;
  if (options.send) await checkSend(context, target, token);
  const timing = context.timing ?? TIMING;
  const repository = targetText(target).toLowerCase();
  const known = (await loadPosted(statePath)).filter(
    (entry) => entry.repository === repository && entry.kind === job.kind,
  );
  const say = async (keep: Publication, notes: readonly string[]): Promise<number> => {
    const report = { repository: targetText(target), isSent: options.send, notes: [...notes, ...job.notes], keep };
    const { text, json, err, status } = reportPublication(report);
    await printAnswer(context, { text: () => text, json: () => json });
    context.stderr.write(err);
    return status;
  };
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
  const journal = postingJournal(statePath);
  const isOurs = (entry: Begun): boolean => entry.repository === repository && entry.kind === job.kind;
  const work = async (): Promise<Publication> => {
    const author = await ownAuthor(client, workflowOf(context));
    const postings = await job.postings({ client, api, target, author });
    return publishAll(client, postings, {
      items: job.items,
      hints: new Map(known.map((entry) => [entry.key, entry])),
      isDry: !options.send,
      begun: new Set(journal.read().flatMap((entry) => (isOurs(entry) ? [entry.key] : []))),
      begin: (key) => journal.add({ repository, kind: job.kind, key }),
      record: async (posting) => {
        await recordPosted(statePath, entryOf(repository, posting), timing.sleep);
        journal.remove({ repository, kind: job.kind, key: posting.mark.key });
      },
    });
  };
  const keep = options.send
    ? await withPostedLock(lockBeside(statePath, '.run.lock'), `posting to ${repository}`, timing.sleep, work)
    : await work();
  return say(keep, []);
}

/** A run sends where it was asked to, where it may, and where it can. */
async function checkSend(context: Context, target: Target, token: string): Promise<void> {
  if (context.options.offline) throw new UsageError('--send and --offline exclude each other');
  const { repositories } = await sourcesOf(context);
  const optIns: OptIns = repositories;
  if (!mayWrite(target, optIns, context.env))
    throw new UsageError(
      `${targetText(target)} has not opted in: name it under repositories in specs/sources.yaml with optIn: true, or run in its own workflow`,
    );
  if (token === '') throw new UsageError('--send needs a token in GITHUB_TOKEN');
}

const entryOf = (repository: string, { mark, number, comment, url, at }: Posting): Posted => ({
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
function targetOf(context: Context, options: PublishOptions): Target {
  const name =
    options.repository ?? (context.env.GITHUB_ACTIONS === 'true' ? context.env.GITHUB_REPOSITORY : undefined);
  if (name === undefined) throw new UsageError('--repository OWNER/NAME is missing');
  return parseTarget(name);
}

/** The file of the workflow that runs this, which no branch or tag changes; empty outside of one. */
function workflowOf({ env }: Context): string {
  return env.GITHUB_ACTIONS === 'true' ? (env.GITHUB_WORKFLOW_REF ?? '').replace(/@.*$/s, '') : '';
}

/** Where the rest of a text that was cut is: the option, else the workflow run with its artifacts. */
function linkOf(context: Context, options: PublishOptions): string | null {
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
    throw new UsageError(
      text === ''
        ? `${name} NUMBER is missing`
        : `${name}: expected a number from 1 to ${most}, found ${JSON.stringify(text)}`,
    );
  return value;
}

type ProposalOptions = PublishOptions & {
  readonly checkout: string;
  readonly branch: string;
  readonly into: string;
};

/**
 * `bitwatch publish pull`: proposes these specifications (--specs) to the repository of a checkout, as one commit on a branch and
 * one pull request. Where they are the same as the checkout's, it says so and asks the forge for nothing.
 */
async function publishPull(context: Context, options: ProposalOptions): Promise<number> {
  const { checkout, branch, into } = options;
  const folder = context.options.specs;
  if (folder === null) throw new UsageError('publish pull needs --specs DIR, the specifications to propose');
  if (branch === into)
    throw new UsageError(`--branch and --into are both ${JSON.stringify(into)}: the branch is written over`);
  const target = targetOf(context, options);
  const proposal = { checkout, folder, branch, env: context.env };
  const change = await changeOf(proposal);
  if (change === null) {
    context.stdout.write('nothing new\n');
    return 0;
  }
  const draft = proposalDraft(change, await changeDraft(context, join(checkout, 'specs')));
  const place = { link: linkOf(context, options), workflow: workflowOf(context) };
  const item = itemOfDraft('pull', branch, draft, place);
  if (options.drafts !== null)
    writeFiles([{ path: join(options.drafts, 'pull.md'), content: `Title: ${item.title}\n\n${item.body}` }]);
  // Before the push: it is a write too.
  if (options.send) await checkSend(context, target, context.env.GITHUB_TOKEN ?? '');
  for (const { kind, path } of change.files) context.stdout.write(`${kind} ${plain(path)}\n`);
  if (options.send) {
    const pushed = await pushChange(proposal, change, messageOf(change));
    context.stdout.write(pushed === 'pushed' ? `pushed ${plain(branch)}\n` : `${plain(branch)} has this already\n`);
  } else context.stdout.write(`would push ${plain(branch)}\n`);
  return keepJob(context, options, target, {
    kind: 'pull',
    items: [item],
    notes: [],
    postings: async (forge) => pullPostings(forge, { branch, into, hash: item.hash }),
  });
}
