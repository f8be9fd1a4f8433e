/** How a word looks on a terminal, by Select Graphic Rendition (ECMA-48, 8.3.117). */
const LOOKS = { bold: '1', dim: '2', red: '31', green: '32', yellow: '33' } as const;
type Look = keyof typeof LOOKS;

/** What is painted in `review`, `status` and `bits`: the words that say how urgent something is. A text never holds an escape. */
const WORDS: readonly (readonly [words: RegExp, look: Look])[] = [
  [/^\S.*(?: on KVM |, coming from ).*$/gm, 'bold'],
  [/^\d+\. Nobody decided[^\n]*$/gm, 'red'],
  [/^\d+\. .*(?:fails if passed|no longer)[^\n]*$/gm, 'yellow'],
  [/\bexposed\b/g, 'red'],
  [/\b(?:newly left changed|does not run|left with another value)\b/g, 'red'],
  [/\b(?:denied|closed|needs-optin)\b/g, 'green'],
  [/\bdecide [1-9]\d*\b/g, 'yellow'],
  [/\bundecided before\b/g, 'yellow'],
  [/\bdecide 0\b/g, 'green'],
  [/\bhost state: /g, 'yellow'],
  [/^\* error\b/gm, 'red'],
  [/^\* warning\b/gm, 'yellow'],
  [/^(?:next|more|nothing waits)[^\n]*$/gm, 'dim'],
];

/** A text for a terminal that shows colour: without the escapes it is the same text. Only whole matches on a line are painted. */
export function coloured(text: string): string {
  return WORDS.reduce(
    (painted, [words, look]) =>
      // What is painted already stays as it is: escapes do not nest.
      painted
        .split(PAINTED)
        .map((part) => (PAINTED.test(part) ? part : part.replace(words, (found) => paint(found, look))))
        .join(''),
    text,
  );
}

const ESCAPE = '\u001b[';
const PAINTED = /(\u001b\[\d+m[^\u001b]*\u001b\[0m)/;
const paint = (words: string, look: Look): string => `${ESCAPE}${LOOKS[look]}m${words}${ESCAPE}0m`;
