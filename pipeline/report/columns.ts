import { COLUMNS, wrap } from './wrap.ts';

const GAP = '  ';
/** The narrowest that a last cell may get before it stands below its row. */
const NARROW = 16;

/**
 * Rows as aligned columns within 72: a head, then a line per row. A first cell that is too long gives its first word to the row and
 * stands below it with the rest; a last cell that is too long goes on in its own column.
 */
export function columnLines(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const width = (at: number): number => Math.max(...[head, ...rows].map((row) => (row[at] ?? '').length));
  const middle = head.slice(1, -1).map((_, at) => width(at + 1));
  const fixed = GAP.length * head.length + middle.reduce((sum, each) => sum + each, 0);
  const last = Math.min(width(head.length - 1), Math.max(NARROW, COLUMNS - fixed - width(0)));
  const first = Math.min(width(0), COLUMNS - fixed - last);
  const line = (cells: readonly string[]): readonly string[] => {
    const text = cells[0] ?? '';
    const isLong = text.length > first;
    const start = (isLong ? text.replace(/ .*/, '') : text).padEnd(first);
    const left = `${GAP}${[start, ...cells.slice(1, -1).map((cell, at) => cell.padEnd(middle[at] ?? 0))].join(GAP)}${GAP}`;
    const [top = '', ...below] = cut(cells.at(-1) ?? '', Math.max(last, COLUMNS - left.length));
    const rest = isLong ? wrap(text.slice(text.indexOf(' ') + 1), '      ').slice(0, 2) : [];
    return [`${left}${top}`.trimEnd(), ...below.map((each) => `${' '.repeat(left.length)}${each}`), ...rest];
  };
  return [head, ...rows].flatMap(line);
}

/** A text in lines of at most `width`, broken at blanks. */
function cut(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    // A word that is too long is broken, at the revision where it has one: nothing of it is left out.
    else
      for (const part of word.length > width ? word.split(/(?<=@)/) : [word])
        lines.push(...(part.match(new RegExp(`.{1,${width}}`, 'gu')) ?? ['']));
  }
  return lines;
}
