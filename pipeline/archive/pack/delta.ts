import type { Extent } from './arena.ts';

/** What a delta says of itself: the sizes of its base and its result, and where its commands begin. */
export type DeltaHead = { readonly source: number; readonly target: number; readonly commands: number };

/** A number of seven bits per byte, the lowest first, and where it ends; `null` where it does not end. */
function readSize(bytes: Buffer, from: number): { readonly size: number; readonly end: number } | null {
  let size = 0;
  let unit = 1;
  for (let at = from; at < bytes.length && at < from + 7; at += 1) {
    const byte = bytes[at] as number;
    size += (byte & 0x7f) * unit;
    unit *= 0x80;
    if ((byte & 0x80) === 0) return { size, end: at + 1 };
  }
  return null;
}

export function readDeltaHead(delta: Buffer): DeltaHead | null {
  const source = readSize(delta, 0);
  const target = source === null ? null : readSize(delta, source.end);
  return source === null || target === null ? null : { source: source.size, target: target.size, commands: target.end };
}

/**
 * Applies the commands of a delta (gitformat-pack): copies of ranges of the base, and bytes of its own. Base and result stand in one
 * memory and do not touch. False where a command reaches outside of either, or the result is not filled.
 */
export function applyDelta(memory: Buffer, base: Extent, delta: Buffer, commands: number, result: Extent): boolean {
  const last = result.start + result.length;
  let to = result.start;
  let at = commands;
  while (at < delta.length) {
    const command = delta[at++] as number;
    if (command === 0) return false;
    if (command < 0x80) {
      if (at + command > delta.length || to + command > last) return false;
      for (const end = to + command; to < end; to += 1) memory[to] = delta[at++] as number;
      continue;
    }
    let offset = 0;
    let size = 0;
    if (command & 0x01) offset = delta[at++] as number;
    if (command & 0x02) offset += (delta[at++] as number) * 0x100;
    if (command & 0x04) offset += (delta[at++] as number) * 0x10000;
    if (command & 0x08) offset += (delta[at++] as number) * 0x1000000;
    if (command & 0x10) size = delta[at++] as number;
    if (command & 0x20) size += (delta[at++] as number) * 0x100;
    if (command & 0x40) size += (delta[at++] as number) * 0x10000;
    if (size === 0) size = 0x10000;
    // In a delta that ends within a command these are NaN, and no comparison with NaN holds.
    if (!(offset + size <= base.length) || !(to + size <= last)) return false;
    const from = base.start + offset;
    memory.copyWithin(to, from, from + size);
    to += size;
  }
  return to === last;
}
