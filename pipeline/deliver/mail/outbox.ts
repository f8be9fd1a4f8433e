import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../../disk/folder.ts';
import { withLock } from '../../disk/lock.ts';
import { inside } from '../../disk/name.ts';
import { sweep } from '../../disk/temporary.ts';
import { writeFileAtomically } from '../../disk/write.ts';
import { NoInputError } from '../../model/errors.ts';

/**
 * Where a mail stands: a folder each. `sending` is entered before the server is asked and left when the answer is recorded, so
 * a mail that a crash leaves there may or may not have been sent.
 */
const OUTBOX_STATES = ['draft', 'sending', 'sent', 'uncertain', 'rejected'] as const;
export type OutboxState = (typeof OUTBOX_STATES)[number];

export type OutboxEntry = { readonly state: OutboxState; readonly key: string; readonly bytes: Buffer };

const fileOf = (outbox: string, state: OutboxState, key: string): string => join(outbox, state, `${key}.eml`);
const noteOf = (outbox: string, state: OutboxState, key: string): string => join(outbox, state, `${key}.txt`);

/** The path of an entry, as messages name it. */
export const entryPath = (outbox: string, { state, key }: Pick<OutboxEntry, 'state' | 'key'>): string =>
  fileOf(outbox, state, key);

/** A rename that a crash of the machine cannot undo: both folders are written out. */
function moveDurably(from: string, to: string, folders: readonly string[]): void {
  renameSync(from, to);
  for (const folder of folders) {
    const fd = openSync(folder, 'r');
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  }
}

/** All mails of an outbox in the order of states and keys; nothing where there is no outbox yet. */
export function listOutbox(outbox: string): readonly OutboxEntry[] {
  return OUTBOX_STATES.flatMap((state) =>
    namesIn(join(outbox, state)).map((name) => ({
      state,
      key: name.slice(0, -'.eml'.length),
      bytes: readFileSync(join(outbox, state, name)),
    })),
  );
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.eml') && !name.startsWith('.'))
      .sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new NoInputError(`${folder}: cannot be read`, { cause: error });
  }
}

/** Does work on an outbox that no other run may do at once. Throws an UnavailableError where another run is at it. */
export async function withOutbox<T>(outbox: string, work: () => Promise<T>): Promise<T> {
  makeFolder(outbox);
  return withLock(join(outbox, 'lock'), `the outbox ${outbox}`, () => {
    // A run that was killed may have left something in a folder that this one does not write to.
    for (const state of OUTBOX_STATES) sweep(join(outbox, state));
    return work();
  });
}

/** What became of a draft that was to be stored: written, the same as before, or kept out by a mail that went before it. */
export type DraftState = 'written' | 'unchanged' | 'sending' | 'sent' | 'uncertain';

/**
 * Puts a draft under its key, one per series version: it replaces an older draft, and never a mail that was sent or may have
 * been. One that a server refused was not delivered: the new draft takes its place.
 */
export function putDraft(outbox: string, key: string, bytes: Buffer): Promise<DraftState> {
  return withOutbox(outbox, async () => {
    const known = listOutbox(outbox).filter((entry) => entry.key === key);
    for (const state of ['sent', 'uncertain', 'sending'] as const)
      if (known.some((entry) => entry.state === state)) return state;
    if (known.some((entry) => entry.state === 'draft' && entry.bytes.equals(bytes))) return 'unchanged';
    writeFileAtomically(inside(join(outbox, 'draft'), `${key}.eml`, 'the key of a draft'), bytes);
    if (known.some((entry) => entry.state === 'rejected')) {
      rmSync(fileOf(outbox, 'rejected', key), { force: true });
      rmSync(noteOf(outbox, 'rejected', key), { force: true });
    }
    return 'written';
  });
}

/** Moves a mail to another state; a note, such as a server's answer, is written before. Returns the moved entry. */
export function moveEntry(outbox: string, entry: OutboxEntry, state: OutboxState, note: string | null): OutboxEntry {
  const folders = [join(outbox, entry.state), join(outbox, state)];
  makeFolder(join(outbox, state));
  if (note !== null) writeFileAtomically(noteOf(outbox, state, entry.key), `${note}\n`);
  moveDurably(fileOf(outbox, entry.state, entry.key), fileOf(outbox, state, entry.key), folders);
  rmSync(noteOf(outbox, entry.state, entry.key), { force: true });
  return { ...entry, state };
}
