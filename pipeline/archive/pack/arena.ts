/** A content in an arena: `length` bytes from `start` on. */
export type Extent = { readonly start: number; readonly length: number };

/**
 * The contents that were written last, in one piece of memory that is filled round and round: nothing for the garbage collector
 * to move, and a delta is applied by copies within it.
 */
export type Arena = {
  readonly memory: Buffer;
  readonly find: (key: number) => Extent | undefined;
  /**
   * Where `length` bytes can be written that do not touch `keep`; `null` where the arena is too small for both. The contents that
   * stood there are forgotten. Until it is named the room belongs to nobody.
   */
  readonly reserve: (length: number, keep: Extent | null) => number | null;
  readonly name: (key: number, extent: Extent) => void;
};

type Named = { readonly key: number; readonly extent: Extent };

const touches = (a: Extent, b: Extent): boolean => a.start < b.start + b.length && b.start < a.start + a.length;

/** Contents in the order of writing, which is the order of their places from where the next one goes. */
function queueOf(onForget: (named: Named) => void): {
  readonly add: (named: Named) => void;
  readonly forgetWhile: (test: (extent: Extent) => boolean) => void;
} {
  let queue: Named[] = [];
  let oldest = 0;
  const forgetWhile = (test: (extent: Extent) => boolean): void => {
    for (let named = queue[oldest]; named !== undefined && test(named.extent); named = queue[oldest]) {
      onForget(named);
      oldest += 1;
    }
    if (oldest < 4096) return;
    queue = queue.slice(oldest);
    oldest = 0;
  };
  return { add: (named) => queue.push(named), forgetWhile };
}

/** An arena of `size` bytes. */
export function makeArena(size: number): Arena {
  const extents = new Map<number, Extent>();
  const queue = queueOf(({ key, extent }) => {
    if (extents.get(key) === extent) extents.delete(key);
  });
  let next = 0;

  /** The first place from `from` on that does not touch `keep`. */
  const clear = (from: number, length: number, keep: Extent | null): number =>
    keep !== null && touches({ start: from, length }, keep) ? keep.start + keep.length : from;

  const reserve: Arena['reserve'] = (length, keep) => {
    let start = clear(next, length, keep);
    if (start + length > size) {
      // Round again: what stands from here to the end was written longest ago.
      const end = next;
      queue.forgetWhile((extent) => extent.start >= end);
      next = 0;
      start = clear(0, length, keep);
      if (start + length > size) return null;
    }
    const [from, to] = [next, start + length];
    queue.forgetWhile((extent) => extent.start >= from && extent.start < to);
    next = to;
    return start;
  };
  const name: Arena['name'] = (key, extent) => {
    extents.set(key, extent);
    queue.add({ key, extent });
  };
  return { memory: Buffer.allocUnsafeSlow(size), find: (key) => extents.get(key), reserve, name };
}
