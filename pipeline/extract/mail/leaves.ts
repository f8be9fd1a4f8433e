import { decodeText } from './charset.ts';
import { type Head, type RawFields, readHead, unfold } from './head.ts';
import { decodeTransfer, type TransferEncoding, transferEncoding } from './transfer.ts';

type ContentType = { readonly type: string; readonly params: ReadonlyMap<string, string> };

const PARAM = /;\s*([^\s=;"]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|([^;\s]*))/g;

/** RFC 2231: `name*0`, `name*1*` are joined in order; percent escapes stay, for only names and boundaries are read. */
function addParam(params: Map<string, string>, name: string, value: string): void {
  const [base = '', part] = name.toLowerCase().split('*');
  if (part === undefined || part === '' || part === '0') {
    if (!params.has(base)) params.set(base, value);
  } else {
    params.set(base, `${params.get(base) ?? ''}${value}`);
  }
}

/** Reads `type/subtype; name=value` and `disposition; name=value`; an empty or absent value is an empty type. */
function readContentType(raw: string | undefined): ContentType {
  const params = new Map<string, string>();
  if (raw === undefined) return { type: '', params };
  const value = unfold(raw);
  const semicolon = value.indexOf(';');
  const type = (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase();
  if (semicolon < 0) return { type, params };
  for (const [, name = '', quoted, plain] of value.slice(semicolon).matchAll(PARAM)) {
    addParam(params, name, quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1'));
  }
  return { type, params };
}

/** A leaf of the MIME tree: where its bytes stand in the mail, and how to read them. */
export type Leaf = {
  readonly type: string;
  readonly charset: string | null;
  readonly encoding: TransferEncoding;
  readonly attachment: boolean;
  readonly start: number;
  readonly end: number;
};

/** Deeper parts and further parts are left as one leaf, and the mail says so. */
export const LIMITS = { depth: 16, leaves: 500 } as const;

const TOO_MANY = `parts deeper than ${LIMITS.depth} or beyond ${LIMITS.leaves} were not opened`;

export type Leaves = { readonly leaves: readonly Leaf[]; readonly notes: readonly string[] };

type Walk = { readonly bytes: Buffer; readonly leaves: Leaf[]; readonly notes: Set<string> };
type Range = { readonly start: number; readonly end: number };

const PLAIN = /^\s*text\/plain\s*(?:;\s*charset\s*=\s*"?([\w-]+)"?\s*)?$/i;

function leafOf(fields: RawFields, type: string, charset: string | undefined, range: Range): Leaf {
  const disposition = fields.get('content-disposition');
  return {
    type,
    charset: charset ?? null,
    encoding: transferEncoding(fields.get('content-transfer-encoding') ?? null),
    attachment: disposition !== undefined && /^\s*attachment\b/i.test(disposition),
    start: range.start,
    end: range.end,
  };
}

/** The ranges between the delimiter lines of a multipart body; an unclosed last part ends with the body. */
function partsOf(bytes: Buffer, boundary: string, { start, end }: Range): Range[] {
  /** The start of the next delimiter line, 0 where there is none: no body begins at 0. */
  const next = (from: number): number => own.indexOf(delimiter, from) + 1;
  const delimiter = Buffer.from(`\n--${boundary}`, 'latin1');
  // Not beyond the part: of a mail with many multiparts each would be searched for to the end of all.
  const own = bytes.subarray(0, end);
  const parts: Range[] = [];
  let partStart = -1;
  const isFirst = own.subarray(start, start + delimiter.length - 1).equals(delimiter.subarray(1));
  for (let at = isFirst ? start : next(start); at > 0; at = next(at)) {
    let after = at + delimiter.length - 1;
    const closing = bytes[after] === 0x2d && bytes[after + 1] === 0x2d;
    if (closing) after += 2;
    while (bytes[after] === 0x20 || bytes[after] === 0x09 || bytes[after] === 0x0d) after += 1;
    // A longer boundary may begin with this one: it is another delimiter.
    if (after < end && bytes[after] !== 0x0a) continue;
    if (partStart >= 0) {
      const lineBreak = bytes[at - 2] === 0x0d ? 2 : 1;
      parts.push({ start: partStart, end: Math.max(partStart, at - lineBreak) });
    }
    partStart = closing ? -1 : Math.min(end, after + 1);
    if (closing || parts.length > LIMITS.leaves) break;
  }
  if (partStart >= 0) parts.push({ start: partStart, end });
  return parts;
}

/** How deep a part lies, and the type of one that names none. */
type Level = { readonly depth: number; readonly inherited: string };

function walk(tree: Walk, fields: RawFields, range: Range, { depth, inherited }: Level): void {
  const raw = fields.get('content-type');
  const plain = raw === undefined ? null : PLAIN.exec(raw);
  if (raw === undefined || plain !== null) {
    tree.leaves.push(leafOf(fields, raw === undefined ? inherited : 'text/plain', plain?.[1], range));
    return;
  }
  const { type, params } = readContentType(raw);
  if (depth >= LIMITS.depth || tree.leaves.length >= LIMITS.leaves) {
    tree.notes.add(TOO_MANY);
  } else if (type === 'message/rfc822') {
    const head = readHead(tree.bytes, range.start, range.end);
    walk(tree, head.fields, { start: head.bodyStart, end: range.end }, { depth: depth + 1, inherited: 'text/plain' });
    return;
  } else if (type.startsWith('multipart/')) {
    const boundary = params.get('boundary') ?? '';
    const parts = boundary === '' ? [] : partsOf(tree.bytes, boundary, range);
    const partType = type === 'multipart/digest' ? 'message/rfc822' : 'text/plain';
    if (parts.length === 0) tree.notes.add('a multipart without parts is read as text');
    if (parts.length > LIMITS.leaves) tree.notes.add(TOO_MANY);
    for (const part of parts) {
      const head = readHead(tree.bytes, part.start, part.end);
      walk(tree, head.fields, { start: head.bodyStart, end: part.end }, { depth: depth + 1, inherited: partType });
    }
    if (parts.length > 0) return;
  }
  const known = /^[\w.+-]+\/[\w.+-]+$/.test(type) && !type.startsWith('multipart/');
  tree.leaves.push(leafOf(fields, known ? type : 'text/plain', params.get('charset'), range));
}

/** The leaves of the MIME tree of a mail, in their order. Never throws; what breaks a limit or the syntax is noted. */
export function leavesOf(bytes: Buffer, head: Head): Leaves {
  const tree: Walk = { bytes, leaves: [], notes: new Set() };
  walk(tree, head.fields, { start: head.bodyStart, end: bytes.length }, { depth: 0, inherited: 'text/plain' });
  return { leaves: tree.leaves, notes: [...tree.notes] };
}

/** The bytes of a leaf, its transfer encoding taken off: what diff lines are taken from, never unflowed. */
export function leafBytes(bytes: Buffer, leaf: Leaf): Buffer {
  return decodeTransfer(bytes.subarray(leaf.start, leaf.end), leaf.encoding);
}

/** The text of a leaf. */
export function leafText(bytes: Buffer, leaf: Leaf): string {
  return decodeText(leafBytes(bytes, leaf), leaf.charset);
}
