/** Orders that no locale changes. */
export const compareNumbers = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0);
/** By UTF-16 code units: the same everywhere. */
export const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * Versions by their numbers: `1.5 Beta` before `1.5.01`, `6.9` before `6.16`, `7.0-rc1` before `7.0`. A part that is
 * no number stands before all numbers and before the end; equal keys fall back to the text, so the order is total.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [versionKey(a), versionKey(b)];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const order = compareNumbers(left[index] ?? 0, right[index] ?? 0);
    if (order !== 0) return order;
  }
  return compareTexts(a, b);
}

/** Words count below the end of a version: a Beta or rc comes before the release itself. */
function versionKey(version: string): readonly number[] {
  return (version.match(/\d+|[A-Za-z]+/g) ?? []).map((part) => (/^\d/.test(part) ? Number(part) : -1));
}
