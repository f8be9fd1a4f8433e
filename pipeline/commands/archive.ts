import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Archive, locateArchives } from '../archive/locate.ts';
import { mergeScans } from '../archive/merge.ts';
import { rowsThatMatter, scanArchives, updateState } from '../archive/scan.ts';
import type { Part, State } from '../archive/state.ts';
import { loadState, parsePart, saveState } from '../archive/state-file.ts';
import { scanSubjects } from '../archive/subjects.ts';
import { cloneDirectory } from '../cases/context.ts';
import { readSubject } from '../extract/mail/subject.ts';
import { NoInputError, UsageError } from '../model/errors.ts';
import { plain } from '../model/text.ts';
import { jsonText } from '../report/machine.ts';
import type { Context } from './context.ts';
import { isPostedText, mergePostedFiles } from './merge-posted.ts';

export type ScanOptions = {
  readonly state: string | null;
  readonly shard: string | null;
  readonly part: string | null;
  readonly subjects: boolean;
  readonly jobs: string | null;
};

/** `bitwatch archive scan PATH…`: reads what is new in mail archives and keeps a small state. */
export async function archiveScanCommand(
  context: Context,
  paths: readonly string[],
  options: ScanOptions,
): Promise<void> {
  const archives = (await Promise.all(paths.map(locateArchives))).flat();
  if (options.subjects) return subjectsOnly(context, archives);
  const file = options.state ?? join(cloneDirectory(context), 'archives.json');
  const state = await loadState(file);
  const jobs = options.jobs === null ? {} : { jobs: positive('--jobs', options.jobs) };
  if (options.shard !== null) {
    if (options.part === null) throw new UsageError('--shard needs --part FILE, where this share goes');
    const [index = '', of = ''] = options.shard.split('/');
    const parts = await scanArchives(archives, state, {
      ...jobs,
      shard: { index: positive('--shard', index), of: positive('--shard', of) },
    });
    if (parts.length > 1) throw new UsageError('--shard takes one archive at a time: a part file holds one');
    const [part] = parts;
    if (part !== undefined) await saveState(options.part, part);
    context.stdout.write(part === undefined ? 'nothing new\n' : `wrote ${options.part}\n`);
    return;
  }
  const next = await updateState(archives, state, jobs);
  if (next !== state) await saveState(file, next);
  report(context, next, next === state);
}

/** `bitwatch merge PART…`: joins the shards of a scan to the state that one run would have left; states of postings too. */
export async function mergeCommand(
  context: Context,
  files: readonly string[],
  stateFile: string | null,
): Promise<void> {
  const texts = files.map((path) => ({ path, text: readText(path) }));
  if (texts.some(({ text }) => isPostedText(text))) return mergePostedFiles(context, texts, stateFile);
  const file = stateFile ?? join(cloneDirectory(context), 'archives.json');
  const parts: readonly Part[] = texts.map(({ path, text }) => parsePart(path, text));
  const next = mergeScans(await loadState(file), parts);
  await saveState(file, next);
  report(context, next, false);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new NoInputError(`${path}: cannot be read`, { cause: error });
  }
}

function positive(name: string, text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new UsageError(`${name}: expected a number from 1, found ${JSON.stringify(text)}`);
  return Number(text);
}

/** What is known of the archives, and what was passed over and why. */
function report(context: Context, state: State, isSame: boolean): void {
  const { summary } = rowsThatMatter(state);
  const skipped = state.archives.flatMap((archive) =>
    archive.skipped.map((each) => ({ archive: archive.name, ...each })),
  );
  if (context.options.json) {
    context.stdout.write(jsonText({ schema: 'bitwatch.archive-summary/1', new: !isSame, ...summary, skipped }));
    return;
  }
  const reasons = new Map<string, number>();
  for (const { reason } of skipped) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const lines = [
    isSame ? 'nothing new' : 'read what is new',
    `${summary.mails} mails in ${summary.threads} threads; ${summary.matter} threads name TDX; ${summary.reused} Message-IDs are used more than once`,
    ...[...reasons].sort(([a], [b]) => (a < b ? -1 : 1)).map(([reason, count]) => `skipped ${count}: ${plain(reason)}`),
  ];
  context.stdout.write(`${lines.join('\n')}\n`);
}

/** Patch series by their subjects alone: quick, and blind to what only a body says. */
async function subjectsOnly(context: Context, archives: readonly Archive[]): Promise<void> {
  const { tipOf } = await import('../archive/git-part.ts');
  for (const archive of archives) {
    if (archive.kind !== 'git')
      throw new UsageError(`--subjects reads git archives; ${archive.path} is ${archive.kind}`);
    const tip = await tipOf(archive.path);
    if (tip === null) continue;
    await scanSubjects(archive.path, tip, ({ commit, subject }) => {
      if (/\btdx\b/i.test(subject) && readSubject(subject).part !== null)
        context.stdout.write(`${commit.slice(0, 12)} ${plain(subject)}\n`);
    });
  }
}
