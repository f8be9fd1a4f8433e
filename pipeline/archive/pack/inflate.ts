import { constants, createInflate, deflateSync, inflateSync } from 'node:zlib';
import type { Extent } from './arena.ts';

/**
 * Inflates the zlib stream that `input` begins with to exactly `out` in `memory`; the byte behind may change too. False where the stream
 * is broken, cut short, or of another size.
 */
export type Inflater = (input: Buffer, memory: Buffer, out: Extent) => boolean;

/** The documented way; each call makes a stream, its state and a buffer, which costs as much as inflating a small mail. */
export const inflateAnew: Inflater = (input, memory, { start, length }) => {
  try {
    const chunkSize = Math.max(constants.Z_MIN_CHUNK, length + 1);
    const content = inflateSync(input, { chunkSize, maxOutputLength: length + 1 });
    if (content.length !== length) return false;
    memory.set(content, start);
    return true;
  } catch {
    return false;
  }
};

/** What Node's own zlib streams work on. It is not documented, so it is used only after it has passed a test. */
type Engine = {
  readonly _handle: {
    onerror: () => void;
    readonly reset: () => void;
    readonly writeSync: (
      flush: number,
      input: Buffer,
      inputAt: number,
      inputLength: number,
      output: Buffer,
      outputAt: number,
      outputLength: number,
    ) => void;
  };
  /** Room that is left in the output, and input that is left, after a write. */
  readonly _writeState: Uint32Array;
};

/** One state for all streams, which writes where the result belongs: reading a pack takes a quarter less time so. */
function inflateAgain(): Inflater {
  const { _handle: handle, _writeState: state } = createInflate() as unknown as Engine;
  let failed = false;
  handle.onerror = () => {
    failed = true;
  };
  return (input, memory, { start, length }) => {
    failed = false;
    handle.reset();
    // With room to spare, a stream that does not end is an error, and one that ends leaves just that room.
    handle.writeSync(constants.Z_FINISH, input, 0, input.length, memory, start, length + 1);
    return !failed && state[0] === 1;
  };
}

/** Whether an inflater takes a sound stream, and none that is cut short, damaged, or of another size. */
function isSound(inflater: Inflater): boolean {
  const content = Buffer.from('From: a\nFrom: b\n\nline\nline\n\0');
  const stream = deflateSync(content);
  const damaged = Buffer.from(stream.map((byte, at) => (at === stream.length - 1 ? byte ^ 1 : byte)));
  const trial = (input: Buffer, length: number): boolean => {
    const memory = Buffer.alloc(content.length + 8);
    return inflater(input, memory, { start: 1, length }) && memory.subarray(1, 1 + length).equals(content);
  };
  const { length } = content;
  const wrong = [stream.subarray(0, -1), stream.subarray(0, 5), damaged, content].some((input) => trial(input, length));
  return (
    !wrong &&
    !trial(stream, length + 1) &&
    !trial(stream, length - 1) &&
    trial(Buffer.concat([stream, damaged]), length)
  );
}

/** An inflater: the quick one where this Node has what it needs and it works, else the documented one. */
export function makeInflater(): Inflater {
  try {
    const again = inflateAgain();
    if (isSound(again)) return again;
  } catch {
    // This Node keeps its engine elsewhere.
  }
  return inflateAnew;
}
