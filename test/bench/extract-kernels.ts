import { readPolicyRevision } from '../../pipeline/cases/kvm-revision.ts';
import { openBlobs } from '../../pipeline/git/blobs.ts';
import { openRepository, resolveCommit } from '../../pipeline/git/repository.ts';
import { withTemporaries } from '../../pipeline/git/temporary.ts';
import { policyToYaml } from '../../pipeline/specs/policy-file.ts';

/** Extracts the kernels that the arguments name as GITDIR@REV, one after the other and each anew: what `sync` does, without writing. */
async function extractOne(place: string): Promise<number> {
  const at = place.lastIndexOf('@');
  const repository = openRepository(at === -1 ? place : place.slice(0, at), process.env);
  const commit = await resolveCommit(repository, at === -1 ? 'HEAD' : place.slice(at + 1));
  const blobs = openBlobs(repository);
  try {
    return (await policyToYaml(await readPolicyRevision(repository, blobs, commit))).length;
  } finally {
    await blobs.close();
  }
}

await withTemporaries(async () => {
  for (const place of process.argv.slice(2)) console.log(`${place}: ${await extractOne(place)} characters`);
});
