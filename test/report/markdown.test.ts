import fc from 'fast-check';
import remarkGfm from 'remark-gfm';
import remarkParse from 'remark-parse';
import { unified } from 'unified';
import { describe, expect, it } from 'vitest';
import { plain } from '../../pipeline/model/text.ts';
import {
  codeSpan,
  cutBlocks,
  escapeMarkdown,
  LIMITS,
  markdown,
  markdownBlocks,
  neutralMarkdown,
} from '../../pipeline/report/markdown.ts';
import { pagesOf } from '../../pipeline/report/pages.ts';
import { viewOf } from '../../pipeline/report/view.ts';
import { reportOf } from './builder.ts';
import { HOSTILE, hostileText } from './hostile.ts';

type Nodes = { readonly type: string; readonly value?: string; readonly children?: readonly Nodes[] };
const parse = (text: string): Nodes => unified().use(remarkParse).use(remarkGfm).parse(text) as Nodes;
const children = (node: Nodes): readonly Nodes[] => node.children ?? [];
const shape = (node: Nodes): unknown => [
  node.type,
  ...children(node)
    .filter(({ type }) => type !== 'text')
    .map(shape),
];
const textIn = (node: Nodes): string => node.value ?? children(node).map(textIn).join('');
/** The invisible breaks that keep a forge from making links are no part of the text. */
const shown = (text: string): string => text.replaceAll('\u200b', '').replace(/\s+/g, ' ').trim();

describe('escapeMarkdown', () => {
  it.each(['paragraph', 'heading', 'listItem', 'tableCell'] as const)(
    'shows any text as that text in a %s',
    (where) => {
      const wrapped = {
        paragraph: (text: string) => `${text}\n`,
        heading: (text: string) => `### error: ${text}\n`,
        listItem: (text: string) => `- ${text}\n`,
        tableCell: (text: string) => `| a |\n|---|\n| ${text} |\n`,
      }[where];
      fc.assert(
        fc.property(hostileText, (raw) => {
          const text = plain(raw);
          const tree = parse(wrapped(escapeMarkdown(text)));
          const empty = shape(parse(wrapped('x')));
          if (shown(text) !== '') expect(shape(tree)).toEqual(empty);
          expect(shown(textIn(tree)).endsWith(shown(text))).toBe(true);
        }),
        { numRuns: 150, examples: HOSTILE.map((text): [string] => [text]) },
      );
    },
  );

  it('leaves the notation of the field readable in the source', () => {
    expect(escapeMarkdown('1.5.06: TDX_FEATURES0 bit 8 (local_attestation) -> 0x7, #VE')).toBe(
      '1.5.06: TDX_FEATURES0 bit 8 (local_attestation) -> 0x7, #VE',
    );
    expect(escapeMarkdown('7.1.EAX[19] WRMSRNS')).toBe('7.1.EAX\\[19] WRMSRNS');
    expect(escapeMarkdown('1. x')).toBe('1\\. x');
  });

  it('keeps mentions, references and addresses from becoming links', () => {
    expect(escapeMarkdown('ask @someone in #12')).toBe('ask @\u200bsomeone in #\u200b12');
    expect(escapeMarkdown('owner/name@0123abcd path')).toBe('owner/name@0123abcd path');
    expect(escapeMarkdown('http://x.example')).not.toContain('://');
  });
});

describe('codeSpan', () => {
  it('holds any text', () => {
    fc.assert(
      fc.property(hostileText, (raw) => {
        const text = plain(raw);
        if (text.trim() === '') return;
        const [paragraph] = children(parse(`x ${codeSpan(text)} y`));
        const spans = paragraph === undefined ? [] : children(paragraph).filter(({ type }) => type === 'inlineCode');
        expect(spans.map(textIn)).toEqual([text]);
      }),
      { examples: HOSTILE.map((text): [string] => [text]) },
    );
  });
});

