import { readPolicyRevision } from '../../pipeline/cases/kvm-revision.ts';
import { openBlobs } from '../../pipeline/git/blobs.ts';
import { openRepository, resolveCommit } from '../../pipeline/git/repository.ts';
import { withTemporaries } from '../../pipeline/git/temporary.ts';
import { policyToYaml } from '../../pipeline/specs/policy-file.ts';
import { command } from './measure.ts';

/**
 * Extracts the kernels that the arguments name as GITDIR@REV, or GITDIR@REV:FOLDER where the tree of the kernel lies in one, one
 * after the other and each anew: what `sync` does, without writing.
 */
async function extractOne(place: string): Promise<number> {
  const [, path = place, revision = 'HEAD', folder] = /^(.*)@([^@:]*)(?::(.*))?$/.exec(place) ?? [];
  const repository = openRepository(path, process.env);
  const commit = await resolveCommit(repository, revision);
  const blobs = openBlobs(repository);
  try {
    const tree =
      folder === undefined
        ? commit
        : command('git', ['-C', path, 'rev-parse', '--verify', `${commit}:${folder}`]).trim();
    return (await policyToYaml(await readPolicyRevision(repository, blobs, tree))).length;
  } finally {
    await blobs.close();
  }
}

await withTemporaries(async () => {
  for (const place of process.argv.slice(2)) console.log(`${place}: ${await extractOne(place)} characters`);
});
