/** Where the objects of one pack stand. */
export type PackIndex = {
  /** The offset of an object in the pack, or -1. */
  readonly find: (oid: Buffer) => number;
  /** The checksum of the pack that the index belongs to. */
  readonly checksum: Buffer;
};

const MAGIC = 0xff744f63;
const VERSION = 2;
const FANOUT = 8;
const NAMES = FANOUT + 256 * 4;
export const OID_LENGTH = 20;

/**
 * Reads a pack index of version 2 with SHA-1 names (gitformat-pack). `null` for every other one, and for one whose tables do
 * not fill the file: such a pack is left for git to read.
 */
export function readPackIndex(bytes: Buffer): PackIndex | null {
  if (bytes.length < NAMES + 2 * OID_LENGTH) return null;
  if (bytes.readUInt32BE(0) !== MAGIC || bytes.readUInt32BE(4) !== VERSION) return null;
  const fanout = Array.from({ length: 256 }, (_, first) => bytes.readUInt32BE(FANOUT + 4 * first));
  if (fanout.some((end, first) => first > 0 && end < (fanout[first - 1] ?? 0))) return null;
  const count = fanout[255] ?? 0;
  const offsets = NAMES + count * (OID_LENGTH + 4);
  const large = offsets + 4 * count;
  const trailer = bytes.length - 2 * OID_LENGTH;
  if (large > trailer || (trailer - large) % 8 !== 0) return null;

  const offsetOf = (position: number): number => {
    const offset = bytes.readUInt32BE(offsets + 4 * position);
    if (offset < 0x80000000) return offset;
    const at = large + 8 * (offset - 0x80000000);
    return at + 8 > trailer ? -1 : Number(bytes.readBigUInt64BE(at));
  };

  const find = (oid: Buffer): number => {
    const first = oid[0] as number;
    const prefix = oid.readUInt32BE(0);
    let low = first === 0 ? 0 : (fanout[first - 1] as number);
    let high = fanout[first] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const name = NAMES + OID_LENGTH * middle;
      // The first four bytes nearly always decide.
      const order = prefix - bytes.readUInt32BE(name) || oid.compare(bytes, name, name + OID_LENGTH);
      if (order === 0) return offsetOf(middle);
      if (order < 0) high = middle;
      else low = middle + 1;
    }
    return -1;
  };
  return { find, checksum: bytes.subarray(trailer, trailer + OID_LENGTH) };
}
