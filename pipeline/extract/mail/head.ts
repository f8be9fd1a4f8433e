/** The fields that are read; every other field is passed over. */
const FIELDS = [
  'message-id',
  'in-reply-to',
  'references',
  'subject',
  'from',
  'reply-to',
  'to',
  'cc',
  'date',
  'list-id',
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
] as const;
type Field = (typeof FIELDS)[number];

/** Raw field values by name, still folded, one character per byte; of a field that stands twice, the first counts. */
export type RawFields = ReadonlyMap<Field, string>;

export type Head = {
  readonly fields: RawFields;
  /** The offset of the body. */
  readonly bodyStart: number;
  /** The header is longer than `MAX_HEAD`: what stands behind was not read. */
  readonly isCut: boolean;
};

/** A longer header is cut here: its remaining fields are not read, and the mail says so. */
export const MAX_HEAD = 1 << 18;

const WANTED: ReadonlyMap<string, Field> = new Map(FIELDS.map((name) => [name, name]));
/** By the first letter: a bit per length of a wanted name, so that most fields are passed over by two comparisons. */
const LENGTHS = new Uint32Array(256);
for (const name of FIELDS) {
  const letter = name.charCodeAt(0);
  LENGTHS[letter] = (LENGTHS[letter] ?? 0) | (1 << name.length);
}
const BLANK_LF = Buffer.from('\n\n');
const BLANK_CRLF = Buffer.from('\n\r\n');

type Extent = { readonly headEnd: number; readonly bodyStart: number };

/** Where the head ends and the body begins, within `start` and `end`; no blank line means no body. */
function extentOf(bytes: Buffer, start: number, end: number): Extent {
  if (bytes[start] === 0x0a) return { headEnd: start, bodyStart: start + 1 };
  if (bytes[start] === 0x0d && bytes[start + 1] === 0x0a) return { headEnd: start, bodyStart: start + 2 };
  // Not beyond the part: of a mail with many parts each would be searched to the end of all.
  const own = bytes.subarray(0, end);
  const lf = own.indexOf(BLANK_LF, start);
  // Only a head with CRLF lines can end in CRLF; the search for it would otherwise read every body.
  const firstLine = own.indexOf(0x0a, start);
  const crlf = firstLine > start && bytes[firstLine - 1] === 0x0d ? own.indexOf(BLANK_CRLF, start) : -1;
  const at = lf < 0 ? crlf : crlf < 0 ? lf : Math.min(lf, crlf);
  if (at < 0 || at >= end) return { headEnd: end, bodyStart: end };
  return { headEnd: at, bodyStart: Math.min(end, at + (at === crlf ? 3 : 2)) };
}

/** The end of the line that begins at `from`. */
function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at < 0 ? text.length : at;
}

/** The end of the field that begins at `from`: its line and the lines that continue it. */
function fieldEnd(text: string, from: number): number {
  let end = lineEnd(text, from);
  for (let next = text.charCodeAt(end + 1); next === 0x20 || next === 0x09; next = text.charCodeAt(end + 1)) {
    end = lineEnd(text, end + 1);
  }
  return end;
}

const COLON = 0x3a;

/** The colon of the field at `at`, -1 where none follows within the longest name: a long head is never searched twice. */
function colonAt(text: string, at: number): number {
  for (let colon = at; colon < at + 32; colon += 1) {
    const code = text.charCodeAt(colon);
    if (code === COLON) return colon;
    if (code === 0x0a) return -1;
  }
  return -1;
}

/** The wanted field whose name stands at `at`; blanks before the colon are forgiven. */
function wantedAt(text: string, at: number, colon: number, lengths: number): Field | undefined {
  let end = colon;
  while (end > at && text.charCodeAt(end - 1) === 0x20) end -= 1;
  return ((lengths >>> (end - at)) & 1) === 0 ? undefined : WANTED.get(text.slice(at, end).toLowerCase());
}

type Lines = {
  readonly fields: RawFields;
  /** Where the blank line behind the head begins; the end of the text where there is none. */
  readonly end: number;
};

/** Whether the line at `at` is blank. CR LF ends a line only where the first line ends so. */
function isBlank(text: string, at: number, crlf: boolean): boolean {
  const code = text.charCodeAt(at);
  return code === 0x0a || (crlf && code === 0x0d && text.charCodeAt(at + 1) === 0x0a);
}

/** Reads fields up to the first blank line. */
function readLines(text: string): Lines {
  const fields = new Map<Field, string>();
  const crlf = text.charCodeAt(lineEnd(text, 0) - 1) === 0x0d;
  let at = 0;
  while (at < text.length && !isBlank(text, at, crlf)) {
    const lengths = LENGTHS[(text.charCodeAt(at) | 0x20) & 0xff] as number;
    if (lengths !== 0) {
      const colon = colonAt(text, at);
      const name = colon < 0 ? undefined : wantedAt(text, at, colon, lengths);
      if (name !== undefined) {
        const end = fieldEnd(text, colon);
        if (!fields.has(name)) fields.set(name, text.slice(colon + 1, end));
        at = end + 1;
        continue;
      }
    }
    at = lineEnd(text, at) + 1;
  }
  return { fields, end: at };
}

/** The first piece of a mail that is looked at: of real heads 99 in 100 end within, and others are read twice. */
const FIRST_PIECE = 1 << 14;

/** Reads the head of the mail or part in `bytes` from `start` to `end`. Never throws: what is no field is passed over. */
export function readHead(bytes: Buffer, start: number, end: number): Head {
  const piece = bytes.toString('latin1', start, Math.min(end, start + FIRST_PIECE));
  const first = readLines(piece);
  // The blank line is followed by a byte of the body, so that no end of the piece is taken for one.
  if (first.end + 2 < piece.length) {
    return {
      fields: first.fields,
      bodyStart: start + first.end + (piece.charCodeAt(first.end) === 0x0a ? 1 : 2),
      isCut: false,
    };
  }
  const { headEnd, bodyStart } = extentOf(bytes, start, end);
  const text = bytes.toString('latin1', start, Math.min(headEnd, start + MAX_HEAD));
  return { fields: readLines(text).fields, bodyStart, isCut: headEnd - start > MAX_HEAD };
}

/** A raw value on one line: each fold becomes one blank. */
export function unfold(raw: string): string {
  return raw.includes('\n') ? raw.replace(/\r?\n[ \t]*/g, ' ').trim() : raw.trim();
}
