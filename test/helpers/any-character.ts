import fc from 'fast-check';

const [SURROGATES, LAST] = [0xd800, 0x10ffff];
const COUNT = 0x800;

function indexOf(character: unknown): number {
  const point = typeof character === 'string' ? character.codePointAt(0) : undefined;
  if (point === undefined || character !== String.fromCodePoint(point)) throw new Error('not one character');
  if (point >= SURROGATES && point < SURROGATES + COUNT) throw new Error('half a character');
  return point < SURROGATES ? point : point - COUNT;
}

/**
 * Any character of Unicode, as a unit of strings: what fast-check calls `binary`, which writes a table of them all, for seconds, and
 * keeps it in each worker.
 */
export const anyCharacter: fc.Arbitrary<string> = fc
  .nat({ max: LAST - COUNT })
  .map((index) => String.fromCodePoint(index < SURROGATES ? index : index + COUNT), indexOf);
