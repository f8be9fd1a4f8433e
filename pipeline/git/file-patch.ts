import type { Repository } from './repository.ts';
import { readGit } from './run.ts';
import { type Scratch, withScratch } from './scratch.ts';

/** A file of a repository, by its path and blob, and the bytes that it is to have. */
export type FileChange = { readonly path: string; readonly blob: string; readonly after: Buffer };

/**
 * The change of a file as a patch that git made, and that git applies to the file as it was with just the new bytes as the result.
 */
export async function filePatch(repository: Repository, { path, blob, after }: FileChange): Promise<string> {
  return withScratch(repository, async (scratch) => {
    const written = await readGit(scratch, ['hash-object', '-w', '--stdin'], { input: after });
    const [old, now] = [
      await treeOf(scratch, path, blob),
      await treeOf(scratch, path, written.toString('latin1').trim()),
    ];
    const shape = [
      '--no-ext-diff',
      '--no-textconv',
      '--no-renames',
      '--src-prefix=a/',
      '--dst-prefix=b/',
      '--unified=3',
    ];
    const patch = await readGit(scratch, ['diff-tree', '-p', ...shape, '--end-of-options', old, now]);
    await scratch.readTree(old);
    const { taken, output } = await scratch.apply(patch);
    if (!taken || (await scratch.writeTree()) !== now)
      throw new Error(`the draft of ${path} does not apply to what it was made from: ${output}`);
    return patch.toString('utf8');
  });
}

/** A tree with one file. */
async function treeOf(scratch: Scratch, path: string, blob: string): Promise<string> {
  await readGit(scratch, ['read-tree', '--empty']);
  await readGit(scratch, ['update-index', '-z', '--index-info'], { input: `100644 ${blob}\t${path}\0` });
  return scratch.writeTree();
}
