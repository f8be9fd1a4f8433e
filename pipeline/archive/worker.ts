import { MAX_MAIL } from '../extract/mail/mail.ts';
import { openStore } from './pack/store.ts';
import type { Answer, Ask } from './pool.ts';
import { objectLine } from './scan-line.ts';

// The entry of a worker process (so it reads its own arguments): runs of blob ids come as messages, their lines go back. It ends when
// its parent disconnects, or is gone.
const store = openStore(process.argv[2] ?? '', MAX_MAIL);

process.on('message', ({ ids }: Ask) => {
  const lines: string[] = [];
  const left = store.read(ids.split('\n'), (name, bytes) => lines.push(objectLine({ kind: 'blob', name, bytes })));
  process.send?.({ lines: lines.join('\n'), left: left.join('\n') } satisfies Answer);
});
