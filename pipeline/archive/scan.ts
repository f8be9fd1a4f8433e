import { availableParallelism } from 'node:os';
import { MAX_MAIL, type Mail, readMail } from '../extract/mail/mail.ts';
import { idKey } from '../extract/mail/row.ts';
import { groupLinked } from '../extract/mail/union.ts';
import { readObjects } from '../git/cat-file.ts';
import { openRepository } from '../git/repository.ts';
import { readFileMails, scanFiles } from './files.ts';
import { type Shard, scanGit } from './git-part.ts';
import type { Archive } from './locate.ts';
import { mergeScans } from './merge.ts';
import { type Located, readRowLine } from './scan-line.ts';
import type { ArchiveState, Part, State } from './state.ts';

export type ScanOptions = {
  /** Reader processes that run at once, up to the number of cores; two where it is not given. */
  readonly jobs?: number;
  readonly shard?: Shard;
};

/** A mail of an archive, read, and where it stands. */
export type ArchivedMail = Mail & { readonly archive: string; readonly location: string };

/** What a scan knows, counted. */
export type Summary = {
  readonly mails: number;
  readonly threads: number;
  /** Threads of which some mail names TDX. */
  readonly matter: number;
  /** Message-IDs that more than one mail carries, within one archive. */
  readonly reused: number;
};

const WHOLE: Shard = { index: 1, of: 1 };

/** More readers are faster where there are cores, and take about 100 MB each: two keep a scan of 95,000 mails below 500 MB. */
const defaultJobs = (): number => Math.min(2, availableParallelism());

/**
 * Reads what is new in each archive since `state`: one part per archive that has something new. With a shard, a part holds that
 * share of the new history; `mergeScans(state, parts)` of all shards equals one whole run. Throws NoInputError where an archive
 * is not there, UnavailableError where git fails.
 */
export async function scanArchives(
  archives: readonly Archive[],
  state: State,
  { jobs = defaultJobs(), shard = WHOLE }: ScanOptions = {},
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  for (const archive of archives) {
    const known = state.archives.find(({ name }) => name === archive.name)?.tip ?? null;
    const { name, path, kind, env } = archive;
    const part =
      kind === 'git'
        ? await scanGit({ repository: openRepository(path, env), name, after: known, jobs, shard })
        : await scanFiles(archive, known, shard);
    if (part !== null) parts.push(part);
  }
  return parts;
}

/** Scans and joins in one step: the new state; the same one where nothing is new. */
export async function updateState(
  archives: readonly Archive[],
  state: State,
  options: Omit<ScanOptions, 'shard'> = {},
): Promise<State> {
  const parts = await scanArchives(archives, state, options);
  return parts.length === 0 ? state : mergeScans(state, parts);
}

type Placed = Located & { readonly archive: string };

const rowsOf = ({ archives }: State): readonly Placed[] =>
  archives.flatMap(({ name, rows }) => rows.map((row) => ({ ...readRowLine(row), archive: name })));

function reusedIn(archive: ArchiveState): number {
  const counts = new Map<string, number>();
  for (const row of archive.rows) {
    const { key } = readRowLine(row);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts.values()].filter((count) => count > 1).length;
}

/** The mails of all threads of which some mail names TDX. */
export function rowsThatMatter(state: State): { readonly rows: readonly Placed[]; readonly summary: Summary } {
  const rows = rowsOf(state);
  const groups = groupLinked(rows);
  const matter = new Set(groups.filter((_, at) => rows[at]?.names === true));
  return {
    rows: rows.filter((_, at) => matter.has(groups[at] ?? -1)),
    summary: {
      mails: rows.length,
      threads: new Set(groups).size,
      matter: matter.size,
      reused: state.archives.reduce((sum, archive) => sum + reusedIn(archive), 0),
    },
  };
}

/** The mails of the thread that holds a Message-ID, whatever it names; none where no mail has that id. */
export function rowsOfThread(state: State, id: string): readonly Placed[] {
  const key = idKey(id);
  const rows = rowsOf(state);
  const groups = groupLinked(rows);
  const own = new Set(groups.filter((_, at) => rows[at]?.key === key));
  return rows.filter((_, at) => own.has(groups[at] ?? -1));
}

async function readFrom(archive: Archive, locations: ReadonlySet<string>): Promise<readonly ArchivedMail[]> {
  const mails: ArchivedMail[] = [];
  const add = (location: string, bytes: Buffer): void => {
    mails.push({ ...readMail(bytes), archive: archive.name, location });
  };
  if (archive.kind === 'git') {
    await readObjects(openRepository(archive.path, archive.env), locations, {
      limit: MAX_MAIL,
      // The bytes are those of a larger piece: each mail keeps its own only.
      onAnswer: (answer) => {
        if (answer.kind === 'object' && answer.type === 'blob') add(answer.oid, Buffer.from(answer.bytes));
      },
    });
    return mails;
  }
  for (const { location, bytes } of await readFileMails(archive)) if (locations.has(location)) add(location, bytes);
  return mails;
}

/** Reads mails in full by their places, in the archives' order. Mails that two archives hold come twice; threads take one. */
export async function readMails(
  archives: readonly Archive[],
  places: readonly { readonly archive: string; readonly location: string }[],
): Promise<readonly ArchivedMail[]> {
  const mails: ArchivedMail[] = [];
  for (const archive of archives) {
    const own = places.filter((place) => place.archive === archive.name).map((place) => place.location);
    // One by one: a call takes no 120,000 arguments.
    if (own.length > 0) for (const mail of await readFrom(archive, new Set(own))) mails.push(mail);
  }
  return mails;
}
