const VERSION = /^\d{1,4}\.\d{1,4}\.\d{1,4}$/;

/** Whether a text is a module or SEAMLDR version such as `1.5.06`; versions are strings, their zeros count. */
export const isVersion = (text: string): boolean => VERSION.test(text);

/** The versions that stand in a text, each not part of a longer run of digits and dots. */
export function versionsIn(text: string): readonly string[] {
  return (text.match(/\d[\d.]*/g) ?? []).map((run) => run.replace(/\.+$/, '')).filter(isVersion);
}

/** Order of versions by number, then by text, so that `1.5.6` and `1.5.06` are two and ordered. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a.split('.'), b.split('.')];
  for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
    const difference = Number(left[index] ?? -1) - Number(right[index] ?? -1);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
