/** Random numbers that a seed decides: the same seed gives the same inputs on every machine. */
export type Random = {
  /** From 0 to below `limit`. */
  readonly below: (limit: number) => number;
  readonly pick: <T>(items: readonly T[]) => T | undefined;
};

/** The numbers of one input: of the run's seed, the target's name and the input's number. */
export function randomOf(seed: number, name: string, input: number): Random {
  let state = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(input + 1, 0xc2b2ae35);
  for (const char of name) state = Math.imul(state ^ char.charCodeAt(0), 0x01000193);
  const next = (): number => {
    // The generator of Tommy Ettinger known as mulberry32.
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { below, pick: (items) => items[below(items.length)] };
}
