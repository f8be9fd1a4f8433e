import { createRequire } from 'node:module';
import { UnavailableError } from '../model/errors.ts';

/** The kernel's calls that Node lacks: locks on open files, which end with their owner whatever ends it, and an exchange of names. */
type Kernel = {
  readonly tryLock: (fd: number) => boolean;
  readonly swapSync: (from: string, to: string) => void;
};

const require = createRequire(import.meta.url);
let loaded: Kernel | null | undefined;

/** Loaded when first needed: a command that writes nothing runs also where the library has no build. */
function kernel(): Kernel | null {
  if (loaded === undefined)
    try {
      loaded = require('fs-native-extensions') as Kernel;
    } catch {
      loaded = null;
    }
  return loaded;
}

/**
 * Locks an open file, writable, for this process alone until it is closed; false where somebody has it. Null where the file
 * system or the platform knows no locks.
 */
export function tryLock(fd: number): boolean | null {
  try {
    return kernel()?.tryLock(fd) ?? null;
  } catch {
    return null;
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
