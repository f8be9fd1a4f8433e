import type { Answer, Ask } from './pool.ts';
import { scanLines } from './scan-line.ts';

// The entry of a worker process (so it reads its own arguments): runs of blob ids come as messages, their lines go back. It ends when
// its parent disconnects, or is gone.
const [, , gitDir = '', path = ''] = process.argv;

process.on('message', ({ ids }: Ask) => {
  scanLines({ gitDir, path, env: process.env }, ids.split('\n')).then(
    (lines) => process.send?.({ lines: lines.join('\n') } satisfies Answer),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}\n`, () =>
        process.exit(1),
      );
    },
  );
});
