import { readSync } from 'node:fs';
import { type Extent, makeArena } from './arena.ts';
import { applyDelta, readDeltaHead } from './delta.ts';
import type { PackIndex } from './index-file.ts';
import { makeInflater } from './inflate.ts';

/** A pack that is read without git. */
export type Pack = {
  readonly index: PackIndex;
  /** The blob that begins at `offset`, whole and valid until the next call; `null` where it is no blob or unusual: git reads it then. */
  readonly blobAt: (offset: number) => Buffer | null;
};

const BLOB = 3;
const OFS_DELTA = 6;

/** A type and size of seven bits a byte, and an offset of seven bits a byte: no entry's head is longer. */
const MAX_HEADER = 32;
const WINDOW = 256 << 10;
/** Bases that are kept, in bytes: mails of a series share their bases within a few megabytes of the pack. */
const ARENA = 32 << 20;
/** No chain of git's is deeper (pack.depth is at most 4095). */
const MAX_DEPTH = 4096;

type Entry = { readonly type: number; readonly size: number; readonly base: number; readonly data: number };

/** The head of the entry in `bytes`, `base` and `data` relative to its beginning. */
function readEntry(bytes: Buffer): Entry | null {
  let at = 0;
  let byte = bytes[at++] as number;
  const type = (byte >> 4) & 7;
  let size = byte & 0x0f;
  for (let unit = 0x10; byte & 0x80; unit *= 0x80) {
    if (at > 7) return null;
    byte = bytes[at++] as number;
    size += (byte & 0x7f) * unit;
  }
  let base = 0;
  if (type === OFS_DELTA) {
    byte = bytes[at++] as number;
    base = byte & 0x7f;
    while (byte & 0x80) {
      if (at > 18) return null;
      byte = bytes[at++] as number;
      base = (base + 1) * 0x80 + (byte & 0x7f);
    }
  }
  return Number.isSafeInteger(size) && Number.isSafeInteger(base) ? { type, size, base, data: at } : null;
}

/** Reads a pack of `size` bytes at the descriptor `file`. Blobs larger than `limit` are left for git. */
export function openPack(file: number, size: number, index: PackIndex, limit: number): Pack {
  const arena = makeArena(ARENA);
  const inflate = makeInflater();
  let delta = Buffer.allocUnsafeSlow(1 << 16);
  const window = Buffer.allocUnsafeSlow(WINDOW);
  let start = 0;
  let filled = 0;

  /** At least `length` bytes from `offset` on, fewer only at the end of the pack; valid until the next call. */
  const bytesAt = (offset: number, length: number): Buffer => {
    if (offset >= start && offset + length <= start + filled) return window.subarray(offset - start, filled);
    if (length > WINDOW) {
      const large = Buffer.allocUnsafeSlow(Math.min(length, size - offset));
      return large.subarray(0, readSync(file, large, 0, large.length, offset));
    }
    start = offset;
    filled = readSync(file, window, 0, WINDOW, offset);
    return window.subarray(0, filled);
  };

  /** The stream of an entry, with as much behind it as it could need. */
  const streamAt = (offset: number, entry: Entry): Buffer => {
    // Deflate adds at most a few bytes to each block that it cannot shrink; what was written otherwise fails and goes to git.
    const bound = entry.size + (entry.size >> 8) + 64;
    return bytesAt(offset + entry.data, bound).subarray(0, bound);
  };

  const whole = (offset: number, entry: Entry): Extent | null => {
    const start = arena.reserve(entry.size + 1, null);
    if (start === null) return null;
    const extent = { start, length: entry.size };
    return inflate(streamAt(offset, entry), arena.memory, extent) ? extent : null;
  };

  const patched = (offset: number, entry: Entry, base: Extent): Extent | null => {
    if (delta.length <= entry.size) delta = Buffer.allocUnsafeSlow(2 * entry.size + 1);
    if (!inflate(streamAt(offset, entry), delta, { start: 0, length: entry.size })) return null;
    const commands = delta.subarray(0, entry.size);
    const head = readDeltaHead(commands);
    if (head === null || head.source !== base.length || head.target > limit) return null;
    const start = arena.reserve(head.target, base);
    if (start === null) return null;
    const result = { start, length: head.target };
    return applyDelta(arena.memory, base, commands, head.commands, result) ? result : null;
  };

  const extentAt = (offset: number, depth: number): Extent | null => {
    const known = arena.find(offset);
    if (known !== undefined) return known;
    if (offset < 0 || offset >= size || depth > MAX_DEPTH) return null;
    const entry = readEntry(bytesAt(offset, MAX_HEADER));
    if (entry === null || entry.size > limit) return null;
    let extent: Extent | null = null;
    if (entry.type === BLOB) extent = whole(offset, entry);
    else if (entry.type === OFS_DELTA && entry.base > 0) {
      const base = extentAt(offset - entry.base, depth + 1);
      extent = base === null ? null : patched(offset, entry, base);
    }
    if (extent !== null) arena.name(offset, extent);
    return extent;
  };

  const blobAt = (offset: number): Buffer | null => {
    const extent = extentAt(offset, 0);
    return extent === null ? null : arena.memory.subarray(extent.start, extent.start + extent.length);
  };
  return { index, blobAt };
}
