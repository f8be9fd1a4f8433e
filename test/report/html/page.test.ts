import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pageScript } from '../../../pipeline/cases/context.ts';
import { pageData } from '../../../pipeline/report/html/data.ts';
import { embeddedJson } from '../../../pipeline/report/html/embed.ts';
import { sourceOf } from '../../../pipeline/report/html/links.ts';
import { pack, unpack } from '../../../pipeline/report/html/pack.ts';
import { html } from '../../../pipeline/report/html/page.ts';
import { PALETTE } from '../../../pipeline/report/html/style.ts';
import { viewOf } from '../../../pipeline/report/view.ts';
import { pageFacts } from '../../helpers/page-facts.ts';
import { ROOT } from '../../helpers/run.ts';
import { reportOf } from '../builder.ts';
import { HOSTILE, hostileText } from '../hostile.ts';

const viewWith = (text: string) => viewOf(reportOf(text), `title ${text}`, pageFacts(text));
const partsOf = (page: string) => {
  const [, before = '', json = '', after = ''] =
    /^([\s\S]*<script type="application\/json" id="data">)([\s\S]*?)(<\/script>[\s\S]*)$/.exec(page) ?? [];
  return { before, json, after };
};

describe('the data of the page', () => {
  it('comes out as it went in, what is equal as one', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.bigInt({ min: 0n }),
        fc.array(tie('any')),
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          tie('any'),
        ),
        fc.array(fc.tuple(fc.oneof(fc.string(), fc.integer()), tie('any'))).map((pairs) => new Map(pairs)),
      ),
    })).any;
    fc.assert(
      fc.property(value, (each) => {
        expect(unpack(JSON.parse(JSON.stringify(pack(each))))).toEqual(each);
      }),
    );
    const [a, b] = unpack(pack([{ x: [1, 2n] }, { x: [1, 2n] }])) as readonly unknown[];
    expect(a).toBe(b);
    expect(() => pack(() => 1)).toThrow('cannot be packed');
  });

  it('holds the findings of the run with all their places', () => {
    const { sections } = pageData(viewWith('x'), pageFacts('x'));
    const findings = sections.flatMap((section) => section.findings);
    expect(findings.length).toBeGreaterThan(10);
    for (const { places } of findings) expect(places).toHaveLength(3);
  });

  it('maps every release under every KVM version', () => {
    const { map } = pageData(viewWith('x'), pageFacts('x'));
    expect(map.map((row) => row.map(({ state, tally }) => `${state} ${tally.decide}`))).toEqual([
      ['unknown 0', 'unknown 0'],
      ['clobber 2', 'decide 2'],
      ['clobber 0', 'unknown 0'],
    ]);
  });

  it('is the same twice', () => {
    expect(html(viewWith('x'))).toBe(html(viewWith('x')));
  });
});

describe('a link to evidence', () => {
  const web = new Map([
    ['a/b', 'https://github.com/a/b'],
    ['k', 'https://git.kernel.org/pub/linux.git'],
    ['p', '/srv/clone'],
  ]);
  const at = { revision: 'b'.repeat(40), path: 'dir/file name.c' };

  it('stands where the repository’s address and the full commit are known', () => {
    expect(sourceOf(web, { ...at, repository: 'a/b' })).toEqual({
      text: 'a/b@bbbbbbbbbbbb dir/file name.c',
      url: `https://github.com/a/b/blob/${'b'.repeat(40)}/dir/file%20name.c`,
      lineMark: '#L',
    });
    expect(sourceOf(web, { ...at, repository: 'k' }).url).toBe(
      `https://git.kernel.org/pub/linux.git/tree/dir/file%20name.c?id=${'b'.repeat(40)}`,
    );
  });

  it('is left out where it would be a guess', () => {
    for (const source of [
      { ...at, repository: 'c/d' },
      { ...at, repository: 'p' },
      { ...at, repository: 'a/b', revision: 'main' },
      { ...at, repository: 'a/b', path: '../../x' },
    ])
      expect(sourceOf(web, source).url).toBe('');
  });
});

