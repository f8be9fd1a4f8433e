import type { Briefing, BriefingPart } from './briefing.ts';
import { codeSpan, escapeMarkdown, quotingMarkdown } from './markdown.ts';
import type { PlaceLine } from './places.ts';
import { COLUMNS, wrap } from './wrap.ts';

/** A briefing is one screen. */
const MAX_LINES = 40;

/** At most 40 lines of 72 columns: where there is more, the longest parts are cut and say so. */
export function briefingText(briefing: Briefing): string {
  let most = 12;
  let lines = linesOf(briefing, most);
  while (lines.length > MAX_LINES && most > 1) {
    most -= 1;
    lines = linesOf(briefing, most);
  }
  return `${lines.join('\n')}\n`;
}

function linesOf(briefing: Briefing, most: number): readonly string[] {
  const { title, facts, counts, parts, unread, skipped, command } = briefing;
  return [
    ...wrap(title),
    '',
    ...facts.flatMap(([label, text]) => cut(wrap(text, `  ${label.padEnd(12)}`), Math.max(2, most))),
    ...wrap(counts, '  '),
    ...parts.flatMap((part, at) => partLines(part, at + 1, most)),
    '',
    ...(unread === '' ? [] : wrap(`not read: ${unread} ${unread.includes(',') ? 'lie' : 'lies'} between`)),
    ...skipped.flatMap((what) => wrap(what, 'not read: ')),
    ...wrap(`more: ${command} --verbose`),
  ];
}

/** The first lines of a part, and how many more there are. */
const cut = (lines: readonly string[], most: number): readonly string[] =>
  lines.length <= most ? lines : [...lines.slice(0, most - 1), `     … and ${lines.length - most + 1} more lines`];

function partLines({ title, places, sentences }: BriefingPart, number: number, most: number): readonly string[] {
  const width = Math.max(0, ...places.map(({ where }) => where.length));
  const rows = places.flatMap((place) => rowLines(place, Math.min(width, 24)));
  const said = [...new Set(sentences)].flatMap((sentence) => wrap(sentence, '   '));
  // Information that needs no action is one sentence: it stands behind its title.
  const [only] = sentences;
  if (places.length === 0 && sentences.length === 1 && only !== undefined)
    return cut(wrap(only, `${number}. ${title}: `, '   '), most + 1);
  return [...wrap(title, `${number}. `), ...cut(rows, most), ...cut(said, most)];
}

/** `  7.1.EAX   0x00000008  RAO-INT[3]`: names go on in their own column. */
function rowLines({ where, mask, names }: PlaceLine, width: number): readonly string[] {
  const head = `     ${where.padEnd(width)}  ${mask}`;
  return names === '' ? [head] : wrap(names, `${head}  `, ' '.repeat(Math.min(head.length + 2, COLUMNS / 2)));
}

/** The same as Markdown. */
export function briefingMarkdown({ title, facts, counts, parts, unread, skipped, command }: Briefing): string {
  const lines = [
    `# ${escapeMarkdown(title)}`,
    '',
    ...facts.map(([label, text]) => `- **${escapeMarkdown(label)}**: ${escapeMarkdown(text)}`),
    `- ${escapeMarkdown(counts)}`,
    ...parts.flatMap((part) => [
      '',
      `## ${escapeMarkdown(part.title)}`,
      '',
      ...part.places.map(
        ({ where, mask, names }) =>
          `- ${codeSpan(where)} ${codeSpan(mask)}${names === '' ? '' : ` ${escapeMarkdown(names)}`}`,
      ),
      ...[...new Set(part.sentences)].map((sentence) => `- ${quotingMarkdown(sentence)}`),
    ]),
    '',
    ...(unread === '' ? [] : [`Not read: ${escapeMarkdown(unread)}.`, '']),
    ...skipped.flatMap((what) => [`Not read: ${escapeMarkdown(what)}.`, '']),
    `More: ${codeSpan(`${command} --verbose`)}`,
  ];
  return `${lines.join('\n')}\n`;
}
