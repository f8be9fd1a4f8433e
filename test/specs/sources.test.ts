import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { DataError } from '../../pipeline/model/errors.ts';
import { NO_CACHE, readPlain } from '../../pipeline/specs/plain.ts';
import { checkSources, type PlainSources } from '../../pipeline/specs/sources-shape.ts';
import { ROOT } from '../helpers/run.ts';

const read = (text: string): Promise<PlainSources> =>
  readPlain('sources', 'sources.yaml', text, NO_CACHE, async () => checkSources);
const source = (fields: Readonly<Record<string, unknown>>): string =>
  `sources:\n  - ${JSON.stringify({ name: 'x', kind: 'module', url: '/x', repository: 'a/x', licence: 'MIT', ...fields })}\n`;

test('the sources of the project are valid, of public https, and post to no list', async () => {
  const { sources, lists } = await read(readFileSync(join(ROOT, 'specs', 'sources.yaml'), 'utf8'));
  expect(sources.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['module', 'binaries', 'kernel']));
  for (const { url } of sources) expect(url).toMatch(/^https:\/\//);
  expect(lists.filter(({ optIn }) => optIn)).toEqual([]);
});

test.each(['https://example.org/x', '/a b/c', './x', '../x', 'file:///x'])('%s is a URL', async (url) => {
  expect((await read(source({ url }))).sources[0]?.url).toBe(url);
});

test.each([
  'ext::sh -c true',
  'ssh://example.org/x',
  'git@example.org:x',
  'git://example.org/x',
  'http://example.org/x',
  '--upload-pack=x',
  '-x',
  'x',
  'https://user:secret@example.org/x',
  'file://host\n/x',
  '',
])('%j is no URL', async (url) => {
  await expect(read(source({ url }))).rejects.toThrow(DataError);
});

test.each(['seam/libtdx.bin', 'a.BLOB', 'x/y.sigstruct', '*', '*.b*', 'dir/**', '../x', '-x', 'x/[a-z]', ':(glob)x'])(
  'a source with the path %j is refused: it could match a module binary',
  async (path) => {
    await expect(read(source({ paths: ['README.md', path] }))).rejects.toThrow(DataError);
  },
);

test.each(['../x', 'a/b', '.git', '-x', 'A', ''])('%j is no name', async (name) => {
  await expect(read(source({ name }))).rejects.toThrow(DataError);
});

test('an error has its line and its path', async () => {
  await expect(read(`${source({})}  - {name: y, kind: other}\n`)).rejects.toThrow(
    /^sources\.yaml:3:\d+: sources\[1\]\.kind: expected /,
  );
  await expect(read(`${source({})}  - ${JSON.stringify({ name: 'x' })}\n`)).rejects.toThrow(DataError);
  await expect(read('sources: {')).rejects.toThrow(/^sources\.yaml:1:/);
});

test('two sources of one name are refused', async () => {
  await expect(read(`${source({})}${source({}).split('\n')[1]}\n`)).rejects.toThrow(/name of its own/);
});

test.each([
  [{ since: '6.16' }, '6.16'],
  // As files of an older program say it.
  ['v6.16 and later', '6.16'],
  ['v10.1.0 and later', '10.1.0'],
])('tags of %j begin with %s', async (tags, since) => {
  expect((await read(source({ tags }))).sources[0]?.tags).toEqual({ since });
});

test.each(['v6.16', 'all', { since: 6.16 }, { since: 'v6.16' }, {}])('tags of %j are refused', async (tags) => {
  await expect(read(source({ tags }))).rejects.toThrow(DataError);
});
