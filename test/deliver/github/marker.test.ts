import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { timeOf } from '../../../pipeline/deliver/github/answer.ts';
import { itemOfDraft } from '../../../pipeline/deliver/github/item.ts';
import { contentHash, markerLine, readMarker } from '../../../pipeline/deliver/github/marker.ts';
import { mayWrite, parseTarget } from '../../../pipeline/deliver/github/target.ts';
import { plain } from '../../../pipeline/model/text.ts';
import { markdown } from '../../../pipeline/report/markdown.ts';
import { draftOfMarkdown, draftOfView } from '../../../pipeline/report/posting.ts';
import { viewOf } from '../../../pipeline/report/view.ts';
import { reportOf } from '../../report/builder.ts';
import { HOSTILE, hostileText } from '../../report/hostile.ts';

const hash = contentHash('t', 'x');
const placeOf = (link: string | null) => ({ link, workflow: '' });
const forged = markerLine({ kind: 'release', key: 'forged', hash });

describe('a marker', () => {
  it('holds any key and nothing that ends it', () => {
    fc.assert(
      fc.property(hostileText, (raw) => {
        const key = plain(raw);
        const line = markerLine({ kind: 'release', key, hash });
        expect(line).toMatch(/^<!-- bitwatch:release=[A-Za-z0-9._%]* sha256=[0-9a-f]{64} check=[0-9a-f]{32} -->$/);
        expect(readMarker(`${line}\nbody`)).toEqual({ kind: 'release', key, hash });
      }),
      { examples: [...HOSTILE, '-->', '--', '1.5 Beta'].map((text): [string] => [text]) },
    );
  });

  it('is read from any body or not at all', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const mark = readMarker(text);
        if (mark !== null) expect(text).toContain(markerLine(mark));
      }),
      { examples: [[`x ${forged}`], [forged.replace('forged', '%ZZ')], [forged.replace('forged', '%2d')]] },
    );
    expect(readMarker(`x ${forged}`)).toBeNull();
    expect(readMarker(forged.replace('forged', '%FF'))).toBeNull();
    expect(readMarker(`${forged}\r\nedited in a browser`)?.key).toBe('forged');
  });

  it('is our own in every body, whatever the sources say', () => {
    // In any line but the first, after a blank or of another workflow it is somebody's quotation.
    expect(readMarker(`\n${forged}`)).toBeNull();
    expect(readMarker(`a comment\n${forged}\n`)).toBeNull();
    expect(readMarker(` ${forged}`)).toBeNull();
    expect(readMarker(forged.replace(/ check=\w+/, ''))).toBeNull();
    expect(readMarker(forged.replace(/check=./, (text) => (text === 'check=0' ? 'check=1' : 'check=0')))).toBeNull();
    expect(readMarker(forged.replace('forged', 'another'))).toBeNull();
    const other = markerLine({ kind: 'release', key: 'x', hash }, 'o/r/.github/workflows/other.yml');
    expect(readMarker(other, 'o/r/.github/workflows/watch.yml')).toBeNull();
    expect(readMarker(other, 'o/r/.github/workflows/other.yml')?.key).toBe('x');
    for (const text of [forged, `a\n${forged}\nb`, `\`\n${forged}`]) {
      const { body } = itemOfDraft('release', 'x', draftOfView(viewOf(reportOf(text))), placeOf(null));
      expect(body.split('\n').filter((line) => readMarker(line) !== null)).toEqual([body.split('\n')[0]]);
      expect(readMarker(body)?.key).toBe('x');
      const file = itemOfDraft('review', '7', draftOfMarkdown('t', `${forged}\n${text}`), placeOf(null));
      expect(readMarker(file.body)?.key).toBe('7');
    }
  });
});

describe('a body', () => {
  const LINK = 'https://example.org/run/1';
  const long = draftOfView(viewOf(reportOf('A long sentence. \u{1f980}'.repeat(40))));

  it('stays below what a comment takes, ends with a whole part and links to the rest', () => {
    const { body } = itemOfDraft('release', 'x', long, placeOf(LINK));
    expect(Buffer.byteLength(body)).toBeLessThanOrEqual(65_536);
    expect(body).toContain(`findings are left out here: [see the whole report](<${LINK}>)`);
    const shown = body.match(/^### /gm)?.length ?? 0;
    expect(shown).toBeGreaterThan(3);
    // Each part that is shown ends as it does in the whole text.
    const [before = ''] = body.split(/^\d+ of \d+ findings are left out/m);
    expect(long.blocks.map(({ text }) => text.trim()).some((text) => before.trim().endsWith(text))).toBe(true);
  });

  it('has one hash whatever the link is, and another for another text', () => {
    const [a, b] = [LINK, null].map((link) => itemOfDraft('release', 'x', long, placeOf(link)).hash);
    expect(a).toBe(b);
    expect(itemOfDraft('release', 'x', draftOfView(viewOf(reportOf('x'))), placeOf(null)).hash).not.toBe(a);
  });

  it('of a file is cut at the same parts as the view it was printed from', () => {
    const view = viewOf(reportOf('A long sentence. '.repeat(90)));
    const fromFile = itemOfDraft(
      'release',
      'x',
      { ...draftOfMarkdown('t', markdown(view)), title: 't' },
      placeOf(LINK),
    ).body;
    const fromView = itemOfDraft('release', 'x', { ...draftOfView(view), title: 't' }, placeOf(LINK)).body;
    expect(fromFile.split('\n').slice(1)).toEqual(fromView.split('\n').slice(1));
  });
});

test('the forge’s clock is read, and nothing else as it', () => {
  expect(timeOf({ date: 'Sat, 21 Nov 2026 10:06:36 GMT' })).toBe('2026-11-21T10:06:36Z');
  for (const date of ['', '2026-11-21', 'Sat, 21 Foo 2026 10:06:36 GMT']) expect(timeOf({ date })).toBeNull();
});

test('a repository is OWNER/NAME and nothing that leads elsewhere', () => {
  expect(parseTarget('some-owner/a.b_c-d')).toEqual({ owner: 'some-owner', repo: 'a.b_c-d' });
  for (const text of ['x', 'a/b/c', '../x', 'a/..', 'a/.', '-a/b', 'a b/c', 'a/b?x', 'a/b#c', 'https://x/y', ''])
    expect(() => parseTarget(text)).toThrow(/OWNER\/NAME/);
});

test('a run writes only where the file or the workflow’s own repository says so; a no in the file wins', () => {
  const target = { owner: 'Some', repo: 'Watch' };
  const own = { GITHUB_ACTIONS: 'true', GITHUB_REPOSITORY: 'some/watch' };
  const entry = (optIn: boolean) => [{ repository: 'some/watch', optIn }];
  expect(mayWrite(target, [], {})).toBe(false);
  expect(mayWrite(target, entry(true), {})).toBe(true);
  expect(mayWrite(target, [], own)).toBe(true);
  expect(mayWrite(target, entry(false), own)).toBe(false);
  expect(mayWrite(target, [...entry(true), ...entry(false)], own)).toBe(false);
  expect(mayWrite(target, [], { GITHUB_REPOSITORY: 'some/watch' })).toBe(false);
  expect(mayWrite(target, [], { ...own, GITHUB_REPOSITORY: 'other/watch' })).toBe(false);
});
