import { getSystemErrorMap } from 'node:util';
import { CannotCreateError, ClosedPipeError, IoError, type KnownError, NoInputError } from '../model/errors.ts';

/** An error of the operating system, as Node gives it: a name such as ENOSPC, and the path where there is one. */
export type Fault = Error & { readonly code: string; readonly errno: number; readonly path?: string };

/** What speaks of the program's own mistakes, not of the machine: they stay bugs. */
const MISTAKES = new Set(['EBADF', 'EINVAL', 'EFAULT', 'ENOTSOCK', 'EDOM']);

/** Faults of what a path names, not of reading or writing: no right, nothing there, another kind, a loop, too long a name. */
const NAMING = new Set([
  ...['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EISDIR', 'ELOOP', 'ENAMETOOLONG'],
  ...['EEXIST', 'ENOTEMPTY', 'EXDEV', 'ETXTBSY', 'EBUSY', 'ENXIO', 'ENODEV'],
]);

export const isFault = (error: unknown): error is Fault =>
  error instanceof Error &&
  'code' in error &&
  typeof error.code === 'string' &&
  'errno' in error &&
  typeof error.errno === 'number' &&
  !MISTAKES.has(error.code);

/** The name of the fault: ENOSPC; null for what is none. */
export const faultCode = (error: unknown): string | null => (isFault(error) ? error.code : null);

/** `no space left on device (ENOSPC)`. */
function faultWords({ code, errno }: Fault): string {
  const words = getSystemErrorMap().get(errno)?.[1] ?? 'the machine failed';
  return `${words} (${code})`;
}

/** What a failed write of a path is called: 73 where it cannot be created, 141 where its reader left, 74 where the machine failed. Others pass as they are. */
export function writeFault(path: string, error: unknown): unknown {
  if (!isFault(error)) return error;
  const message = `${shown(path)}: cannot be written: ${faultWords(error)}`;
  if (error.code === 'EPIPE') return new ClosedPipeError(message, { cause: error });
  return NAMING.has(error.code)
    ? new CannotCreateError(message, { cause: error })
    : new IoError(message, { cause: error });
}

/** What a failed read of a path is called: 66 where there is no such input, 74 where the machine failed. */
export function readFault(path: string, error: unknown): unknown {
  if (!isFault(error)) return error;
  const message = `${shown(path)}: cannot be read: ${faultWords(error)}`;
  return NAMING.has(error.code) ? new NoInputError(message, { cause: error }) : new IoError(message, { cause: error });
}

/** A fault that no reader or writer named: one line with its path where it has one. Null for what is no fault. */
export function knownFault(error: unknown): KnownError | null {
  if (!isFault(error)) return null;
  const what = error.path === undefined || error.path === '' ? 'this machine' : error.path;
  return new IoError(`${shown(what)}: ${faultWords(error)}`, { cause: error });
}

/** A path as a message shows it: one that is absurdly long is cut. */
const shown = (path: string): string =>
  path === '' ? 'an empty path' : path.length > 300 ? `${path.slice(0, 300)}…` : path;