describe('the page', () => {
  it('runs exactly its own script and style and asks for nothing', () => {
    const page = html(viewWith('x'));
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    const script = /<script>([\s\S]*)<\/script>/.exec(page)?.[1] ?? '';
    const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? '';
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      `script-src ${hash(script)}`,
      `style-src ${hash(style)}`,
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
    ]);
    expect(page).not.toMatch(/\bsrc=|@import|url\(|\son\w+=|style="/);
  });

  it('keeps its markup whatever the texts of the sources are', () => {
    const skeleton = ({ before, after }: ReturnType<typeof partsOf>): string =>
      `${before}${after}`.replace(/<title>[^<]*<\/title>/, '<title>').replace(/<h1>.*<\/h1>/, '<h1>');
    const expected = skeleton(partsOf(html(viewWith('x'))));
    const same = (text: string): void => {
      const parts = partsOf(html(viewWith(text)));
      expect(skeleton(parts) === expected).toBe(true);
      expect(parts.json).toMatch(/^[ -;=?-~]*$/);
      expect(parts.json).not.toContain('&');
    };
    for (const text of HOSTILE) same(text);
    fc.assert(fc.property(hostileText, same), { numRuns: 25 });
  });

  it('is its text and runs nothing where a run has no bits to show', () => {
    const page = html(viewOf(reportOf('<b>x</b>')));
    expect(page).not.toMatch(/<script|script-src|<b>/);
    expect(page).toContain('&lt;b&gt;x&lt;/b&gt;');
  });

  it('escapes what could end its data', () => {
    const value = { a: '</script><!--<script>&\u2028\u2029\u202e😀' };
    expect(embeddedJson(value)).toMatch(/^[ -~]*$/);
    expect(embeddedJson(value)).not.toMatch(/[<>&]/);
    expect(JSON.parse(embeddedJson(value))).toEqual(value);
  });
});

describe('the page’s script', () => {
  const script = pageScript({ home: ROOT });

  it('is the same each time that it is bundled', () => {
    execFileSync('npm', ['run', '--silent', 'bundle'], { cwd: ROOT });
    expect(pageScript({ home: ROOT })).toBe(script);
  });

  it('asks for nothing of Node or of another file', () => {
    expect(script).not.toMatch(/\b(?:require|import)\s*\(|^import |\bprocess\.|node:/m);
  });

  it('makes no markup from text', () => {
    expect(script).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|<\/script/,
    );
  });
});

describe('the palette', () => {
  const [light = '', dark = ''] = [...PALETTE.matchAll(/:root \{([^}]*--page[^}]*)\}/g)].map(([, block]) => block);
  const channel = (value: number): number => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (colour: string): number => {
    const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => channel(Number.parseInt(colour.slice(at, at + 2), 16) / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a: string, b: string): number => {
    const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high + 0.05) / (low + 0.05);
  };

  it.each([
    ['light', light],
    ['dark', dark],
  ])('gives every text at least 4.5 to 1, %s', (_, block) => {
    const colours = new Map(
      [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name = '', hex = '']) => [name, hex]),
    );
    const pairs = [...colours.keys()].flatMap((name) => (name.endsWith('-text') ? [[name, name.slice(0, -5)]] : []));
    const others = ['text', 'soft', 'link', 'error', 'warning'].flatMap((name) => [
      [name, 'page'],
      [name, 'panel'],
    ]);
    expect(pairs.length).toBeGreaterThan(8);
    for (const [text = '', ground = ''] of [...pairs, ...others])
      expect(
        contrast(colours.get(text) ?? '', colours.get(ground) ?? ''),
        `${text} on ${ground}`,
      ).toBeGreaterThanOrEqual(4.5);
  });
});
