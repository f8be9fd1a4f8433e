import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { type Archive, locateArchives } from '../archive/locate.ts';
import { mergeScans } from '../archive/merge.ts';
import { remoteTip, updateMirror } from '../archive/mirror.ts';
import { type Epoch, planJobs } from '../archive/plan.ts';
import { rowsThatMatter, scanArchives, updateState } from '../archive/scan.ts';
import type { Part, State } from '../archive/state.ts';
import { changeState, loadState, parsePart, savePart } from '../archive/state-file.ts';
import { scanSubjects } from '../archive/subjects.ts';
import { cloneDirectory, specsDirectory } from '../cases/context.ts';
import { epochsOf, mirrorOf } from '../cases/epochs.ts';
import { sourcesOf } from '../cases/sources.ts';
import { addPosted, loadPosted, mergePosted, readPosted } from '../deliver/posted.ts';
import { readInputText } from '../disk/read.ts';
import { checkOutputs } from '../disk/target.ts';
import { readSubject } from '../extract/mail/subject.ts';
import { openRepository } from '../git/repository.ts';
import { EXIT, NoInputError, UsageError } from '../model/errors.ts';
import { plain } from '../model/text.ts';
import { type CommandLine, type Context, type Opts, printAnswer, textOf } from './command-line.ts';

/** `bitwatch archive scan|fetch`, `bitwatch merge` and `bitwatch plan`. */
export function declare(line: CommandLine): void {
  const { program, add, group, contextOf, done } = line;
  const archive = group('archive', 'mail archives: public-inbox git repositories, mbox, maildir, .eml');
  add(
    archive,
    'scan [paths...]',
    'reads what is new and keeps a small state: threads that name TDX, and what was skipped and why',
    [
      'bitwatch archive scan ../kvm/git/0.git ../linux-coco/git/0.git',
      'bitwatch archive scan kvm/git/0.git --shard 1/4 --part part-1.json',
    ],
  )
    .option('--state <file>', 'where the state is kept')
    .option('--jobs <n>', 'reader processes at once')
    .option('--shard <i/n>', 'only this share of what is new')
    .option('--part <file>', 'where a share goes')
    .option('--subjects', 'lists TDX patch subjects only')
    .option('--fetch <archive>', 'brings the mirror of a list’s epoch up to date first, and scans it')
    .option('--tip <commit>', 'with --fetch: up to this commit, as the plan says')
    .action(async (paths: string[], opts: Opts, command: Command) => {
      const context = contextOf(command);
      const archive = givenOf(opts.fetch);
      const mirror = archive === null ? [] : [await fetchArchive(context, archive, givenOf(opts.tip))];
      if (paths.length + mirror.length === 0) throw new UsageError('archive scan needs a PATH, or --fetch LIST/EPOCH');
      await archiveScanCommand(context, [...paths, ...mirror], {
        state: textOf(opts.state),
        shard: textOf(opts.shard),
        part: textOf(opts.part),
        subjects: opts.subjects === true,
        jobs: textOf(opts.jobs),
      });
    });
  add(archive, 'fetch <archive>', 'brings the mirror of a list’s epoch up to date and prints where it is', [
    'bitwatch archive fetch kvm/0',
  ])
    .option('--tip <commit>', 'read up to this commit, as the plan says')
    .action(async (name: string, opts: Opts, command: Command) => {
      const context = contextOf(command);
      const path = await fetchArchive(context, name, givenOf(opts.tip));
      await printAnswer(context, { json: () => ({ schema: 'bitwatch.mirror/1', path }), text: () => `${path}\n` });
    });
  add(program, 'merge <parts...>', 'joins the shards of a scan to what one run would have left', [
    'bitwatch merge part-1.json part-2.json --state archives.json',
  ])
    .option('--state <file>', 'where the state is kept')
    .action((parts: string[], opts: Opts, command: Command) =>
      mergeCommand(contextOf(command), parts, textOf(opts.state)),
    );
  add(program, 'plan', 'the shares of a scan of the lists’ archives, as a matrix for a workflow with --json', [
    'bitwatch plan --shards 4 --json',
  ])
    .requiredOption('--shards <n>', 'how many shares an archive has that was never read')
    .option('--state <file>', 'where the state of the scans is kept')
    .action(async (opts: Opts, command: Command) =>
      done(await planCommand(contextOf(command), { shards: String(opts.shards), state: givenOf(opts.state) })),
    );
}

/** A workflow hands on an input that nobody gave as an empty text. */
const givenOf = (value: unknown): string | null => textOf(value) || null;

type ScanOptions = {
  readonly state: string | null;
  readonly shard: string | null;
  readonly part: string | null;
  readonly subjects: boolean;
  readonly jobs: string | null;
};

