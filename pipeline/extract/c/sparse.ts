/** From `from` up to `to`, exclusive, by character. */
type Span = { readonly from: number; readonly to: number };

/**
 * C source with nothing left but its directives, its enums and the functions whose body matches `wanted`, each line in its
 * place: of a file of half a megabyte often one macro matters. Functions are known by the kernel's style: a `{` and the first `}` that
 * each begin a line.
 */
export function sparse(text: string, wanted: RegExp | null): string {
  const comments = blockComments(text);
  const bodies = wanted === null ? [] : functions(text, wanted);
  const spans = [...directives(text, comments), ...enums(text), ...bodies];
  const parts: string[] = [];
  let at = 0;
  for (const { from, to } of spans.sort((a, b) => a.from - b.from)) {
    // A directive inside a function that is kept is kept with it.
    if (from < at) continue;
    parts.push('\n'.repeat(countOf(text, '\n', at, from)), text.slice(from, to));
    at = to;
  }
  parts.push('\n'.repeat(countOf(text, '\n', at)));
  return parts.join('');
}

/** How often a part stands in a text between two places. */
export function countOf(text: string, part: string, from = 0, to = text.length): number {
  let found = 0;
  for (let at = text.indexOf(part, from); at !== -1 && at < to; at = text.indexOf(part, at + part.length)) found += 1;
  return found;
}

/** Comments of the form that may hold line breaks; one that never ends goes to the end of the text. */
function blockComments(text: string): readonly Span[] {
  const spans: Span[] = [];
  for (let from = text.indexOf('/*'); from !== -1; ) {
    const isText = isQuoted(text.slice(text.lastIndexOf('\n', from) + 1, from));
    const end = isText ? from : text.indexOf('*/', from + 2);
    const to = end === -1 ? text.length : end + 2;
    if (!isText) spans.push({ from, to });
    from = text.indexOf('/*', to);
  }
  return spans;
}

/** What may stand before a `/*` that opens no comment: an open literal, or a comment to the end of the line. */
const HEAD = /^(?:[^"'/]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\/\*.*?\*\/|\/(?![/*]))*/;
const isQuoted = (line: string): boolean => (HEAD.exec(line)?.[0].length ?? 0) < line.length;

function directives(text: string, comments: readonly Span[]): readonly Span[] {
  const spans: Span[] = [];
  let comment = 0;
  for (let from = 0; from < text.length; ) {
    while ((comments[comment]?.to ?? Number.POSITIVE_INFINITY) <= from) comment += 1;
    const inside = comments[comment];
    if (inside !== undefined && inside.from < from) {
      from = lineEnd(text, inside.to);
      continue;
    }
    const to = startsDirective(text, from) ? logicalEnd(text, from, comments, comment) : null;
    if (to !== null) spans.push({ from, to });
    from = to ?? lineEnd(text, from);
  }
  return spans;
}

const BLANK = 32;
const TAB = 9;
const HASH = 35;

function startsDirective(text: string, from: number): boolean {
  let at = from;
  while (text.charCodeAt(at) === BLANK || text.charCodeAt(at) === TAB) at += 1;
  return text.charCodeAt(at) === HASH;
}

/** Behind the line break that ends the line of `at`. */
function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}

/** The end of a directive: a continuation and a comment that opens in it carry it to the next line. */
function logicalEnd(text: string, from: number, comments: readonly Span[], first: number): number {
  let to = lineEnd(text, from);
  let comment = first;
  for (;;) {
    while ((comments[comment]?.to ?? Number.POSITIVE_INFINITY) <= to) comment += 1;
    const open = comments[comment];
    if (open !== undefined && open.from < to) to = lineEnd(text, open.to);
    else if (to < text.length && /\\[ \t]*\r?\n$/.test(text.slice(Math.max(from, to - 80), to))) to = lineEnd(text, to);
    else return to;
  }
}

const OPEN = '\n{\n';
const CLOSE = '\n}';

/** A function by the kernel's style: its head from `from`, the line break before its `{` at `open`, its end behind the line of `}`. */
export type FunctionSpan = Span & { readonly open: number };

/** Functions in order; whatever else has a `{` and a `}` that each begin a line is one of them too. */
export function functionSpans(text: string): readonly FunctionSpan[] {
  const spans: FunctionSpan[] = [];
  for (let open = text.indexOf(OPEN); open !== -1; ) {
    // The line break that ends `{` is also the one before the `}` of an empty body.
    const end = text.indexOf(CLOSE, open + OPEN.length - 1);
    if (end === -1) break;
    spans.push({ from: headStart(text, open), open, to: lineEnd(text, end + 1) });
    open = text.indexOf(OPEN, end);
  }
  return spans;
}

const functions = (text: string, wanted: RegExp): readonly Span[] =>
  functionSpans(text).filter(({ open, to }) => wanted.test(text.slice(open, to)));

/** Enums that begin a line, up to the first `}` that does. */
function enums(text: string): readonly Span[] {
  const spans: Span[] = [];
  for (const { index } of text.matchAll(/^enum\b[^;{}]*\{/gm)) {
    const end = text.indexOf(CLOSE, index);
    if (end !== -1) spans.push({ from: index, to: lineEnd(text, end + 1) });
  }
  return spans;
}

/** Where the lines before a `{` begin that are neither blank nor the end of something else. */
function headStart(text: string, open: number): number {
  let start = open + 1;
  for (;;) {
    const before = text.lastIndexOf('\n', start - 2) + 1;
    const line = text.slice(before, start - 1);
    if (start === 0 || /^\s*$|^[ \t]*#|[;}]\s*$|\*\/\s*$/.test(line)) return start;
    start = before;
  }
}
