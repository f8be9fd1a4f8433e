import { logLine } from '../deliver/actions/log.ts';
import { EXIT, KnownError } from '../model/errors.ts';
import type { Surroundings } from './context.ts';
import { runProgram } from './program.ts';

/** One run: arguments and surroundings in, exit status out. A known error is one line; anything else is a bug and says so. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  try {
    return await runProgram(args, surroundings);
  } catch (error) {
    if (error instanceof KnownError) {
      surroundings.stderr.write(`bitwatch: ${logLine(error.message)}\n`);
      return error.status;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    // A workflow shows these lines: what an error quotes must command nothing there.
    surroundings.stderr.write(`bitwatch: a bug: ${text.split('\n').map(logLine).join('\n')}\n`);
    return EXIT.bug;
  }
}
