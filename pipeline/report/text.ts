import { lineText, SHOWN_PLACES } from './places.ts';
import { countsText, coverageLines, type Item, type Section, type View } from './view.ts';
import { wrap } from './wrap.ts';

/** The report as plain text of at most 72 columns. */
export function text(view: View): string {
  const lines = [...wrap(view.title), ...wrap(`${countsText(view.counts)}.`), ''];
  for (const section of view.sections) lines.push(...sectionLines(section));
  lines.push('What was read', '-'.repeat(13), ...coverageLines(view.coverage).flatMap((line) => wrap(line, '* ')), '');
  return `${lines.join('\n').trimEnd()}\n`;
}

function sectionLines(section: Section): readonly string[] {
  const title = wrap(section.title);
  return [
    ...title,
    '-'.repeat(Math.max(...title.map((line) => line.length))),
    ...wrap(`${section.summary}.`),
    ...wrap(section.command, 'reproduce:  '),
    ...section.notes.flatMap((note) => wrap(note, '* ')),
    '',
    ...section.items.flatMap((item) => [...itemLines(item), '']),
  ];
}

/** One finding with aligned labels. */
export function itemLines(item: Item): readonly string[] {
  const { finding } = item;
  return [
    ...wrap(item.headline, `${finding.level.padEnd(9)} `),
    ...(item.decided === null ? [] : wrap(item.decided.replace(/^decided /, ''), '  decided:  ')),
    ...(item.places.length > SHOWN_PLACES ? item.places.flatMap((line) => wrap(lineText(line), '  bits:     ')) : []),
    ...wrap(item.because, '  why:      '),
    ...wrap(item.todo, '  do:       '),
    ...item.evidence.flatMap((line) => wrap(line, '  evidence: ')),
    ...wrap(`${finding.rule} ${finding.fingerprint}`, '  rule:     '),
  ];
}
