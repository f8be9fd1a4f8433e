import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { temporaryFolder } from '../disk/temporary.ts';
import { type OutputFile, writeFiles } from '../disk/write.ts';
import { openBlobs } from '../git/blobs.ts';
import { listPaths, openRepository, resolveCommit } from '../git/repository.ts';
import { NoInputError } from '../model/errors.ts';
import type { Finding } from '../model/finding.ts';
import type { ReportFacts } from '../model/review.ts';
import type { Specs } from '../specs/store.ts';
import { type Context, specsDirectory, specsIn } from './context.ts';
import { fetchKnown } from './sources.ts';

/** A finding as it counts: one whose decision came or went is another. */
const keyOf = ({ fingerprint, decided }: Finding): string => `${fingerprint} ${decided === null}`;

/**
 * Of a report only the findings that the specifications in `base`, a directory or a revision of the repository that these are
 * in, do not give to the same question; all where there is no base. What was read and what was not stays, as it is no finding.
 */
export async function newerThan(
  context: Context,
  report: ReportFacts,
  base: string | null,
  judge: (specs: Specs) => ReportFacts,
): Promise<ReportFacts> {
  if (base === null) return report;
  const before = judge(await baseSpecs(context, base));
  const known = new Set(before.reviews.flatMap(({ findings }) => findings.map(keyOf)));
  const reviews = report.reviews
    .map((review) => ({ ...review, findings: review.findings.filter((finding) => !known.has(keyOf(finding))) }))
    .filter(({ findings }) => findings.length > 0);
  return { ...report, reviews };
}

/** The specifications of a directory, else of a revision of the repository that the run's own specifications are in. */
export async function baseSpecs(context: Context, base: string): Promise<Specs> {
  if (existsSync(base)) return specsIn(context, base);
  const own = resolve(specsDirectory(context));
  const top = workTreeOf(own);
  if (top === null)
    throw new NoInputError(
      `--base ${base}: no such directory, and ${own} is in no work tree of git whose revision it could be`,
    );
  const prefix = `${relative(top, own).split(sep).join('/')}/`;
  const repository = openRepository(top, context.env);
  const commit = await resolveCommit(repository, base);
  const paths = (await listPaths(repository, commit)).filter((path) => path.startsWith(prefix));
  if (paths.length === 0) throw new NoInputError(`--base ${base}: ${commit.slice(0, 12)} has no ${prefix}`);
  const { path: folder, end } = temporaryFolder(tmpdir());
  const blobs = openBlobs(repository, await fetchKnown(context, repository));
  const files: OutputFile[] = [];
  try {
    for (const path of paths) {
      const blob = await blobs.read(`${commit}:${path}`);
      if (blob === null) continue;
      const file = resolve(folder, path.slice(prefix.length));
      // A tree that somebody made by hand may name what lies outside.
      if (!file.startsWith(`${folder}/`)) throw new NoInputError(`--base ${base}: ${JSON.stringify(path)} is no path`);
      files.push({ path: file, content: blob.bytes });
    }
    writeFiles(files);
    return await specsIn(context, folder);
  } finally {
    await blobs.close();
    end();
  }
}

/** The folder at or above another that is a work tree; null where there is none. */
function workTreeOf(folder: string): string | null {
  if (existsSync(join(folder, '.git'))) return folder;
  const above = dirname(folder);
  return above === folder ? null : workTreeOf(above);
}