/** `bitwatch archive scan PATH…`: reads what is new in mail archives and keeps a small state. */
async function archiveScanCommand(context: Context, paths: readonly string[], options: ScanOptions): Promise<void> {
  const archives = (await Promise.all(paths.map((path) => locateArchives(path, context.env)))).flat();
  if (options.subjects) return subjectsOnly(context, archives);
  const file = options.state ?? join(cloneDirectory(context), 'archives.json');
  const jobs = options.jobs === null ? {} : { jobs: positive('--jobs', options.jobs) };
  if (options.shard !== null) {
    if (options.part === null) throw new UsageError('--shard needs --part FILE, where this share goes');
    const [, index = '', of = ''] = /^(\d{1,4})\/(\d{1,4})$/.exec(options.shard) ?? [];
    if (Number(index) > Number(of) || index === '')
      throw new UsageError(`--shard: expected I/N with I up to N, such as 1/4, found ${JSON.stringify(options.shard)}`);
    checkOutputs([options.part]);
    const parts = await scanArchives(archives, await loadState(file), {
      ...jobs,
      shard: { index: positive('--shard', index), of: positive('--shard', of) },
    });
    if (parts.length > 1) throw new UsageError('--shard takes one archive at a time: a part file holds one');
    const [part] = parts;
    if (part !== undefined) savePart(options.part, part);
    const path = part === undefined ? null : options.part;
    return printAnswer(context, {
      json: () => ({ schema: 'bitwatch.part/1', path }),
      text: () => (path === null ? 'nothing new\n' : `wrote ${path}\n`),
    });
  }
  const { before, after } = await changeState(file, (state) => updateState(archives, state, jobs));
  return report(context, after, after === before);
}

/** `bitwatch merge PART…`: joins the shards of a scan to the state that one run would have left; states of postings too. */
async function mergeCommand(context: Context, files: readonly string[], stateFile: string | null): Promise<void> {
  const texts = files.map((path) => ({ path, text: readInputText(path) }));
  if (texts.some(({ text }) => isPostedText(text))) return mergePostedFiles(context, texts, stateFile);
  const file = stateFile ?? join(cloneDirectory(context), 'archives.json');
  const parts: readonly Part[] = texts.map(({ path, text }) => parsePart(path, text));
  const { after } = await changeState(file, (before) => mergeScans(before, parts));
  return report(context, after, false);
}

function positive(name: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new UsageError(`${name}: expected a number from 1, found ${JSON.stringify(text)}`);
  return Number(text);
}

/** What is known of the archives, and what was passed over and why. */
function report(context: Context, state: State, isSame: boolean): Promise<void> {
  const { summary } = rowsThatMatter(state);
  const skipped = state.archives.flatMap((archive) =>
    archive.skipped.map((each) => ({ archive: archive.name, ...each })),
  );
  const reasons = new Map<string, number>();
  for (const { reason } of skipped) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const lines = [
    isSame ? 'nothing new' : 'read what is new',
    `${summary.mails} mails in ${summary.threads} threads; ${summary.matter} threads name TDX; ${summary.reused} Message-IDs are used more than once`,
    ...[...reasons].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reason, count]) => `skipped ${count}: ${plain(reason)}`),
  ];
  return printAnswer(context, {
    json: () => ({ schema: 'bitwatch.archive-summary/1', new: !isSame, ...summary, skipped }),
    text: () => `${lines.join('\n')}\n`,
  });
}

/** Patch series by their subjects alone: quick, and blind to what only a body says. */
async function subjectsOnly(context: Context, archives: readonly Archive[]): Promise<void> {
  const { tipOf } = await import('../archive/git-part.ts');
  const patches: { readonly archive: string; readonly commit: string; readonly subject: string }[] = [];
  for (const archive of archives) {
    if (archive.kind !== 'git')
      throw new UsageError(`--subjects reads git archives; ${archive.path} is ${archive.kind}`);
    const repository = openRepository(archive.path, archive.env);
    const tip = await tipOf(repository);
    if (tip === null) continue;
    await scanSubjects(repository, tip, ({ commit, subject }) => {
      if (!/\btdx\b/i.test(subject) || readSubject(subject).part === null) return;
      patches.push({ archive: archive.name, commit, subject: plain(subject) });
    });
  }
  return printAnswer(context, {
    json: () => ({ schema: 'bitwatch.subjects/1', patches }),
    text: () => patches.map(({ commit, subject }) => `${commit.slice(0, 12)} ${subject}\n`).join(''),
  });
}

type Text = { readonly path: string; readonly text: string };

