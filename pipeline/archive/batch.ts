/** What `git cat-file --batch` says of one object. */
export type BatchObject =
  | { readonly kind: 'blob'; readonly name: string; readonly bytes: Buffer }
  | { readonly kind: 'missing'; readonly name: string }
  | { readonly kind: 'large'; readonly name: string; readonly size: number };

/** A parser of the output of `git cat-file --batch` that owns its buffer, so that reading copies nothing. */
export type BatchParser = {
  /** Free space to read into; never empty. */
  readonly reserve: () => Buffer;
  /** Parses after `count` bytes were put into the reserved space. */
  readonly filled: (count: number) => void;
};

const MIN_FREE = 1 << 16;

/** `<oid> blob <size>` or `<name> missing`; names may hold blanks, so the words are taken from the end. */
function readHeader(line: string): { name: string; size: number } {
  const words = line.split(' ');
  const size = Number(words.at(-1));
  if (words.length === 3 && Number.isSafeInteger(size)) return { name: words[0] ?? '', size };
  return { name: words.slice(0, -1).join(' '), size: -1 };
}

/** Hands each object to `onObject` in order; its bytes are valid only during the call. Larger ones than `limit` are passed over. */
export function batchParser(limit: number, onObject: (object: BatchObject) => void): BatchParser {
  let buffer = Buffer.allocUnsafe(1 << 20);
  let head = 0;
  let tail = 0;
  let discard = 0;

  const reserve = (): Buffer => {
    if (buffer.length - tail < MIN_FREE) {
      const target = tail - head + MIN_FREE > buffer.length ? Buffer.allocUnsafe(buffer.length * 2) : buffer;
      buffer.copy(target, 0, head, tail);
      buffer = target;
      tail -= head;
      head = 0;
    }
    return buffer.subarray(tail);
  };

  /** Takes one object out of the buffer; false where more bytes are needed. */
  const step = (): boolean => {
    if (discard > 0) {
      const count = Math.min(discard, tail - head);
      discard -= count;
      head += count;
      return discard === 0 && head < tail;
    }
    const eol = buffer.indexOf(0x0a, head);
    if (eol < 0 || eol >= tail) return false;
    const { name, size } = readHeader(buffer.toString('latin1', head, eol));
    if (size < 0) {
      onObject({ kind: 'missing', name });
      head = eol + 1;
    } else if (size > limit) {
      onObject({ kind: 'large', name, size });
      head = eol + 1;
      discard = size + 1;
    } else {
      const end = eol + 1 + size;
      if (end >= tail) return false;
      onObject({ kind: 'blob', name, bytes: buffer.subarray(eol + 1, end) });
      head = end + 1;
    }
    return head < tail;
  };

  const filled = (count: number): void => {
    tail += count;
    while (head < tail && step());
    if (head === tail) {
      head = 0;
      tail = 0;
    }
  };
  return { reserve, filled };
}
