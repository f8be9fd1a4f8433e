import { plain } from '../../model/text.ts';

/** Of a line and its mark, in characters: some composers encode a body with longer ones. */
const WIDTH = 70;
const TRIMMED = '> [...]';

/** A line as it stands, with its tabs; what would act on a terminal is made visible. */
const verbatim = (line: string): string => line.split('\t').map(plain).join('\t').trimEnd();

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

/** How well a line names one of the words: as a word of C, `X86_FEATURE_FIG` or `F(FIG)`; in any letters; not at all. */
function rankOf(line: string, words: readonly string[]): 0 | 1 | 2 {
  const text = line.toLowerCase();
  let rank: 0 | 1 | 2 = 2;
  for (const word of words) {
    for (let at = line.indexOf(word); at >= 0; at = line.indexOf(word, at + 1))
      if (!/[A-Za-z0-9]/.test(`${line[at - 1] ?? ' '}${line[at + word.length] ?? ' '}`)) return 0;
    if (text.includes(word.toLowerCase())) rank = 1;
  }
  return rank;
}

/** How well the changed lines of the given files that can be quoted name one of the words: 0 is best, 2 is not at all. */
export function namingRank(text: string, words: readonly string[], paths: readonly string[]): 0 | 1 | 2 {
  const lines = text.split(/\r?\n/);
  const ranks = [...changedLines(lines, new Set(paths))]
    .map((at) => verbatim(lines[at] ?? ''))
    .filter(isShort)
    .map((line) => rankOf(line, wordsOf(words)));
  return ([0, 1] as const).find((rank) => ranks.includes(rank)) ?? 2;
}

const isShort = (line: string): boolean => [...line].length <= WIDTH;

const wordsOf = (words: readonly string[]): readonly string[] => words.filter((word) => word.length >= 3);

/**
 * What a reply quotes, each line verbatim or not at all: of a patch the changed lines of the given files that name one of the words
 * best, else lines that name one, else the first ones; at most `max`, with `[...]` for what is left out.
 */
export function quoteOf(
  text: string,
  words: readonly string[],
  paths: readonly string[],
  max: number,
): readonly string[] {
  const names = wordsOf(words);
  const raw = text.split(/\r?\n/);
  const lines = raw.map(verbatim);
  const changed = changedLines(raw, new Set(paths));
  const isText = (line: string): boolean => line !== '' && !line.startsWith('>') && isShort(line);
  const usable = lines.flatMap((line, at) => (isText(line) && (changed.size === 0 || changed.has(at)) ? [at] : []));
  const ranked = ([0, 1] as const).map((rank) => usable.filter((at) => rankOf(lines[at] ?? '', names) === rank));
  const chosen = (ranked.find((found) => found.length > 0) ?? usable).slice(0, max);
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
