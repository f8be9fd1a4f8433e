import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { mailText, makeInbox } from '../archive/inbox.ts';
import { temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';
import { emptySpecs, smallSpecs } from '../helpers/specs.ts';

const read = (path: string): string => readFileSync(path, 'utf8');

describe('a file of --out holds what standard output would', () => {
  test.each([
    'bits 2.0.18 --kvm 7.1.5',
    'bits 2.0.18 --kvm 7.1.5 --masks',
    'diff 2.0.16 2.0.18',
    'explain 7.1.EAX[3]',
    'explain WAITPKG --module 1.5.06 --kvm 7.1.5',
    'explain exposed-unreviewed',
    'history 7.1.EAX',
    'list kernels',
    'list releases',
    'list rules',
    'publish releases --repository a/b --since 2.0.16 --offline',
    'stack --module 2.0.18 --kvm 7.1.5',
    'status --kvm 7.1.5',
    'td 1.5.06 --status 0xc000010000000045',
    'update 1.5.13 1.5.16',
  ])('%s', async (line) => {
    const args = line.split(' ');
    const folder = temporaryFolder();
    const [json, text] = [join(folder, 'a.json'), join(folder, 'a.txt')];
    expect(await bitwatch([...args, '--out', `json=${json}`, '--out', `text=${text}`])).toEqual({
      status: 0,
      stdout: '',
      stderr: '',
    });
    expect(read(json)).toBe((await bitwatch([...args, '--json'])).stdout);
    expect(read(text)).toBe((await bitwatch(args)).stdout);
    expect((await bitwatch([...args, '--out', `text=${text}`, '--json'])).stdout).toBe(read(json));
  });
});

describe('what a command does not write is refused before any work', () => {
  test.each([
    ['bits 2.0.18 --out sarif=F', '--out: no format "sarif"; formats: text, json'],
    ['list releases --out markdown=F', '--out: no format "markdown"; formats: text, json'],
    ['decide exposed-unreviewed --out markdown=F', '--out: no format "markdown"; formats: text, json'],
    ['extract names . --json', "unknown option '--json'"],
    ['cache --json', "unknown option '--json'"],
    ['archive scan . --shard 3/2 --part part.json', '--shard: expected I/N with I up to N, such as 1/4, found "3/2"'],
    ['completion bash --out text=F', "unknown option '--out'"],
    ['review 2.0.18 --json --out text=-', '--json and --out text=- both go to standard output; name a file'],
    ['review 2.0.18 --suggest . --json', 'review --suggest prints a patch: leave out --json and --out'],
    ['report --since 2.0.16 --json', 'report --since prints Markdown: leave out --json'],
    ['td 1.5.06 --batch - --out json=F', 'td --batch answers on standard output: leave out --out'],
  ])('%s', async (line, message) => {
    const file = join(temporaryFolder(), 'file');
    const { status, stdout, stderr } = await bitwatch(line.replace('=F', `=${file}`).split(' '));
    expect({ status, stdout, stderr }).toEqual({ status: 64, stdout: '', stderr: `bitwatch: ${message}\n` });
    expect(existsSync(file)).toBe(false);
  });
});

test('a changelog goes to a file of --out too', async () => {
  const file = join(temporaryFolder(), 'changes.md');
  expect(await bitwatch(['report', '--since', '2.0.16', '--out', `markdown=${file}`])).toMatchObject({ stdout: '' });
  expect(read(file)).toBe((await bitwatch(['report', '--since', '2.0.16'])).stdout);
});

test('what a command did goes to the files too, and it does it once', async () => {
  const folder = temporaryFolder();
  const [json, text] = [join(folder, 'a.json'), join(folder, 'a.txt')];
  const both = ['--out', `json=${json}`, '--out', `text=${text}`];
  const told = async (args: readonly string[]): Promise<readonly [unknown, string]> => {
    expect(await bitwatch([...args, ...both])).toEqual({ status: 0, stdout: '', stderr: '' });
    return [JSON.parse(read(json)), read(text)];
  };
  const specs = smallSpecs(join(folder, 'specs'), { releases: ['1.5.06', '2.0.08'], kernels: ['6.16.1'] });
  const decide = ['decide', 'exposed-unreviewed', '--because', 'b', '--by', 'A. Name', '--specs', specs];
  const file = join(specs, 'decisions.yaml');
  expect(await told(decide)).toEqual([
    { schema: 'bitwatch.decided/1', decided: ['exposed-unreviewed'], removed: [] },
    `decided exposed-unreviewed in ${file}\n`,
  ]);
  expect(read(file).match(/because/g)).toHaveLength(1);
  const inbox = makeInbox(folder, 'inbox', [{ mail: mailText('1@x', '[PATCH 1/2] x86/tdx: one') }]);
  expect(await told(['archive', 'scan', inbox, '--state', join(folder, 'state.json')])).toEqual([
    expect.objectContaining({ new: true, mails: 1 }),
    expect.stringMatching(/^read what is new\n1 mails in 1 threads/),
  ]);
  const empty = emptySpecs(join(folder, 'empty'));
  writeFileSync(join(empty, 'sources.yaml'), 'sources: []\n');
  expect(await told(['sync', '--specs', empty, '--cache', join(folder, 'cache')])).toEqual([
    { schema: 'bitwatch.sync/1', sources: [] },
    '',
  ]);
});
