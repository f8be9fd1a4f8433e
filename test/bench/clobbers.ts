import { readFiles } from '../../pipeline/cases/module-revision.ts';
import { bodyOf, readUnit } from '../../pipeline/extract/c/unit.ts';
import { isClobberSource } from '../../pipeline/extract/module/clobber-source.ts';
import { extractClobbers } from '../../pipeline/extract/module/clobbers/extract.ts';
import { openBlobs } from '../../pipeline/git/blobs.ts';
import { listReleases } from '../../pipeline/git/releases.ts';
import { listPaths, openRepository } from '../../pipeline/git/repository.ts';
import { best } from './measure.ts';

/** The derivation of a release's clobbers against parsing the same files, bodies and all. */
export async function benchClobbers(print: (line: string) => void, path: string): Promise<void> {
  const repository = openRepository(path, process.env);
  const blobs = openBlobs(repository);
  for (const { release, commit } of await listReleases(repository)) {
    const { files } = await readFiles(blobs, commit, (await listPaths(repository, commit)).filter(isClobberSource));
    const parse = best(3, () => {
      for (const [name, { text }] of files) {
        const unit = readUnit(name, text);
        for (const fn of [...unit.functions.values()].flat()) {
          try {
            bodyOf(unit, fn);
          } catch {
            // What is not understood costs its time all the same.
          }
        }
      }
    });
    const source = { repository: path, revision: commit, path: '', blob: null };
    const derive = best(3, () => {
      extractClobbers({ release, source, files });
    });
    print(
      `clobbers of ${release.padEnd(8)} ${derive.toFixed(0).padStart(5)} ms (limit 2000), parsing the same ${files.size} files ${parse.toFixed(0)} ms, ratio ${(derive / parse).toFixed(2)} ${derive <= 2000 ? 'ok' : 'OVER'}`,
    );
  }
  await blobs.close();
}
