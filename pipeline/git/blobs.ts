import { spawn } from 'node:child_process';
import { DataError, NoInputError, UnavailableError } from '../model/errors.ts';
import { type Answer, batchParser, MAX_BLOB } from './batch-answers.ts';
import { fetchConfigBeside, isOwn } from './ownership.ts';
import { firstLine, gitEnvironment } from './process.ts';
import { entryOf, type TreeEntry } from './tree-entry.ts';

export type Blob = { readonly oid: string; readonly bytes: Buffer };

/** One long-lived `git cat-file --batch`: blobs by id or by `revision:path`, answered in the order of the questions. */
export type BlobReader = {
  /**
   * The blob, or null where the revision has no such path or the repository no such id. A path that is there and cannot be
   * read is never null: an UnavailableError where the clone lacks its blob, a DataError where it is no file, is too
   * large, or is damaged. A NoInputError for a revision that is not there.
   */
  readonly read: (name: string) => Promise<Blob | null>;
  /**
   * The id of what stands at a path below a tree, given by its own id, or null. Each tree is read once, so that the paths
   * of many revisions cost what differs between them. An UnavailableError where the clone lacks a tree on the way.
   */
  readonly idAt: (tree: string, path: string) => Promise<string | null>;
  /** How many blobs were read. */
  readonly count: () => number;
  readonly close: () => Promise<void>;
};

/** Trees of the last few revisions of a history; a wider one would only hold memory. */
const MAX_TREES = 512;

type Waiting = { readonly resolve: (answer: Answer) => void; readonly reject: (error: Error) => void };

export function openBlobs(
  gitDir: string,
  env: NodeJS.ProcessEnv,
  network = false,
  limit: number = MAX_BLOB,
): BlobReader {
  const batch = startBatch(gitDir, env, network, limit);
  const parents = new Map<string, Promise<Answer>>();
  let count = 0;
  /** The answer for a folder, asked for once: releases lack the same folders again and again. */
  const folder = (name: string): Promise<Answer> => {
    const known = parents.get(name) ?? batch.ask(name);
    parents.set(name, known);
    return known;
  };
  const read = async (name: string): Promise<Blob | null> => {
    if (/[\n\0\r]/.test(name) || name === '')
      throw problem(gitDir, 'an object name without line breaks or NUL', JSON.stringify(name));
    const answer = await batch.ask(name);
    if (answer.kind === 'object' && answer.type === 'blob') {
      count += 1;
      return { oid: answer.oid, bytes: answer.bytes };
    }
    if (answer.kind !== 'missing') throw unreadable(gitDir, name, answer, limit);
    const colon = name.indexOf(':');
    if (colon > 0) await checkAbsent(gitDir, name.slice(0, colon), name.slice(colon + 1), folder);
    return null;
  };
  const trees = new Map<string, Promise<Answer>>();
  const tree = (oid: string): Promise<Answer> => {
    const known = trees.get(oid) ?? batch.ask(oid);
    trees.delete(oid);
    trees.set(oid, known);
    const [oldest] = trees.keys();
    if (trees.size > MAX_TREES && oldest !== undefined) trees.delete(oldest);
    return known;
  };
  const idAt = async (root: string, path: string): Promise<string | null> => {
    if (!/^[0-9a-f]{40,64}$/.test(root)) throw problem(gitDir, 'the id of a tree', JSON.stringify(root));
    let oid = root;
    for (const name of path.split('/')) {
      const answer = await tree(oid);
      if (answer.kind !== 'object') throw lacking(gitDir, path, { mode: '', oid });
      const entry = answer.type === 'tree' ? entryOf(answer.bytes, name, answer.oid.length / 2) : null;
      if (entry === null) return null;
      oid = entry.oid;
    }
    return oid;
  };
  return { read, idAt, count: () => count, close: batch.close };
}

const problem = (gitDir: string, expected: string, found: string, at?: string): DataError =>
  new DataError({ where: { file: gitDir, ...(at === undefined ? {} : { at }) }, expected, found });