describe('markdown', () => {
  it('has the same structure whatever the sources say', () => {
    const expected = shape(parse(markdown(viewOf(reportOf('x')))));
    fc.assert(
      fc.property(hostileText, (text) => {
        fc.pre(shown(plain(text)) !== '');
        expect(shape(parse(markdown(viewOf(reportOf(text)))))).toEqual(expected);
      }),
      { numRuns: 40, examples: HOSTILE.map((text): [string] => [text]) },
    );
  });
});

describe('cutBlocks', () => {
  const blocks = markdownBlocks(viewOf(reportOf('A sentence of a source. '.repeat(200))));

  it.each([LIMITS.comment, 20_000, 2_000])(
    'stays within %i bytes, keeps the head and counts what is left out',
    (limit) => {
      const text = cutBlocks(blocks, limit, 'see the whole report');
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(limit);
      const all = blocks.reduce((sum, { items }) => sum + items, 0);
      const out = Number(/(\d+) of \d+ findings are left out/.exec(text)?.[1]);
      expect(out).toBe(all - (text.match(/^### /gm) ?? []).length);
      expect(text.startsWith('# bitwatch')).toBe(true);
    },
  );

  it('keeps what could not be read', () => {
    const text = cutBlocks(markdownBlocks(viewOf(reportOf('9.9.99'))), 4_000, 'see the whole report');
    expect(text).toMatch(/findings are left out/);
    expect(text).toContain('Not read: release 9.9.99: 9.9.99.');
  });

  it('changes nothing that fits', () => {
    expect(cutBlocks(blocks, 1e9, 'x')).toBe(blocks.map(({ text }) => text).join('\n'));
  });
});

describe('pagesOf', () => {
  it('never gives two reviews one file', () => {
    const report = reportOf('x');
    const [review] = report.reviews;
    const ids = ['A b', 'a-b', 'a/b', 'index', 'summary', '../../etc'];
    const reviews = review === undefined ? [] : ids.map((id) => ({ ...review, id }));
    const names = pagesOf({ ...report, reviews }).map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[0-9a-z.-]+$/);
  });

  it('links each review from the index, whatever its title says', () => {
    const linksIn = (node: Nodes): readonly Nodes[] =>
      node.type === 'link' ? [node] : children(node).flatMap((child) => linksIn(child));
    fc.assert(
      fc.property(hostileText, (text) => {
        fc.pre(shown(plain(text)) !== '');
        const report = reportOf(text);
        const [index] = pagesOf(report);
        const links = linksIn(parse(index?.content ?? ''));
        expect(links.map((link) => shown(textIn(link)))).toEqual(
          viewOf(report).sections.map(({ title }) => shown(title)),
        );
      }),
      { numRuns: 40, examples: HOSTILE.map((text): [string] => [text]) },
    );
  });
});

describe('a text that somebody else wrote', () => {
  const typesOf = (node: Nodes): readonly string[] => [node.type, ...(node.children ?? []).flatMap(typesOf)];

  it('shows and does nothing: no HTML, image, mention, reference, mark or command of a bot', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const made = neutralMarkdown(text);
        const types = typesOf(parse(made));
        expect(types).not.toContain('html');
        expect(types).not.toContain('image');
        expect(types).not.toContain('imageReference');
        expect(made).not.toMatch(/(?<![A-Za-z0-9])@[A-Za-z0-9]|#\d|<!--|!\[|^[ \t>*+-]{0,20}\/[A-Za-z]/m);
      }),
      { examples: HOSTILE.map((text): [string] => [text]) },
    );
    expect(neutralMarkdown('/approve\n> /merge\n![a][b]\n<img src=x>')).toBe(
      '\u200b/approve\n> \u200b/merge\n!\u200b[a][b]\n&lt;img src=x>',
    );
  });

  it('keeps headings, lists, code, tables and links as they are', () => {
    const text = '# A\n\n- [x](https://x.example/y) `code`\n\n| a | b |\n|---|---|\n| 1 < 2 | c/d |\n';
    expect(neutralMarkdown(text)).toBe(text);
  });
});
