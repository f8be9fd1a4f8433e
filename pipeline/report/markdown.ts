import { lineText, SHOWN_PLACES } from './places.ts';
import { countsText, coverageLines, type Item, type Section, type View } from './view.ts';

/** A text as Markdown that shows just that text: whatever could be markup, a mention or a link is escaped. */
export function escapeMarkdown(text: string): string {
  return (
    text
      .trim()
      .replace(/&/g, '&amp;')
      .replace(/</g, '&lt;')
      .replace(/[\\`*[|~]/g, '\\$&')
      // An underscore inside a word is no emphasis.
      .replace(/(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\_')
      .replace(/#(?=#*$)/g, '\\#')
      // A forge makes links and mentions of these whatever is escaped; an invisible break keeps them text.
      .replace(/#(?=\d)/g, '#\u200b')
      .replace(/(?<![A-Za-z0-9])@(?=[A-Za-z0-9])|@(?=[\w-]*\.)/g, '@\u200b')
      .replace(/:\/\//g, ':\u200b//')
      .replace(/www\./gi, (www) => `${www.slice(0, 3)}\u200b.`)
      .replace(/\b(GH-)(?=\d)/gi, '$1\u200b')
      .replace(/:(?=[a-z0-9_+-]+:)/gi, ':\u200b')
      // Between two of them a forge sees a formula, escaped or not.
      .replaceAll('$', '&#36;')
      .replace(/^(\d+)([.)])(?=\s|$)/, '$1\\$2')
      .replace(/^[-+=#>:]/, '\\$&')
  );
}

/**
 * Markdown that somebody else may have written, so that it only shows: no HTML and so no mark, no image, no mention, no
 * reference to an issue and no line that a bot takes for a command. Headings, lists, code and links stay.
 */
export const neutralMarkdown = (text: string): string =>
  text
    .replace(/<(?=[A-Za-z/!?])/g, '&lt;')
    .replace(/!\[/g, '!\u200b[')
    .replace(/#(?=\d)/g, '#\u200b')
    .replace(/(?<![A-Za-z0-9])@(?=[A-Za-z0-9])/g, '@\u200b')
    .replace(/\b(GH-)(?=\d)/gi, '$1\u200b')
    .replace(/^([ \t>*+-]{0,20})\/(?=[A-Za-z])/gm, '$1\u200b/');

/** A text inside the brackets of a link, which a bracket of its own would close. */
export const escapeLinkText = (text: string): string => escapeMarkdown(text).replaceAll(']', '\\]');

/** A text as a code span; backticks inside lengthen the fence. */
export function codeSpan(text: string): string {
  const longest = [...text.matchAll(/`+/g)].reduce((most, [run]) => Math.max(most, run.length), 0);
  const fence = '`'.repeat(longest + 1);
  const pad =
    text.startsWith('`') || text.endsWith('`') || (text.startsWith(' ') && text.endsWith(' ') && text.trim() !== '')
      ? ' '
      : '';
  return `${fence}${pad}${text === '' ? ' ' : text}${pad}${fence}`;
}

/** A sentence in which a quoted text holds runs of blanks, such as a text of CPUID: only as code are all of them shown. */
export const quotingMarkdown = (text: string): string =>
  text
    .split(/(“[^“”]* {2}[^“”]*”)/)
    .map((part, at) => {
      if (at % 2 === 1) return `“${codeSpan(part.slice(1, -1))}”`;
      const [lead = '', rest = ''] = [/^ */.exec(part)?.[0], / *$/.exec(part.trimStart())?.[0]];
      return `${lead}${escapeMarkdown(part)}${rest}`;
    })
    .join('');

/** A part of a document that is printed whole or not at all. */
export type Block = {
  readonly text: string;
  readonly items: number;
  /** Stays when others are cut: what could not be read is never left out for length. */
  readonly isKept?: true;
};

export function markdownBlocks(view: View): readonly Block[] {
  const [only] = view.sections;
  // A page of one review needs no second heading and no second count.
  const isPage = view.sections.length === 1 && only?.title === view.title;
  return [
    { text: `# ${escapeMarkdown(view.title)}\n${isPage ? '' : `\n${countsText(view.counts)}.\n`}`, items: 0 },
    ...view.sections.flatMap((section) => sectionBlocks(section, isPage)),
    {
      text: `## What was read\n\n${coverageLines(view.coverage)
        .map((line) => `- ${escapeMarkdown(line)}`)
        .join('\n')}\n`,
      items: 0,
      isKept: true,
    },
  ];
}

function sectionBlocks(section: Section, isPage: boolean): readonly Block[] {
  const head = `${isPage ? '' : `## ${escapeMarkdown(section.title)}\n\n`}${escapeMarkdown(section.summary)}. Reproduce: ${codeSpan(section.command)}\n`;
  const notes =
    section.notes.length === 0 ? '' : `\n${section.notes.map((note) => `- ${escapeMarkdown(note)}`).join('\n')}\n`;
  return [
    { text: `${head}${notes}`, items: 0 },
    ...section.items.map((item) => ({ text: itemMarkdown(item), items: 1 })),
  ];
}

function itemMarkdown(item: Item): string {
  const { finding } = item;
  const lines = [
    `### ${finding.level}${item.decided === null ? '' : ' (decided)'}: ${quotingMarkdown(item.headline)}`,
    '',
    ...(item.decided === null ? [] : [`*${escapeMarkdown(item.decided)}*`, '']),
    ...(item.places.length > SHOWN_PLACES
      ? [`Bits: ${item.places.map(lineText).map(escapeMarkdown).join('; ')}`, '']
      : []),
    escapeMarkdown(item.because),
    '',
    `**Do:** ${escapeMarkdown(item.todo)}`,
    '',
    `Rule ${codeSpan(finding.rule)}, fingerprint ${codeSpan(finding.fingerprint)}${item.evidence.length === 0 ? '' : `, evidence ${item.evidence.map(codeSpan).join(', ')}`}`,
  ];
  return `${lines.join('\n')}\n`;
}

export const markdown = (view: View): string =>
  markdownBlocks(view)
    .map(({ text }) => text)
    .join('\n');

/** What a GitHub comment takes, in characters, and a job summary, in bytes: 1 MiB, less what else the step says there. */
export const LIMITS = { comment: 65_536, summary: 1024 * 1024 - 4096 } as const;

/**
 * Blocks up to a limit, cut before the first that does not fit, with the number of findings that were left out and where
 * they are. The length counts bytes of UTF-8, which is at least the number of characters.
 */
export function cutBlocks(blocks: readonly Block[], limit: number, rest: string, noun = 'findings'): string {
  const whole = blocks.map(({ text }) => text).join('\n');
  if (Buffer.byteLength(whole) <= limit) return whole;
  const total = blocks.reduce((all, { items }) => all + items, 0);
  const kept = blocks.flatMap(({ text, isKept }) => (isKept === true ? [`\n${text}`] : [])).join('');
  const end = Buffer.byteLength(kept) <= limit / 2 ? kept : '';
  const tail = (shown: number): string => `\n${total - shown} of ${total} ${noun} are left out here: ${rest}\n${end}`;
  const room = limit - Buffer.byteLength(tail(0)) - 16;
  let text = '';
  let shown = 0;
  for (const block of blocks.filter(({ isKept }) => isKept !== true)) {
    const next = text === '' ? block.text : `${text}\n${block.text}`;
    if (Buffer.byteLength(next) > room) break;
    text = next;
    shown += block.items;
  }
  return `${text}${tail(shown)}`;
}
