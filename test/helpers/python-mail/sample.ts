import { type Place, readGit } from '../../../pipeline/git/run.ts';

/** The mails (blobs `m`) of a public-inbox archive that are there, oldest commit first, each once. */
async function mailBlobs(place: Place): Promise<readonly string[]> {
  const log = await readGit(place, ['rev-list', '--reverse', 'HEAD']);
  const input = log.toString('latin1').replaceAll('\n', ':m\n');
  const found = await readGit(place, ['cat-file', '--batch-check', '--buffer'], { input });
  const blobs = found.toString('latin1').matchAll(/^([0-9a-f]{40,64}) blob \d+$/gm);
  return [...new Set([...blobs].map(([, id = '']) => id))];
}

/** The ids of `size` mails at even distances over the whole archive: the same ones each time. */
export async function sampleBlobs(place: Place, size: number): Promise<readonly string[]> {
  const all = await mailBlobs(place);
  const count = Math.min(size, all.length);
  return Array.from({ length: count }, (_, at) => all[Math.floor((at * all.length) / count)] ?? '');
}

/** The bytes of blobs, in their order. */
export async function readBlobs(place: Place, blobs: readonly string[]): Promise<readonly Buffer[]> {
  const out = await readGit(place, ['cat-file', '--batch', '--buffer'], { input: `${blobs.join('\n')}\n` });
  const mails: Buffer[] = [];
  for (let at = 0; at < out.length; ) {
    const eol = out.indexOf(0x0a, at);
    const end = eol + 1 + Number(out.toString('latin1', at, eol).split(' ')[2]);
    mails.push(out.subarray(eol + 1, end));
    at = end + 1;
  }
  return mails;
}
