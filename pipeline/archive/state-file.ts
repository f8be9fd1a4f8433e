import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../disk/folder.ts';
import { lockBeside, WAIT, withLock } from '../disk/lock.ts';
import { readInputText } from '../disk/read.ts';
import { targetOf } from '../disk/target.ts';
import { writeFileAtomically } from '../disk/write.ts';
import { DataError } from '../model/errors.ts';
import { EMPTY_STATE, type Part, type State } from './state.ts';

const KIND = z.enum(['git', 'mbox', 'mboxrd', 'maildir', 'eml']);
const REASON = z.enum(['missing-blob', 'deleted', 'empty-commit', 'not-a-mail', 'duplicate', 'too-large']);

const STATE = z.object({
  schema: z.literal('bitwatch.archive/1'),
  archives: z.array(
    z.object({
      name: z.string(),
      kind: KIND,
      tip: z.string(),
      rows: z.array(z.string()),
      skipped: z.array(z.object({ at: z.string(), reason: REASON, detail: z.string() })),
    }),
  ),
});

const PART = z.object({
  schema: z.literal('bitwatch.archive-part/1'),
  archive: z.string(),
  kind: KIND,
  after: z.string().nullable(),
  tip: z.string(),
  index: z.number().int().min(1),
  of: z.number().int().min(1),
  events: z.array(z.string()),
});

function parse<T>(path: string, text: string, schema: z.ZodType<T>, name: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DataError({ where: { file: path }, expected: `JSON of ${name}`, found: 'something else' }, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const at = issue === undefined || issue.path.length === 0 ? {} : { at: issue.path.join('.') };
  throw new DataError({
    where: { file: path, ...at },
    expected: name,
    found: issue?.message ?? 'something else',
    hint: 'delete the file and scan again',
  });
}

/** A state file as text: the same state, the same bytes. */
export const formatState = (state: State | Part): string => `${JSON.stringify(state, null, 1)}\n`;

const parseState = (path: string, text: string): State => parse(path, text, STATE, 'bitwatch.archive/1');
export const parsePart = (path: string, text: string): Part => parse(path, text, PART, 'bitwatch.archive-part/1');

/** The state of the last scan; an empty one where there is no such file. Throws DataError where it is damaged. */
export async function loadState(path: string): Promise<State> {
  if (!existsSync(path)) {
    // A link loop and a folder that may not be entered are no missing state.
    targetOf(path);
    return EMPTY_STATE;
  }
  // A state that is thrown away is none; reading a pipe would wait for somebody to fill it.
  if (targetOf(path).kind === 'stream' && !statSync(path).isFile()) return EMPTY_STATE;
  // A state has a line for each mail that matters, and many for a list of decades.
  return parseState(path, readInputText(path, 512 * 1024 * 1024));
}

/** The old state or the new one stands, whatever ends the run. */
export const savePart = (path: string, part: Part): void => writeFileAtomically(path, formatState(part));

/**
 * Changes a state: what `next` makes of it is written where it differs. Runs at once on one state wait for each other, so that
 * none writes over what another read. Resolves to the state before and after.
 */
export async function changeState(
  path: string,
  next: (before: State) => State | Promise<State>,
): Promise<{ readonly before: State; readonly after: State }> {
  const target = targetOf(path);
  const work = async (): Promise<{ readonly before: State; readonly after: State }> => {
    const before = await loadState(path);
    const after = await next(before);
    if (after !== before) writeFileAtomically(path, formatState(after));
    return { before, after };
  };
  // Nothing is read back from a stream.
  if (target.kind === 'stream') return work();
  makeFolder(dirname(target.path));
  return withLock(lockBeside(target.path), `the state ${path}`, work, WAIT);
}
