import type { Readable, Writable } from 'node:stream';
import { DataError, NoInputError, UnavailableError } from '../model/errors.ts';
import { type Answer, batchParser } from './batch-answers.ts';
import { MAX_STREAM, SMALL_WINDOWS } from './lines.ts';
import {
  feedGit,
  firstLine,
  machineFault,
  named,
  notStarted,
  type Place,
  requireSuccess,
  startGit,
  streamGit,
} from './run.ts';

/** One long-lived `git cat-file --batch`, which answers in the order of the questions. */
export type CatFile = {
  readonly ask: (name: string) => Promise<Answer>;
  readonly close: () => Promise<void>;
};

type Waiting = { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void };

/** How long git may take for the next answer: a damaged object must not hold a run for ever. */
const MAX_SECONDS = 600;

export function openCatFile(place: Place, limit: number): CatFile {
  const { path } = place;
  const child = startGit(['cat-file', '--batch'], place);
  const waiting: Waiting[] = [];
  let stderr = '';
  let failure: Error | null = null;
  let timer: NodeJS.Timeout | null = null;
  const fail = (error: Error): void => {
    failure ??= error;
    if (timer !== null) clearTimeout(timer);
    for (const next of waiting.splice(0)) next.reject(failure);
  };
  const watch = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (waiting.length === 0) return;
    timer = setTimeout(() => {
      fail(new UnavailableError(`${path}: git cat-file did not answer within ${MAX_SECONDS} s`));
      child.kill('SIGKILL');
    }, MAX_SECONDS * 1000);
  };
  const parse = batchParser((answer) => waiting.shift()?.resolve(answer), limit);
  child.stdout.on('data', (chunk: Buffer) => {
    parse(chunk);
    watch();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < 4096) stderr += chunk.toString('utf8');
  });
  child.on('error', (error) => fail(notStarted(error)));
  child.on('close', (_, signal) => fail(endOf(path, named(stderr, place), signal)));
  let asked = '';
  /** What is asked in one go is written in one: each write of its own costs a call of the system. */
  const flush = (): void => {
    const questions = asked;
    asked = '';
    if (child.stdin.writable) child.stdin.write(questions);
  };
  return {
    ask: (name) => {
      if (failure !== null) return Promise.reject(failure);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        if (timer === null) watch();
        if (asked === '') queueMicrotask(flush);
        asked += `${name}\n`;
      });
    },
    close: () => {
      flush();
      // Nothing is asked any more: git ends when its input does, and the run need not wait for it.
      child.stdin.end();
      child.unref();
      return Promise.resolve();
    },
  };
}

/** git ends at the first object that it cannot read. */
function endOf(path: string, stderr: string, signal: NodeJS.Signals | null): Error {
  const reason = stderr === '' ? '' : `: ${firstLine(stderr)}`;
  if (/not a git repository/i.test(stderr)) return new NoInputError(`${path}: not a git repository${reason}`);
  const fault = machineFault(stderr, `${path}: git cat-file failed${reason}`);
  if (fault !== null) return fault;
  if (/corrupt|inflate|bad object|mismatch|bad packed|unable to (?:read|unpack)|garbage/.test(stderr))
    return new DataError({ where: { file: path }, expected: 'readable objects', found: firstLine(stderr) });
  const how = signal === null ? 'ended early' : `was ended by ${signal}`;
  return new UnavailableError(`${path}: git cat-file ${how}${reason}`);
}

/** One git of its own, which costs least for many objects. */
const MANY = ['cat-file', '--batch', '--buffer'];

/** Reads objects by their ids, one after the other: the bytes of an answer are valid only during the call. */
export async function readObjects(
  place: Place,
  ids: Iterable<string>,
  { limit, onAnswer }: { readonly limit: number; readonly onAnswer: (answer: Answer) => void },
): Promise<void> {
  const input = [...ids].map((id) => `${id}\n`).join('');
  const options = { ...place, input, settings: SMALL_WINDOWS, maxBytes: MAX_STREAM };
  requireSuccess(place.path, MANY, await streamGit(MANY, options, batchParser(onAnswer, limit)));
}

/** Has git write the objects of ids, a line each, to the standard input of another process, for `batchParser` to read there. */
export async function feedObjects(place: Place, ids: Readable, reader: Writable): Promise<void> {
  requireSuccess(place.path, MANY, await feedGit(MANY, { ...place, input: ids, settings: SMALL_WINDOWS }, reader));
}
