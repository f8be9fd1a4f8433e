/** Where the mails of an mbox stand: the bytes behind each `From ` line, up to the blank line before the next. */
export type MboxEntry = { readonly offset: number; readonly length: number };

/** `From someone Thu Jan  1 00:00:00 1970`: body lines that begin with `From ` have no such date. */
const FROM_LINE =
  /^From \S+ +(?:at \S+ +)?[A-Z][a-z]{2} [A-Z][a-z]{2} +\d{1,2} +\d{1,2}:\d\d(?::\d\d)?(?: +\S+)? +\d{4}/;
/** The day that `git format-patch` writes into every mail of its own: such a line stands in no body. */
const GIT_FROM_LINE = /^From [0-9a-f]{40,64} Mon Sep 17 00:00:00 2001\r?$/;
const HEADER_LINE = /^[!-9;-~]+[ \t]*:/;

/** Whether a mail begins at `at`: a full `From ` line, and a header field on the next line. */
function beginsMail(bytes: Buffer, at: number, line = FROM_LINE): boolean {
  const eol = bytes.indexOf(0x0a, at);
  if (eol < 0 || eol - at > 500) return false;
  if (!line.test(bytes.toString('latin1', at, eol))) return false;
  return HEADER_LINE.test(bytes.toString('latin1', eol + 1, eol + 200));
}

/**
 * Splits an mbox. Only a `From ` line with a date, behind a blank line and before a header field, begins a mail: plain mboxes hold
 * unquoted `From ` lines in bodies. `git format-patch --no-signature` leaves no blank line; its own line needs none.
 */
export function splitMbox(bytes: Buffer): readonly MboxEntry[] {
  const starts: number[] = beginsMail(bytes, 0) ? [0] : [];
  const needle = Buffer.from('\n\nFrom ');
  const crlf = Buffer.from('\r\nFrom ');
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + 2)) {
    if (beginsMail(bytes, at + 2)) starts.push(at + 2);
  }
  for (let at = bytes.indexOf(crlf); at >= 0; at = bytes.indexOf(crlf, at + 2)) {
    if (bytes[at - 1] === 0x0a && beginsMail(bytes, at + 2)) starts.push(at + 2);
  }
  const any = Buffer.from('\nFrom ');
  for (let at = bytes.indexOf(any); at >= 0; at = bytes.indexOf(any, at + 1))
    if (beginsMail(bytes, at + 1, GIT_FROM_LINE)) starts.push(at + 1);
  const ordered = [...new Set(starts)].sort((a, b) => a - b);
  return ordered.map((start, index) => {
    const offset = bytes.indexOf(0x0a, start) + 1;
    const next = ordered[index + 1] ?? bytes.length;
    // The blank line before the next `From ` belongs to the mbox, not to the mail.
    const blank = bytes[next - 1] === 0x0a && (bytes[next - 2] === 0x0a || bytes[next - 2] === 0x0d);
    return { offset, length: Math.max(0, next - (blank ? (bytes[next - 2] === 0x0d ? 2 : 1) : 0) - offset) };
  });
}

/** Takes one `>` off each line that is `>`s and `From `, as mboxrd quotes them. */
export function unquoteMboxrd(bytes: Buffer): Buffer {
  if (bytes.indexOf('>From ') < 0) return bytes;
  return Buffer.from(bytes.toString('latin1').replace(/(^|\n)>(>*From )/g, '$1$2'), 'latin1');
}

/** One mail as an mboxrd entry: `From ` lines quoted, so that no line of it can begin another mail. */
function mboxrdEntry(bytes: Buffer): Buffer {
  const text = bytes
    .toString('latin1')
    .replace(/^From [^\n]*\n/, '')
    .replace(/(^|\n)(>*From )/g, '$1>$2');
  const end = text.endsWith('\n') ? '' : '\n';
  return Buffer.from(`From mboxrd@z Thu Jan  1 00:00:00 1970\n${text}${end}\n`, 'latin1');
}

/** Mails as one mboxrd, readable by `git am --patch-format=mboxrd`. The same mails give the same bytes. */
export function formatMboxrd(mails: readonly Buffer[]): Buffer {
  return Buffer.concat(mails.map(mboxrdEntry));
}
