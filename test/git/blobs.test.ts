import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Answer, batchParser } from '../../pipeline/git/batch-answers.ts';
import { type BlobOptions, openBlobs } from '../../pipeline/git/blobs.ts';
import { fetchObjects } from '../../pipeline/git/prefetch.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import { DataError, NoInputError, UnavailableError } from '../../pipeline/model/errors.ts';
import { buildRepository, git, loseObject, temporaryFolder } from '../helpers/repository.ts';

const env = { PATH: process.env.PATH };
const FILES = { 'a.txt': 'first\n', 'deep/er/b.txt': 'second\n', 'empty.txt': '' };

/** A reader that the test closes. */
async function reading<T>(
  gitDir: string,
  work: (read: (name: string) => Promise<string | null>, count: () => number) => Promise<T>,
  options: BlobOptions = {},
): Promise<T> {
  const blobs = openBlobs(openRepository(gitDir, env), options);
  try {
    return await work(async (name) => (await blobs.read(name))?.bytes.toString() ?? null, blobs.count);
  } finally {
    await blobs.close();
  }
}

/** A blobless clone beside the configuration that sync leaves, so that the source serves it. */
function bloblessClone(source: string): string {
  git(source, 'config', 'uploadpack.allowFilter', 'true');
  git(source, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
  const clone = join(temporaryFolder(), 'clone.git');
  git(source, 'clone', '-q', '--bare', '--filter=blob:none', `file://${source}`, clone);
  return clone;
}

describe('reading blobs', () => {
  test('answers many questions in their order and counts the blobs', async () => {
    const folder = buildRepository([{ subject: 'one', files: FILES }]);
    await reading(folder, async (read, count) => {
      const names = Array.from({ length: 300 }, (_, index) =>
        index % 3 === 0 ? 'HEAD:a.txt' : index % 3 === 1 ? 'HEAD:nothing' : 'HEAD:deep/er/b.txt',
      );
      const answers = await Promise.all(names.map(read));
      expect(answers.slice(0, 3)).toEqual(['first\n', null, 'second\n']);
      expect(answers.slice(297)).toEqual(['first\n', null, 'second\n']);
      expect(count()).toBe(200);
      expect(await read('HEAD:empty.txt')).toBe('');
    });
  });

  test('a path that is not there is null, at any depth, also below a file', async () => {
    const folder = buildRepository([{ subject: 'one', files: FILES }]);
    await reading(folder, async (read) => {
      for (const path of ['x', 'x/y/z', 'deep/x', 'deep/er/x', 'deep/er/b.txt/x', 'a.txt/x'])
        expect(await read(`HEAD:${path}`), path).toBeNull();
      expect(await read('0'.repeat(40))).toBeNull();
    });
  });

  test('what is no file, no revision or no name is a known error', async () => {
    const folder = buildRepository([{ subject: 'one', files: FILES }]);
    await reading(folder, async (read) => {
      await expect(read('HEAD:deep')).rejects.toThrow(/HEAD:deep: expected a file, found a tree/);
      await expect(read('HEAD')).rejects.toThrow(DataError);
      await expect(read('v9:a.txt')).rejects.toThrow(NoInputError);
      for (const name of ['', 'HEAD:a\nHEAD:b', 'HEAD:a\0b', 'HEAD:a\rb'])
        await expect(read(name)).rejects.toThrow(DataError);
      expect(await read('HEAD:a.txt')).toBe('first\n');
    });
  });

  test('names that look like options or commands stay names', async () => {
    const folder = buildRepository([{ subject: 'one', files: { '--help': 'dash\n', '$(touch x)': 'shell\n' } }]);
    await reading(folder, async (read) => {
      expect(await read('HEAD:--help')).toBe('dash\n');
      expect(await read('HEAD:$(touch x)')).toBe('shell\n');
      expect(await read('--batch-all-objects')).toBeNull();
    });
  });

  test('a file over the limit is an error, and the answers after it stay in step', async () => {
    const folder = buildRepository([{ subject: 'one', files: { ...FILES, 'big.txt': 'x'.repeat(5000) } }]);
    await reading(
      folder,
      async (read) => {
        const [big, small] = await Promise.allSettled([read('HEAD:big.txt'), read('HEAD:a.txt')]);
        expect(big).toMatchObject({ status: 'rejected', reason: expect.any(DataError) });
        expect(small).toEqual({ status: 'fulfilled', value: 'first\n' });
      },
      { limit: 1000 },
    );
  });

  test('an ambiguous short id is an error', async () => {
    const files = Object.fromEntries(Array.from({ length: 80 }, (_, index) => [`${index}.txt`, `${index}\n`]));
    const folder = buildRepository([{ subject: 'one', files }]);
    const ids = git(folder, 'ls-tree', '--format=%(objectname)', 'HEAD').split('\n');
    const starts = ids.map((id) => id.slice(0, 4));
    const twice = starts.find((start, index) => starts.indexOf(start) !== index);
    await reading(folder, async (read) => {
      if (twice !== undefined) await expect(read(twice)).rejects.toThrow(/a name of several/);
      else expect(await read(ids[0] ?? '')).not.toBeNull();
    });
  });
});

describe('objects that are not there', () => {
  test('a blob that a damaged repository lacks is never a missing path', async () => {
    const folder = buildRepository([{ subject: 'one', files: FILES }]);
    const id = git(folder, 'rev-parse', 'HEAD:deep/er/b.txt');
    loseObject(folder, id);
    await reading(folder, async (read) => {
      await expect(read('HEAD:deep/er/b.txt')).rejects.toThrow(UnavailableError);
      await expect(read('HEAD:deep/er/b.txt')).rejects.toThrow(id);
      expect(await read('HEAD:a.txt')).toBe('first\n');
    });
  });

  test('a folder that a damaged repository lacks is never a missing path', async () => {
    const folder = buildRepository([{ subject: 'one', files: FILES }]);
    const id = git(folder, 'rev-parse', 'HEAD:deep/er');
    loseObject(folder, id);
    await reading(folder, async (read) => {
      await expect(read('HEAD:deep/er/b.txt')).rejects.toThrow(UnavailableError);
      await expect(read('HEAD:deep/er/other.txt')).rejects.toThrow(UnavailableError);
      expect(await read('HEAD:deep/x')).toBeNull();
    });
  });

  test('what a blobless clone lacks is fetched from where the caller says, else unavailable', async () => {
    const source = buildRepository([{ subject: 'one', files: FILES }]);
    const clone = bloblessClone(source);
    const fetch = (oid: string): Promise<void> => fetchObjects(openRepository(clone, env), source, [oid]);
    await reading(clone, async (read) => {
      expect(await read('HEAD:nothing')).toBeNull();
      await expect(read('HEAD:a.txt')).rejects.toThrow(UnavailableError);
    });
    await reading(clone, async (read) => expect(await read('HEAD:a.txt')).toBe('first\n'), { fetch });
    await reading(clone, async (read) => expect(await read('HEAD:a.txt')).toBe('first\n'));
  });

  test('a source that went away is unavailable', async () => {
    const source = buildRepository([{ subject: 'one', files: FILES }]);
    const clone = bloblessClone(source);
    rmSync(source, { recursive: true });
    const fetch = (oid: string): Promise<void> => fetchObjects(openRepository(clone, env), source, [oid]);
    await reading(clone, async (read) => expect(read('HEAD:a.txt')).rejects.toThrow(UnavailableError), { fetch });
  });

  test('a folder that is no repository, and a git that is not there, are known errors', async () => {
    const folder = temporaryFolder();
    expect(() => openRepository(folder, env)).toThrow(NoInputError);
    const gone = { gitDir: folder, path: folder, env };
    await expect(openBlobs(gone).read('HEAD:a')).rejects.toThrow(NoInputError);
    const blobs = openBlobs({ ...gone, env: { PATH: folder } });
    await expect(blobs.read('HEAD:a')).rejects.toThrow(/git cannot be run/);
  });
});

describe('the parser of answers', () => {
  const stream = Buffer.concat([
    Buffer.from(`${'a'.repeat(40)} blob 3\nx\ny\nsome name missing\n`),
    Buffer.from(`${'b'.repeat(40)} tree 0\n\nabc ambiguous\nHEAD:sub submodule\n${'c'.repeat(40)} blob 9\n123456789\n`),
    Buffer.from(`not an answer\n${'d'.repeat(64)} blob 1\nz\n`),
  ]);
  const parse = (size: number, limit?: number): readonly unknown[] => {
    const answers: Answer[] = [];
    const push = batchParser((answer) => answers.push(answer), limit);
    for (let at = 0; at < stream.length; at += size) push(stream.subarray(at, at + size));
    return answers.map((answer) => (answer.kind === 'object' ? { ...answer, bytes: answer.bytes.toString() } : answer));
  };

  test('gives the same answers whatever the chunks', () => {
    const whole = parse(stream.length);
    expect(whole.map((answer) => (answer as Answer).kind)).toEqual([
      'object',
      'missing',
      'object',
      'ambiguous',
      'submodule',
      'object',
      'damaged',
      'object',
    ]);
    for (let size = 1; size < 60; size += 1) expect(parse(size)).toEqual(whole);
  });

  test('passes over an object beyond the limit', () => {
    for (const size of [1, 7, stream.length])
      expect(parse(size, 4).map((answer) => (answer as Answer).kind)).toEqual([
        'object',
        'missing',
        'object',
        'ambiguous',
        'submodule',
        'large',
        'damaged',
        'object',
      ]);
  });
});
