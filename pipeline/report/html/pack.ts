/**
 * Values as JSON in which what is equal stands once, and keys of objects of one shape stand once: releases share most of their
 * tables. Takes plain objects, arrays, maps from texts or numbers, texts, numbers, bigints, booleans and null; a key that holds undefined is left out.
 */
export type Packed = { readonly shapes: readonly (readonly string[])[]; readonly values: readonly Entry[] };

type Scalar = string | number | boolean | null;
const isScalar = (entry: Entry): entry is Scalar => typeof entry !== 'object' || entry === null;

/** A text, number, boolean or null as it is; else its kind and what it holds, as indexes of earlier values. */
type Entry =
  | Scalar
  | readonly ['a' | 'm', ...number[]]
  | readonly ['o', shape: number, ...number[]]
  | readonly ['b', string];

export function pack(value: unknown): Packed {
  const shapes = new Map<string, number>();
  const scalars = new Map<Scalar, number>();
  const entries = new Map<Scalar, number>();
  const values: Entry[] = [];
  // An object that was packed before is known without walking it again.
  const seen = new Map<object, number>();
  const shapeOf = (keys: readonly string[]): number => {
    const key = JSON.stringify(keys);
    const index = shapes.get(key) ?? shapes.size;
    shapes.set(key, index);
    return index;
  };
  const put = (each: unknown): number => {
    if (typeof each !== 'object' || each === null) return keep(scalar(each));
    const known = seen.get(each);
    if (known !== undefined) return known;
    const index = keep(whole(each));
    seen.set(each, index);
    return index;
  };
  // What a list holds are indexes and its kind: joined they are a key.
  const keep = (entry: Entry): number => {
    const [table, key] = isScalar(entry) ? [scalars, entry] : [entries, entry.join()];
    const known = table.get(key);
    if (known !== undefined) return known;
    table.set(key, values.length);
    return values.push(entry) - 1;
  };
  const whole = (each: object): Entry => {
    if (Array.isArray(each)) return ['a', ...each.map(put)];
    if (each instanceof Map) return ['m', ...[...each].flatMap(([key, item]) => [put(key), put(item)])];
    const pairs = Object.entries(each).filter(([, item]) => item !== undefined);
    const keys = pairs.map(([key]) => key);
    return ['o', shapeOf(keys), ...pairs.map(([, item]) => put(item))];
  };
  put(value);
  return { shapes: [...shapes.keys()].map((keys) => JSON.parse(keys)), values };
}

function scalar(value: unknown): Entry {
  if (typeof value === 'bigint') return ['b', value.toString(16)];
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  throw new Error(`a ${typeof value} cannot be packed`);
}

/** The value that was packed; what was equal is one object now. */
export function unpack({ shapes, values }: Packed): unknown {
  const made: unknown[] = [];
  for (const entry of values) made.push(Array.isArray(entry) ? unpacked(entry, shapes, made) : entry);
  return made.at(-1);
}

function unpacked(entry: readonly unknown[], shapes: Packed['shapes'], made: readonly unknown[]): unknown {
  const [kind, first] = entry;
  if (kind === 'b') return BigInt(`0x${String(first)}`);
  const items = entry.slice(kind === 'o' ? 2 : 1).map((index) => made[Number(index)]);
  if (kind === 'a') return items;
  if (kind === 'm') return new Map(items.flatMap((key, at) => (at % 2 === 0 ? [[key, items[at + 1]] as const] : [])));
  return Object.fromEntries((shapes[Number(first)] ?? []).map((key, at) => [key, items[at]]));
}
