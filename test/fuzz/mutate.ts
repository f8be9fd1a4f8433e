import type { Random } from './random.ts';

/** What every format may stumble over. */
const COMMON = [
  '',
  '0',
  '-1',
  '0x0',
  '0xffffffff',
  '4294967296',
  '18446744073709551616',
  '1e400',
  '\0',
  '\r',
  '\n',
  '\t',
  '\\',
  '"',
  "'",
  '`',
  '%',
  '\xff',
  '\xe2\x80\xa8',
  '__proto__',
  'constructor',
  '::error::x',
  '<',
  '>',
  '&',
  '../x',
];
const LONGEST = 1 << 16;

/** A range of a text, mostly a short one. */
function rangeOf(random: Random, text: string): readonly [from: number, to: number] {
  const from = random.below(text.length + 1);
  const length = random.below(random.below(8) === 0 ? text.length : 24);
  return [from, Math.min(text.length, from + length)];
}

/** One damage: bytes, words of the format, ranges, lines, numbers, bracketed parts. */
function damage(random: Random, text: string, words: readonly string[], other: string): string {
  const [from, to] = rangeOf(random, text);
  const word = random.pick(random.below(2) === 0 ? words : COMMON) ?? '';
  switch (random.below(12)) {
    case 0:
      return text.slice(0, from) + String.fromCharCode(random.below(256)) + text.slice(from + 1);
    case 1:
      return text.slice(0, from) + text.slice(to);
    case 2:
      return text.slice(0, to) + text.slice(from);
    case 3:
      return text.slice(0, from) + word + text.slice(from);
    case 4:
      return text.slice(0, from) + word + text.slice(to);
    case 5:
      return text.slice(0, from);
    case 6: {
      const times = random.below(16) === 0 ? random.below(3000) : random.below(20);
      return text.slice(0, from) + word.repeat(times) + text.slice(from);
    }
    case 7: {
      const [start, end] = rangeOf(random, other);
      return text.slice(0, from) + other.slice(start, end) + text.slice(to);
    }
    case 8: {
      const lines = text.split('\n');
      const [a, b] = [random.below(lines.length), random.below(lines.length)];
      const [one = '', two = ''] = [lines[a], lines[b]];
      lines[a] = two;
      lines[b] = random.below(2) === 0 ? one : two;
      return lines.join('\n');
    }
    case 9: {
      const numbers = [...text.matchAll(/\b(?:0x[0-9a-f]+|\d+)\b/gi)];
      const number = random.pick(numbers);
      if (number === undefined) return text;
      return text.slice(0, number.index) + word + text.slice(number.index + number[0].length);
    }
    case 10: {
      const open = text.slice(from).search(/[([{<"]/);
      return open < 0 ? text : text.slice(0, from + open) + text.slice(from + open + 1);
    }
    default: {
      const names = [...text.matchAll(/[A-Za-z_][\w-]{2,}/g)];
      const [name, by] = [random.pick(names), random.pick(names)];
      if (name === undefined || by === undefined) return text;
      return text.slice(0, name.index) + by[0] + text.slice(name.index + name[0].length);
    }
  }
}

/** A text with one to four damages, never longer than a reader's input is cheap. */
export function damaged(random: Random, text: string, words: readonly string[], other: string): string {
  let out = text;
  for (let left = 1 + random.below(4); left > 0; left -= 1) out = damage(random, out, words, other);
  return out.slice(0, LONGEST);
}

/** The blanks of C source that stand between tokens: not in comments, literals or directives. */
function blanksOfC(text: string): readonly number[] {
  const found: number[] = [];
  const shape =
    /\\\r?\n|\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|^[ \t]*#(?:[^\n\\]|\\\r?\n|\\.)*|[ \n]/gm;
  for (const match of text.matchAll(shape)) if (match[0] === ' ' || match[0] === '\n') found.push(match.index);
  return found;
}

const withCarriageReturns = (text: string): string => text.replace(/(?<!\r)\n/g, '\r\n');

/** The same C: blanks, comments, continued lines, line ends. */
export function sameC(random: Random, text: string): string {
  if (random.below(6) === 0) return withCarriageReturns(text);
  const blanks = blanksOfC(text);
  const places = Array.from({ length: 1 + random.below(6) }, () => random.pick(blanks) ?? 0).sort((a, b) => b - a);
  let out = text;
  for (const at of places) {
    const blank =
      random.pick([
        '  ',
        '\t',
        '\n',
        ' /* x */ ',
        ' /* } { ; " */ ',
        ' // x " {\n',
        ' \\\n ',
        '\f',
        '\n\n\n',
        ' /**/ ',
      ]) ?? ' ';
    out = out.slice(0, at) + (blanks.length === 0 ? '' : blank) + out.slice(at);
  }
  return out;
}

/** The same designated entries in another order: `[n] = { … }` of an array. */
export function sameEntries(random: Random, text: string): string {
  const arrays = [...text.matchAll(/\w+\[[^\]\n]*\] = \{\n/g)].filter(({ index }) =>
    /^\s*\[\d+\]/.test(text.slice(text.indexOf('\n', index))),
  );
  const array = random.pick(arrays);
  if (array === undefined) return text;
  const start = array.index + array[0].length;
  const end = text.indexOf('\n};', start);
  const entries = text.slice(start, end).split(/,(?=\s*\[\d+\]\s*=)/);
  const last = entries.at(-1)?.replace(/[,\s]+$/, '') ?? '';
  entries[entries.length - 1] = last;
  for (let at = entries.length - 1; at > 0; at -= 1) {
    const other = random.below(at + 1);
    const [one = '', two = ''] = [entries[at], entries[other]];
    entries[at] = two;
    entries[other] = one;
  }
  return text.slice(0, start) + entries.join('\n,') + text.slice(end);
}

/** The same JSON: blanks around its marks. */
export function sameJson(random: Random, text: string): string {
  const marks = [...text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g)].filter(([mark]) => !mark.startsWith('"'));
  const at = random.pick(marks)?.index ?? 0;
  return text.slice(0, at) + (random.pick([' ', '\n', '\t', '\r\n', '  \n ']) ?? '') + text.slice(at);
}

/** The same YAML: comments, empty lines, line ends. */
export function sameYaml(random: Random, text: string): string {
  if (random.below(5) === 0) return withCarriageReturns(text);
  const lines = text.split('\n');
  lines.splice(random.below(lines.length), 0, random.pick(['# x', '', '   # - a: &b *c "']) ?? '');
  return lines.join('\n');
}

/** The same Markdown table: blanks in cells, line ends. */
export function sameMarkdown(random: Random, text: string): string {
  if (random.below(5) === 0) return withCarriageReturns(text);
  const pipes = [...text.matchAll(/(?<!\\)\| /g)];
  const at = random.pick(pipes)?.index ?? -1;
  return at < 0 ? text : `${text.slice(0, at + 1)}   ${text.slice(at + 1)}`;
}

/** The same mail: fields that nobody reads, the case of names, folds at blanks. */
export function sameMail(random: Random, text: string): string {
  const end = text.indexOf('\n\n');
  if (end < 0) return text;
  const lines = text.slice(0, end).split('\n');
  const fields = lines.flatMap((line, at) => (/^[\w-]+:/.test(line) ? [at] : []));
  const at = random.pick(fields) ?? 0;
  const line = lines[at] ?? '';
  const changed = random.below(3);
  if (changed === 0) lines.splice(at, 0, 'X-Nobody: reads <this@x> "');
  else if (changed === 1)
    lines[at] = line.replace(/^[\w-]+/, (name) => (random.below(2) === 0 ? name.toUpperCase() : name.toLowerCase()));
  else lines[at] = line.replace(/^([\w-]+: \S+) (?=\S)/, '$1\n ');
  return lines.join('\n') + text.slice(end);
}
