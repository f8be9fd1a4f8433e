import type { Finding } from '../model/finding.ts';
import { lineText, SHOWN_PLACES } from './places.ts';
import { countsText, coverageLines, everyCountText, type Item, type Section, type View } from './view.ts';
import { wrap } from './wrap.ts';

/** The report as plain text of at most 72 columns. */
export function text(view: View): string {
  const lines = [...wrap(view.title), ...wrap(`${countsText(view.counts)}.`), ''];
  for (const section of view.sections) lines.push(...sectionLines(section));
  lines.push('What was read', '-'.repeat(13), ...coverageLines(view.coverage).flatMap((line) => wrap(line, '* ')), '');
  return `${lines.join('\n').trimEnd()}\n`;
}

/** Of a report only the findings that a gate fails on; of the others their number, and what was not read. */
export function checkText(
  { title, sections, counts, coverage }: View,
  isFailing: (finding: Finding) => boolean,
): string {
  const failing = sections.flatMap(({ title: review, command, items }) => {
    const own = items.filter(({ finding }) => isFailing(finding));
    return own.length === 0 ? [] : [{ review, command, items: own }];
  });
  const isAll = sections.every(({ items }) => items.every(({ finding }) => isFailing(finding)));
  // Of one release: what it has from the one before is no finding, fails nothing, and is open all the same.
  const [only, ...others] = sections;
  const standing = others.length > 0 ? [] : (only?.briefing?.facts ?? []).filter(([label]) => label === 'undecided');
  const lines = [
    ...wrap(title),
    '',
    ...failing.flatMap(({ review, command, items }) => [
      ...underlined(review),
      ...wrap(command, 'reproduce:  '),
      '',
      ...items.flatMap((item) => [...itemLines(item), '']),
    ]),
    ...wrap(`${everyCountText(counts)}${isAll ? '' : '; --verbose prints them'}`),
    ...standing.flatMap(([, text]) => wrap(`${text}; it counts for no level`, 'undecided: ')),
    ...(coverage.unread.length === 0
      ? []
      : wrap(coverage.unread.map(({ release }) => release).join(', '), 'releases not read: ')),
  ];
  return `${lines.join('\n')}\n`;
}

function underlined(title: string): readonly string[] {
  const lines = wrap(title);
  return [...lines, '-'.repeat(Math.max(...lines.map((line) => line.length)))];
}

function sectionLines(section: Section): readonly string[] {
  return [
    ...underlined(section.title),
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
