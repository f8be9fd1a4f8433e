import { plain } from './plain.ts';

const WIDTH = 70;
export const TRIMMED = '> [...]';

/** A quoted line with its tabs as the reader's columns: diff lines are indented by them. */
function quoted(line: string): string {
  let out = '';
  for (const char of line) out += char === '\t' ? ' '.repeat(8 - (out.length % 8)) : char;
  return plain(out).trimEnd();
}

/** The changed lines of a diff that stand in the given files, by their index in the text. */
function changedLines(lines: readonly string[], paths: ReadonlySet<string>): ReadonlySet<number> {
  const changed = new Set<number>();
  let isWanted = false;
  lines.forEach((line, at) => {
    const file = /^diff --git a\/(\S+) b\/(\S+)$/.exec(line);
    if (file !== null) isWanted = paths.has(file[2] ?? '');
    else if (isWanted && /^[+-](?![+-]{2} )\s*\S/.test(line)) changed.add(at);
    else if (line === '-- ') isWanted = false;
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
  const lines = text.split(/\r?\n/).map(quoted);
  const changed = changedLines(text.split(/\r?\n/), new Set(paths));
  const isShort = (line: string): boolean => line !== '' && [...line].length <= WIDTH && !line.startsWith('>');
  const usable = lines.flatMap((line, at) => (isShort(line) && (changed.size === 0 || changed.has(at)) ? [at] : []));
  const names = words.filter((word) => word.length >= 3).map((word) => word.toLowerCase());
  const naming = usable.filter((at) => names.some((name) => (lines[at] ?? '').toLowerCase().includes(name)));
  const chosen = (naming.length > 0 ? naming : usable).slice(0, max);
  const out: string[] = [];
  let next = 0;
  for (const at of chosen) {
    if (lines.slice(next, at).some((line) => line !== '')) out.push(TRIMMED);
    else if (next > 0 && at > next) out.push('>');
    out.push(`> ${lines[at] ?? ''}`);
    next = at + 1;
  }
  if (lines.slice(next).some((line) => line !== '')) out.push(TRIMMED);
  return out;
}
