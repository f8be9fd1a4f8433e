import { isClobberSource, isRegisterSource } from '../extract/module/clobber-source.ts';
import { extractModule, MODULE_PATHS, type RevisionFile } from '../extract/module/release.ts';
import { nameRevision } from '../extract/module/release-name.ts';
import { decodeText, encodingNotes } from '../extract/text.ts';
import type { BlobReader } from '../git/blobs.ts';
import { listPaths, type Repository, readCommit } from '../git/repository.ts';
import type { ClobberFacts } from '../model/clobber.ts';
import type { ModuleRelease } from '../model/module.ts';

/** Reads one revision of the module's source; its release is found by tag, subject and make file unless it is given. */
export async function readModuleRevision(
  repository: Repository,
  blobs: BlobReader,
  commit: string,
  known: string | null,
): Promise<ModuleRelease> {
  const [files, named] = await Promise.all([
    readFiles(blobs, commit, MODULE_PATHS),
    known === null ? nameOf(repository, blobs, commit) : { release: known, notes: [] },
  ]);
  const module = extractModule({
    release: named.release,
    repository: repository.name,
    revision: commit,
    files: files.files,
  });
  return { ...module, notes: [...named.notes, ...files.notes, ...module.notes] };
}

/** Reads what one revision of the module's source leaves behind of the host's MSRs. */
export async function readClobbersRevision(
  repository: Repository,
  blobs: BlobReader,
  commit: string,
  known: string | null,
): Promise<ClobberFacts> {
  const paths = (await listPaths(repository, commit)).filter((path) => isClobberSource(path) || isRegisterSource(path));
  const [{ files }, named] = await Promise.all([
    readFiles(blobs, commit, paths),
    known === null ? nameOf(repository, blobs, commit) : { release: known, notes: [] },
  ]);
  const path = 'src/td_transitions/tdh_vp_enter.c';
  const source = { repository: repository.name, revision: commit, path, blob: files.get(path)?.blob ?? null };
  const { extractClobbers } = await import('../extract/module/clobbers/extract.ts');
  const facts = extractClobbers({ release: named.release, source, files });
  const { readRegisterChecks } = await import('../extract/module/clobbers/registers.ts');
  return { ...facts, registerChecks: readRegisterChecks(files) };
}

async function nameOf(
  repository: Repository,
  blobs: BlobReader,
  commit: string,
): Promise<{ readonly release: string; readonly notes: readonly string[] }> {
  const [{ subject, tags }, makefile] = await Promise.all([
    readCommit(repository, commit),
    blobs.read(`${commit}:proj_defs.mk`),
  ]);
  const { name, notes } = nameRevision(tags, subject, makefile?.bytes.toString('latin1') ?? null);
  if (name === null)
    return { release: commit.slice(0, 12), notes: ['no tag, commit subject or make file names a release'] };
  const trust =
    name.by === 'makefile' ? [`only the make file names this release, and its number is a build default`] : [];
  return { release: name.release, notes: [...notes, ...trust] };
}

/** The files of a revision that are there, all asked for at once. */
export async function readFiles(
  blobs: BlobReader,
  commit: string,
  paths: readonly string[],
): Promise<{ readonly files: ReadonlyMap<string, RevisionFile>; readonly notes: readonly string[] }> {
  const read = await Promise.all(paths.map(async (path) => [path, await blobs.read(`${commit}:${path}`)] as const));
  const files = new Map<string, RevisionFile>();
  const notes: string[] = [];
  for (const [path, blob] of read) {
    if (blob === null) continue;
    const text = decodeText(blob.bytes);
    notes.push(...encodingNotes(path, text));
    files.set(path, { text: text.text, blob: blob.oid });
  }
  return { files, notes };
}
