import { readQemu } from '../extract/qemu/facts.ts';
import { openQemu, QEMU_PATHS, TDX_PATH } from '../extract/qemu/tree.ts';
import type { BlobReader } from '../git/blobs.ts';
import type { Repository } from '../git/repository.ts';
import { DataError, NoInputError } from '../model/errors.ts';
import type { QemuFacts } from '../model/qemu.ts';
import { readFiles } from './module-revision.ts';

/** What one QEMU revision does with a TD's CPUID; its version is the one that its own file VERSION states. */
export async function readQemuRevision(repository: Repository, blobs: BlobReader, commit: string): Promise<QemuFacts> {
  const { files } = await readFiles(blobs, commit, QEMU_PATHS);
  const tdx = files.get(TDX_PATH);
  if (tdx === undefined)
    throw new NoInputError(
      `${repository.name}@${commit.slice(0, 12)}: no ${TDX_PATH}: QEMU has TDX since 10.1; is this a QEMU repository?`,
    );
  const version = files.get('VERSION')?.text.trim() ?? '';
  // A version becomes a file name: what is not digits and dots is none.
  if (!/^\d{1,4}\.\d{1,4}\.\d{1,4}$/.test(version))
    throw new DataError({
      where: { file: 'VERSION', line: 1 },
      expected: 'a version such as 11.1.0',
      found: JSON.stringify(version.slice(0, 40)),
    });
  const texts = new Map([...files].map(([path, { text }]) => [path, text]));
  const source = { repository: repository.name, revision: commit, path: TDX_PATH, blob: tdx.blob };
  return readQemu(openQemu(texts), version, source);
}
