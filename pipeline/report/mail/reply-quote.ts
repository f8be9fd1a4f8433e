import { plain } from '../../model/text.ts';

const WIDTH = 70;
const TRIMMED = '> [...]';
const CUT = ' [...]';

/** A quoted line with its tabs as the reader's columns, for diff lines are indented by them. */
function spaced(line: string): string {
  let out = '';
  for (const char of line) out += char === '\t' ? ' '.repeat(8 - (out.length % 8)) : char;
  return plain(out).trimEnd();
}

/** A line that is too long is cut: behind its sign where only its end names one of the words, else at its end. */
function shortened(line: string, names: readonly string[]): string {
  const chars = [...line];
  if (chars.length <= WIDTH) return line;
  const head = chars.slice(0, WIDTH - CUT.length).join('');
  const has = (text: string): boolean => names.some((name) => text.toLowerCase().includes(name));
  const tail = chars.slice(1 + CUT.length - WIDTH).join('');
  if (!has(head) && has(tail)) return `${chars[0] ?? ''}${CUT.trimStart()} ${tail.replace(/^\S* +(?=\S)/, '')}`;
  return `${head.replace(/(\S) +\S*$/, '$1')}${CUT}`;
}

/** The changed lines of a diff that stand in the given files, by their index in the text. */
function changedLines(lines: readonly string[], paths: ReadonlySet<string>): ReadonlySet<number> {
  const changed = new Set<number>();
  let isWanted = false;
  lines.forEach((line, at) => {
    const file = /^diff --git a\/(\S+) b\/(\S+)$/.exec(line);
    if (file !== null) isWanted = paths.has(file[2] ?? '');
    else if (line === '-- ') isWanted = false;
    else if (isWanted && /^[+-](?![+-]{2} )\s*\S/.test(line)) changed.add(at);
  });
  return changed;
}

/**
 * What a reply quotes: the lines that name one of the words, of a patch the changed lines of the given files, else the first ones;
 * at most `max`, each marked and within 72 columns, with `[...]` for what is left out.
 */
export function quoteOf(
  text: string,
  words: readonly string[],
  paths: readonly string[],
  max: number,
): readonly string[] {
  const names = words.filter((word) => word.length >= 3).map((word) => word.toLowerCase());
  const lines = text.split(/\r?\n/).map(spaced);
  const changed = changedLines(text.split(/\r?\n/), new Set(paths));
  const isText = (line: string): boolean => line !== '' && !line.startsWith('>');
  const usable = lines.flatMap((line, at) => (isText(line) && (changed.size === 0 || changed.has(at)) ? [at] : []));
  const naming = usable.filter((at) => names.some((name) => (lines[at] ?? '').toLowerCase().includes(name)));
  const chosen = (naming.length > 0 ? naming : usable).slice(0, max);
  const out: string[] = [];
  let next = 0;
  for (const at of chosen) {
    if (lines.slice(next, at).some((line) => line !== '')) out.push(TRIMMED);
    else if (next > 0 && at > next) out.push('>');
    out.push(`> ${shortened(lines[at] ?? '', names)}`);
    next = at + 1;
  }
  if (lines.slice(next).some((line) => line !== '')) out.push(TRIMMED);
  return out;
}
