/** Lines of plain text are at most this long, in UTF-16 code units, tags and code that must not be wrapped aside. */
export const COLUMNS = 72;

/** Wraps a text at blanks; a word that is longer than a line is cut. The first line may have a label. */
export function wrap(text: string, first = '', rest = ' '.repeat(first.length)): readonly string[] {
  // A label that leaves no room for text stands on lines of its own.
  if (first.length > COLUMNS / 2) return [...wrap(first), ...wrap(text, ' '.repeat(12))];
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  // A line that begins with `::`, or holds `##[`, is an order to the runner of a workflow, whatever it was cut out of.
  for (const word of wordsOf(text.replaceAll('##[', '## ['))) {
    let left = word;
    for (;;) {
      if (isEmpty && line.trim() === '' && left.startsWith('::')) left = `: ${left.slice(1)}`;
      const room = COLUMNS - line.length - (isEmpty ? 0 : 1);
      if (left.length <= room) {
        line = isEmpty ? `${line}${left}` : `${line} ${left}`;
        isEmpty = false;
        break;
      }
      if (isEmpty) {
        const cut = isPair(left, room) ? room - 1 : room;
        lines.push(`${line}${left.slice(0, cut)}`);
        left = left.slice(cut);
        line = rest;
      } else {
        lines.push(line);
        line = rest;
        isEmpty = true;
      }
    }
  }
  if (!isEmpty || lines.length === 0) lines.push(line);
  return lines.map((each) => each.trimEnd());
}

/** Words between blanks; blanks inside “…” are part of what is quoted, such as a text of CPUID, and stay. */
const wordsOf = (text: string): readonly string[] => text.match(/(?:“[^“”]{0,64}”|[^ ])+/g) ?? [];

/** True where a cut at this place would part a surrogate pair. */
const isPair = (text: string, at: number): boolean =>
  /^[\ud800-\udbff][\udc00-\udfff]$/.test(text.slice(at - 1, at + 1));
