import { existsSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readInputText } from '../disk/read.ts';
import { targetOf } from '../disk/target.ts';
import { writeFileAtomically } from '../disk/write.ts';

/** A posting that a run is about to make. */
export type Begun = { readonly repository: string; readonly kind: string; readonly key: string };

export type Journal = {
  readonly read: () => readonly Begun[];
  readonly add: (entry: Begun) => void;
  readonly remove: (entry: Begun) => void;
};

const NONE: Journal = { read: () => [], add: () => {}, remove: () => {} };
const isSame = (a: Begun, b: Begun): boolean => a.repository === b.repository && a.kind === b.kind && a.key === b.key;

/**
 * What was begun and not yet taken down, beside a state of postings: after a run that was killed in between, the next one knows
 * what to look for. Only the run that holds the state's lock changes it. The file goes with its last entry.
 */
export function postingJournal(state: string): Journal {
  const target = targetOf(state);
  if (target.kind === 'stream') return NONE;
  // The end of the name keeps it out of a proposal of the folder.
  const file = join(dirname(target.path), `.${basename(target.path)}.begun.tmp`);
  const read = (): readonly Begun[] => (existsSync(file) ? entriesOf(readInputText(file)) : []);
  const write = (entries: readonly Begun[]): void => {
    if (entries.length === 0) rmSync(file, { force: true });
    else writeFileAtomically(file, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  };
  return {
    read,
    add: (entry) => write([...read().filter((other) => !isSame(entry, other)), entry]),
    remove: (entry) => {
      const before = read();
      const after = before.filter((other) => !isSame(entry, other));
      if (after.length < before.length) write(after);
    },
  };
}

/** Lines that can be read; the file is a hint, and a damaged line is none. */
function entriesOf(text: string): readonly Begun[] {
  return text.split('\n').flatMap((line): readonly Begun[] => {
    try {
      const { repository, kind, key } = JSON.parse(line) as Readonly<Record<string, unknown>>;
      return [{ repository: String(repository), kind: String(kind), key: String(key) }];
    } catch {
      return [];
    }
  });
}
