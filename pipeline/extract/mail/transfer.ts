/** How the bytes of a part are wrapped; everything that is neither base64 nor quoted-printable stands as it is. */
export type TransferEncoding = 'identity' | 'quoted-printable' | 'base64';

/** The transfer encoding that a header names; `8bit`, `7bit`, `binary`, none and the invalid `8-bit` are identity. */
export function transferEncoding(value: string | null): TransferEncoding {
  if (value === null) return 'identity';
  const name = withoutComments(value)
    .replace(/[\s"';]/g, '')
    .toLowerCase();
  return name === 'base64' || name === 'quoted-printable' ? name : 'identity';
}

/** A value without its comments; an open one that is never closed stands. In a loop, for each `(` of a value may be one. */
function withoutComments(value: string): string {
  let out = '';
  let at = 0;
  for (let open = value.indexOf('('); open >= 0; open = value.indexOf('(', at)) {
    const close = value.indexOf(')', open);
    if (close < 0) break;
    out += value.slice(at, open);
    at = close + 1;
  }
  return out + value.slice(at);
}

const EQUALS = 0x3d;
const LF = 0x0a;
const CR = 0x0d;

function hexValue(byte: number | undefined): number {
  if (byte === undefined) return -1;
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** The index after a soft line break that starts behind an `=`, or -1. */
function afterSoftBreak(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === 0x20 || bytes[at] === 0x09) at += 1;
  if (at >= bytes.length) return at;
  if (bytes[at] === CR && bytes[at + 1] === LF) return at + 2;
  return bytes[at] === LF ? at + 1 : -1;
}

/** Decodes quoted-printable; an `=` that begins no escape stands for itself. */
export function decodeQuotedPrintable(bytes: Buffer): Buffer {
  const length = bytes.length;
  const first = bytes.indexOf(EQUALS);
  if (first < 0) return bytes;
  const out = Buffer.allocUnsafe(length);
  bytes.copy(out, 0, 0, first);
  let to = first;
  let at = first;
  while (at < length) {
    const byte = bytes[at] as number;
    at += 1;
    if (byte !== EQUALS) {
      out[to++] = byte;
      continue;
    }
    const high = hexValue(bytes[at]);
    const low = high < 0 ? -1 : hexValue(bytes[at + 1]);
    if (low >= 0) {
      out[to++] = (high << 4) | low;
      at += 2;
      continue;
    }
    const next = afterSoftBreak(bytes, at);
    if (next >= 0) at = next;
    else out[to++] = EQUALS;
  }
  return out.subarray(0, to);
}

/** Decodes base64; bytes outside the alphabet are passed over. */
function decodeBase64(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1'), 'base64');
}

/** The bytes that a part holds after its transfer encoding is taken off; the same bytes for identity. */
export function decodeTransfer(bytes: Buffer, encoding: TransferEncoding): Buffer {
  if (encoding === 'quoted-printable') return decodeQuotedPrintable(bytes);
  return encoding === 'base64' ? decodeBase64(bytes) : bytes;
}