/** A state of `bitwatch publish`, told from the shard of a scan, which is JSON. */
const isPostedText = (text: string): boolean => /^posted:/m.test(text);

/** Joins states of postings to the one that is named, in any order. */
async function mergePostedFiles(context: Context, texts: readonly Text[], state: string | null): Promise<void> {
  const other = texts.find(({ text }) => !isPostedText(text));
  if (other !== undefined) throw new UsageError(`${other.path}: no state of postings, and others are`);
  const file = state ?? join(specsDirectory(context), 'posted.yaml');
  const all = await Promise.all(texts.map(({ path, text }) => readPosted(path, text)));
  const wait = context.timing?.sleep ?? ((milliseconds: number) => sleep(milliseconds));
  await addPosted(file, all.reduce(mergePosted, []), wait);
  const postings = (await loadPosted(file)).length;
  return printAnswer(context, {
    json: () => ({ schema: 'bitwatch.postings/1', path: file, postings }),
    text: () => `${postings} postings in ${file}\n`,
  });
}

/** GitHub takes no more jobs of a matrix than this. */
const MOST_JOBS = 256;

/**
 * `bitwatch plan --shards N`: the jobs that read what is new in the lists' archives, as a matrix for a workflow with --json. 69
 * or 75 where epochs could not be reached: a plan without them would read as "nothing new".
 */
async function planCommand(
  context: Context,
  options: { readonly shards: string; readonly state: string | null },
): Promise<number> {
  const shards = Number(/^[1-9]\d{0,2}$/.test(options.shards) ? options.shards : '0');
  if (shards === 0 || shards > MOST_JOBS)
    throw new UsageError(`--shards: expected a number from 1 to ${MOST_JOBS}, found ${JSON.stringify(options.shards)}`);
  const state = await loadState(options.state ?? join(cloneDirectory(context), 'archives.json'));
  const known = new Map(state.archives.map(({ name, tip }) => [name, tip]));
  const epochs: Epoch[] = [];
  const troubles: string[] = [];
  for (const list of (await sourcesOf(context)).lists)
    for await (const { archive, url, tip, trouble } of epochsOf(context, list)) {
      if (trouble !== null) troubles.push(trouble);
      else epochs.push({ archive, url, tip, known: known.get(mirrorOf(context, archive)) ?? null });
    }
  const jobs = planJobs(epochs, shards);
  if (jobs.length > MOST_JOBS)
    throw new UsageError(`--shards ${shards}: ${jobs.length} jobs are more than the ${MOST_JOBS} that a matrix takes`);
  for (const trouble of troubles) context.stderr.write(`${plain(trouble)}\n`);
  if (troubles.length > 0 && epochs.length === 0) return EXIT.unavailable;
  await printAnswer(context, { json: () => ({ include: jobs }), text: () => planText(epochs, jobs) });
  return troubles.length > 0 ? EXIT.incomplete : EXIT.clean;
}

function planText(epochs: readonly Epoch[], jobs: ReturnType<typeof planJobs>): string {
  const lines = epochs.map(({ archive, tip }) => {
    const own = jobs.filter((job) => job.archive === archive).length;
    const end = tip === null ? '' : ` up to ${tip.slice(0, 12)}`;
    return own === 0 ? `${archive}: nothing new` : `${archive}: ${own} ${own === 1 ? 'share' : 'shares'}${end}`;
  });
  return lines.length === 0 ? 'no archive is named in specs/sources.yaml\n' : `${lines.join('\n')}\n`;
}

/** `bitwatch archive fetch LIST/EPOCH`: brings the mirror of an epoch up to date . Resolves to where it is. */
async function fetchArchive(context: Context, archive: string, given: string | null): Promise<string> {
  const [, name = '', epoch = ''] = /^([^/]+)\/(\d{1,3})$/.exec(archive) ?? [];
  const { lists } = await sourcesOf(context);
  const list = lists.find((each) => each.name === name);
  if (list === undefined)
    throw new UsageError(
      `no archive ${JSON.stringify(archive)}: expected LIST/EPOCH with a list of specs/sources.yaml: ${lists.map((each) => each.name).join(', ')}`,
    );
  if (given !== null && !/^[0-9a-f]{40,64}$/.test(given))
    throw new UsageError(`--tip: expected a commit id, found ${JSON.stringify(given)}`);
  if (context.options.offline) throw new UsageError('archive fetch and --offline exclude each other');
  const url = `${list.url}/${epoch}`;
  const tip = given ?? (await remoteTip(url, context.env));
  if (tip === null) throw new NoInputError(`${url} is empty: it has no mail`);
  const target = mirrorOf(context, archive);
  await updateMirror(url, target, tip, context.env);
  return target;
}
