import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';

const PLACE = '/dev/shm';
const ENOUGH = 2 ** 31;

/**
 * Where tests keep their repositories: they write and remove thousands of small files, for which a disk takes longer than all else.
 * Memory is taken where it is like a disk in what tests ask of it (programs start, devices work) and has room; a TMPDIR that is
 * given stands. Null where the usual folder is to be used.
 */
export function memoryFolder(): string | null {
  if (process.env.TMPDIR !== undefined) return null;
  try {
    accessSync(PLACE, constants.W_OK);
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .findLast((line) => line.split(' ')[1] === PLACE);
    const options = mount?.split(' ')[3]?.split(',') ?? ['noexec'];
    const { bavail, bsize } = statfsSync(PLACE);
    if (options.some((option) => option === 'noexec' || option === 'nodev') || bavail * bsize < ENOUGH) return null;
    return PLACE;
  } catch {
    return null;
  }
}
