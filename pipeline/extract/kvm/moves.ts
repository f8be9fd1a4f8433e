/** Lines of an item, 1-based, and by how many it stands elsewhere in another revision of its file. */
export type Move = { readonly first: number; readonly last: number; readonly by: number };

/** The lines that a value names, by path: `{ path, line }` at any depth. */
export function linesIn(
  value: unknown,
  found: Map<string, Set<number>> = new Map(),
): ReadonlyMap<string, ReadonlySet<number>> {
  if (typeof value !== 'object' || value === null) return found;
  if (isPlaced(value)) found.set(value.path, (found.get(value.path) ?? new Set()).add(value.line));
  for (const part of value instanceof Map ? value.values() : Object.values(value)) linesIn(part, found);
  return found;
}

const isPlaced = (value: object): value is { readonly path: string; readonly line: number } =>
  'path' in value && typeof value.path === 'string' && 'line' in value && typeof value.line === 'number';

/**
 * Whether items stand as they did to each other: each behind the one before it, in lines of its own, so that what is told by
 * line or sorted by it comes out alike. The first line is also that of what has none, and moves with nothing.
 */
export function isInOrder(moves: readonly Move[]): boolean {
  if (moves.every(({ by }) => by === 0)) return true;
  const sorted = [...moves].sort((a, b) => a.first - b.first);
  let [last, by] = [1, 0];
  for (const move of sorted) {
    if (move.by !== by && (move.first <= last || move.first + move.by <= last + by)) return false;
    if (move.last > last) [last, by] = [move.last, move.by];
  }
  return true;
}

/** A value with its lines of a path where the items that they stand in have gone. */
export function moved(value: unknown, path: string, moves: readonly Move[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Map) return new Map([...value].map(([key, part]) => [key, moved(part, path, moves)]));
  if (Array.isArray(value)) return value.map((part: unknown) => moved(part, path, moves));
  const parts = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, moved(part, path, moves)]));
  if (!isPlaced(value) || value.path !== path) return parts;
  const { line } = value;
  return { ...parts, line: line + (moves.find(({ first, last }) => first <= line && line <= last)?.by ?? 0) };
}
