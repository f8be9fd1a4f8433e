import { plain } from '../model/text.ts';
import { type Block, cutBlocks, escapeLinkText, markdownBlocks } from './markdown.ts';
import type { View } from './view.ts';

/** A text for a forge before it is cut to what fits: whole parts, and what a part is called. */
export type Draft = { readonly title: string; readonly blocks: readonly Block[]; readonly noun: string };

/** GitHub's limit of a title, in characters. */
const TITLE = 256;

/** A review for an issue: the same view as every other format, the title as a text that neither pings nor links. */
export const draftOfView = (view: View): Draft => ({
  title: titleText(view.title),
  blocks: markdownBlocks(view),
  noun: 'findings',
});

/** A title has code spans, emoji and mentions, and no escapes for them: an invisible break keeps each as text. */
export function titleText(text: string): string {
  const shown = plain(text)
    .replaceAll('`', '\u02cb')
    .replace(/@(?=[\w-])/g, '@\u200b')
    .replace(/#(?=\d)/g, '#\u200b')
    .replace(/\b(GH-)(?=\d)/gi, '$1\u200b')
    .replace(/:(?=[\w+-]+:)/g, ':\u200b');
  const letters = [...shown];
  return letters.length <= TITLE / 2 ? shown : `${letters.slice(0, TITLE / 2 - 1).join('')}…`;
}

/** A finished Markdown text in parts: at headings to the third level, else at blank lines, never inside a code fence. */
export function draftOfMarkdown(title: string, markdown: string): Draft {
  const lines = markdown.replaceAll('\r\n', '\n').split('\n');
  const isOpen = insideFence(lines);
  const levels = lines.map((line, index) => (isOpen[index] === true ? 0 : (/^(#{1,3}) /.exec(line)?.[1]?.length ?? 0)));
  // Not all at once: a call takes no 200,000 arguments.
  const deepest = levels.reduce((most, level) => Math.max(most, level), 0);
  const isStart = (index: number): boolean =>
    deepest > 0 ? (levels[index] ?? 0) > 0 : isOpen[index] !== true && lines[index - 1] === '' && lines[index] !== '';
  const starts = [0, ...[...lines.keys()].filter((index) => index > 0 && isStart(index))];
  const blocks = starts.map((start, index): Block => {
    const text = lines.slice(start, starts[index + 1]).join('\n');
    // What could not be read is never left out for length.
    if (/^## What was read$/m.test(lines[start] ?? '')) return { text, items: 0, isKept: true };
    return { text, items: deepest === 0 || levels[start] === deepest ? 1 : 0 };
  });
  return { title: titleText(title), blocks, noun: deepest === 3 ? 'findings' : 'parts' };
}

/** For each line, whether it stands inside a fenced block (CommonMark 4.5). */
function insideFence(lines: readonly string[]): readonly boolean[] {
  let fence: string | null = null;
  return lines.map((line) => {
    const [, run = ''] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? [];
    if (fence === null) {
      if (run !== '') fence = run;
      return false;
    }
    const closes = run !== '' && run.startsWith(fence) && line.trim() === run;
    if (closes) fence = null;
    return true;
  });
}

/** All of a draft, for a hash that tells whether anything changed. */
export const wholeText = ({ blocks }: Draft): string => blocks.map(({ text }) => text).join('\n');

/** A draft cut at the end of a part to so many bytes, with a link to the rest where there is one. */
export function draftText({ blocks, noun }: Draft, limit: number, link: string | null): string {
  const rest = link === null ? 'see the whole report' : `[see the whole report](<${link}>)`;
  return cutBlocks(blocks, limit, rest, noun);
}

/** What a change of the specifications brings: the findings that are new, then those that are no longer there. */
export function draftOfChange(fresh: View, gone: readonly string[]): Draft {
  const [head, ...rest] = markdownBlocks(fresh);
  const block: readonly Block[] =
    gone.length === 0
      ? []
      : [
          { text: `## No longer reported (${gone.length})\n`, items: 0 },
          ...gone.map((headline) => ({ text: `- ${escapeLinkText(headline)}\n`, items: 1 })),
        ];
  return {
    title: titleText(fresh.title),
    blocks: head === undefined ? block : [head, ...rest, ...block],
    noun: 'findings',
  };
}
