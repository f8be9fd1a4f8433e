import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { WAIT, withLock } from '../disk/lock.ts';
import { NoInputError } from '../model/errors.ts';
import { type Context, writtenSpecs } from './context.ts';

/** Does work that reads and then writes files of `specs/`: runs at once wait for each other, so that none loses what another wrote. */
export function withSpecsLock<T>(context: Context, command: string, work: () => Promise<T>): Promise<T> {
  const directory = writtenSpecs(context, command);
  if (!existsSync(directory)) throw new NoInputError(`${directory}: no specifications here`);
  return withLock(join(directory, '.bitwatch.lock'), `the specifications in ${directory}`, work, WAIT);
}
