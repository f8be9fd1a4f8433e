import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { UnavailableError } from '../model/errors.ts';

/** The kernel's calls that Node lacks: locks on open files, which end with their owner whatever ends it, and an exchange of names. */
type Kernel = {
  /** From `offset`, `length` bytes or with 0 to the end; throws EAGAIN where another process has it. */
  readonly tryLock: (fd: number, offset: number, length: number, exclusive: boolean) => void;
  readonly swapSync: (from: string, to: string) => void;
};

const LIBRARY = 'fs-native-extensions';
const require = createRequire(import.meta.url);
let loaded: Kernel | null | undefined;

/** Loaded when first needed: a command that writes nothing runs also where the library has no build. */
function kernel(): Kernel | null {
  if (loaded === undefined) loaded = firstOf([shipped, () => require(`${LIBRARY}/binding`)]);
  return loaded;
}

/**
 * The library's build where its package has it (package.json names the one version): its own search for it reads some
 * twenty files, ten milliseconds of every command that opens a repository, and is left to the platforms that differ.
 */
function shipped(): Kernel {
  const host = `${platform()}-${arch()}`;
  return require(join(dirname(require.resolve(LIBRARY)), 'prebuilds', host, `${LIBRARY}.node`));
}

function firstOf(ways: readonly (() => Kernel)[]): Kernel | null {
  for (const way of ways)
    try {
      return way();
    } catch {}
  return null;
}

/**
 * Locks an open file, writable, for this process alone until it is closed; false where somebody has it. Null where the file
 * system or the platform knows no locks.
 */
export function tryLock(fd: number): boolean | null {
  const library = kernel();
  try {
    library?.tryLock(fd, 0, 0, true);
    return library === null ? null : true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EAGAIN' ? false : null;
  }
}

/** Exchanges two names at once; false where the file system cannot. */
export function exchange(from: string, to: string): boolean {
  try {
    kernel()?.swapSync(from, to);
    return kernel() !== null;
  } catch {
    return false;
  }
}

export const noLocks = (file: string): UnavailableError =>
  new UnavailableError(`${file}: this platform or file system has no file locks; keep it on a local disk`);
