import { EXIT, KnownError } from '../model/errors.ts';
import { plain } from '../report/plain.ts';
import type { Surroundings } from './context.ts';
import { runProgram } from './program.ts';

/** One run: arguments and surroundings in, exit status out. A known error is one line; anything else is a bug and says so. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await runProgram(args, surroundings);
  } catch (error) {
    if (error instanceof KnownError) {
      surroundings.stderr.write(`bitwatch: ${plain(error.message)}\n`);
      return error.status;
    }
    surroundings.stderr.write(
      `bitwatch: a bug: ${error instanceof Error ? (error.stack ?? error.message) : plain(String(error))}\n`,
    );
    return EXIT.bug;
  }
}
