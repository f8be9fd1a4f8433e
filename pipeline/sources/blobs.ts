import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DataError, UnavailableError } from '../model/errors.ts';
import { FETCH_CONFIG_NAME, gitEnvironment } from './process.ts';

export type Blob = { readonly oid: string; readonly bytes: Buffer };

/** One long-lived `git cat-file --batch`: objects by id or by `revision:path`, answered in the order of the questions. */
export type BlobReader = {
  /** The object, or null where there is none of that name. Rejects for a name that cannot be asked for, and where git dies. */
  readonly read: (name: string) => Promise<Blob | null>;
  /** How many objects were read. */
  readonly count: () => number;
  readonly close: () => Promise<void>;
};

type Waiting = {
  readonly name: string;
  readonly resolve: (blob: Blob | null) => void;
  readonly reject: (error: Error) => void;
};

/** Source files are text of moderate size; anything beyond is not what the extractors read. */
const MAX_BLOB = 64 * 1024 * 1024;

export function openBlobs(gitDir: string, env: NodeJS.ProcessEnv, network = false): BlobReader {
  // A clone that sync made fetches missing blobs under the configuration beside it.
  const beside = join(dirname(gitDir), FETCH_CONFIG_NAME);
  const config = network && existsSync(beside) ? beside : '/dev/null';
  const child = spawn('git', [`--git-dir=${gitDir}`, 'cat-file', '--batch'], {
    env: gitEnvironment(env, network, config),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const waiting: Waiting[] = [];
  let count = 0;
  let stderr = '';
  let failure: Error | null = null;
  const parser = batchParser((answer) => {
    const next = waiting.shift();
    if (next === undefined) return;
    if (answer.kind === 'missing') next.resolve(null);
    else if (answer.kind === 'damaged')
      next.reject(
        new DataError({ where: { file: gitDir }, expected: `an answer for ${next.name}`, found: answer.line }),
      );
    else {
      count += 1;
      next.resolve({ oid: answer.oid, bytes: answer.bytes });
    }
  });
  const fail = (error: Error): void => {
    failure ??= error;
    for (const next of waiting.splice(0)) next.reject(failure);
  };
  child.stdout.on('data', parser);
  child.stderr.on('data', (chunk: Buffer) => {
    if (stderr.length < 4096) stderr += chunk.toString('utf8');
  });
  child.stdin.on('error', () => {});
  child.on('error', (error) =>
    fail(new UnavailableError(`git cannot be run: ${error.message}; install git`, { cause: error })),
  );
  child.on('close', () => {
    fail(
      new UnavailableError(
        `${gitDir}: git cat-file ended early${stderr === '' ? '' : `: ${stderr.trim().split('\n')[0]}`}`,
      ),
    );
  });
  return {
    read: (name) => {
      if (failure !== null) return Promise.reject(failure);
      if (/[\n\0\r]/.test(name) || name === '')
        return Promise.reject(
          new DataError({
            where: { file: gitDir },
            expected: 'an object name without line breaks or NUL',
            found: JSON.stringify(name),
          }),
        );
      return new Promise((resolve, reject) => {
        waiting.push({ name, resolve, reject });
        child.stdin.write(`${name}\n`);
      });
    },
    count: () => count,
    close: () => {
      // Nothing is asked any more: git ends when its input does, and the run need not wait for it.
      child.stdin.end();
      child.unref();
      return Promise.resolve();
    },
  };
}

type Answer =
  | { readonly kind: 'blob'; readonly oid: string; readonly bytes: Buffer }
  | { readonly kind: 'missing' }
  | { readonly kind: 'damaged'; readonly line: string };

/** Parses `<oid> <type> <size>\n<bytes>\n` and `<name> missing\n` from chunks of any size. */
function batchParser(emit: (answer: Answer) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = [];
  let length = 0;
  let header: { readonly oid: string; readonly size: number } | null = null;
  const join = (): Buffer => {
    const [only] = chunks;
    const all = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
    chunks = [all];
    return all;
  };
  const drop = (bytes: number): void => {
    const rest = join().subarray(bytes);
    chunks = rest.length === 0 ? [] : [rest];
    length = rest.length;
  };
  return (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    for (;;) {
      if (header === null) {
        if (length === 0) return;
        const all = join();
        const end = all.indexOf(0x0a);
        if (end === -1) return;
        const line = all.toString('utf8', 0, end);
        drop(end + 1);
        const match = /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(line);
        if (match !== null) header = { oid: match[1] ?? '', size: Number(match[3]) };
        else
          emit(
            / (missing|ambiguous|submodule)$/.test(line) || line.endsWith(' missing')
              ? { kind: 'missing' }
              : { kind: 'damaged', line },
          );
        if (header !== null && header.size > MAX_BLOB) {
          emit({ kind: 'damaged', line: `an object of ${header.size} bytes` });
          header = null;
        }
      } else {
        if (length < header.size + 1) return;
        const bytes = Buffer.from(join().subarray(0, header.size));
        const { oid, size } = header;
        header = null;
        drop(size + 1);
        emit({ kind: 'blob', oid, bytes });
      }
    }
  };
}