function unreadable(gitDir: string, name: string, answer: Exclude<Answer, { kind: 'missing' }>, limit: number): Error {
  switch (answer.kind) {
    case 'object':
      return problem(gitDir, 'a file', `a ${answer.type}`, name);
    case 'large':
      return problem(gitDir, `a file of at most ${limit} bytes`, `${answer.size} bytes`, name);
    case 'ambiguous':
      return problem(gitDir, 'the name of one object', 'a name of several', name);
    case 'submodule':
      return problem(gitDir, 'a file', 'a submodule', name);
    case 'damaged':
      return problem(gitDir, 'an answer of git cat-file', JSON.stringify(answer.line), name);
  }
}

/**
 * git says "missing" both for a path that a revision lacks and for a blob that the clone lacks: the folders tell which.
 * Returns where the path is truly absent, else throws.
 */
async function checkAbsent(
  gitDir: string,
  revision: string,
  path: string,
  folder: (name: string) => Promise<Answer>,
): Promise<void> {
  const slash = path.lastIndexOf('/');
  const parent = path.slice(0, Math.max(slash, 0));
  const answer = await folder(`${revision}:${parent}`);
  if (answer.kind === 'missing') {
    if (parent === '') throw new NoInputError(`${gitDir}: no revision ${JSON.stringify(revision)}, or no tree of it`);
    return checkAbsent(gitDir, revision, parent, folder);
  }
  if (answer.kind !== 'object' || answer.type !== 'tree') return;
  const entry = entryOf(answer.bytes, path.slice(slash + 1), answer.oid.length / 2);
  if (entry !== null) throw lacking(gitDir, `${revision}:${path}`, entry);
}

function lacking(gitDir: string, name: string, entry: TreeEntry): Error {
  if (entry.mode === '160000') return problem(gitDir, 'a file', 'a submodule', name);
  return new UnavailableError(
    `${gitDir}: ${name} is object ${entry.oid}, which this clone does not have; fetch it, or run without --offline`,
  );
}

function startBatch(gitDir: string, env: NodeJS.ProcessEnv, network: boolean, limit: number) {
  const fetches = network && isOwn(gitDir);
  const config = fetches ? fetchConfigBeside(gitDir) : null;
  const child = spawn('git', [`--git-dir=${gitDir}`, 'cat-file', '--batch'], {
    env: gitEnvironment(env, fetches, config ?? undefined),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const waiting: Waiting[] = [];
  let stderr = '';
  let failure: Error | null = null;
  const fail = (error: Error): void => {
    failure ??= error;
    for (const next of waiting.splice(0)) next.reject(failure);
  };
  const parse = batchParser((answer) => waiting.shift()?.resolve(answer), limit);
  child.stdout.on('data', parse);
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < 4096) stderr += chunk.toString('utf8');
  });
  child.stdin.on('error', () => {});
  child.on('error', (error) =>
    fail(new UnavailableError(`git cannot be run: ${error.message}; install git`, { cause: error })),
  );
  child.on('close', () => fail(endOf(gitDir, stderr)));
  let asked = '';
  /** What is asked in one go is written in one: each write of its own costs a call of the system. */
  const flush = (): void => {
    const questions = asked;
    asked = '';
    if (child.stdin.writable) child.stdin.write(questions);
  };
  return {
    ask: (name: string): Promise<Answer> => {
      if (failure !== null) return Promise.reject(failure);
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        if (asked === '') queueMicrotask(flush);
        asked += `${name}\n`;
      });
    },
    close: (): Promise<void> => {
      flush();
      // Nothing is asked any more: git ends when its input does, and the run need not wait for it.
      child.stdin.end();
      child.unref();
      return Promise.resolve();
    },
  };
}

/** git ends at the first object that it can neither read nor fetch. */
function endOf(gitDir: string, stderr: string): Error {
  const reason = stderr === '' ? '' : `: ${firstLine(stderr)}`;
  if (/promisor|could not fetch|unable to access|transport/.test(stderr))
    return new UnavailableError(
      `${gitDir}: a blob that this clone does not have could not be fetched${reason}; run without --offline, or sync`,
    );
  if (/not a git repository/i.test(stderr)) return new NoInputError(`${gitDir}: not a git repository${reason}`);
  if (/corrupt|inflate|bad object|mismatch|bad packed|unable to (?:read|unpack)|garbage/.test(stderr))
    return problem(gitDir, 'readable objects', firstLine(stderr));
  return new UnavailableError(`${gitDir}: git cat-file ended early${reason}`);
}
