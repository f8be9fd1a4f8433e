/** A YAML double-quoted scalar: versions and hex strings are always quoted, an unquoted 2.0 would be a number. */
export const quoted = (text: string): string => JSON.stringify(text);

/** A flow map of already written values; keys are plain words. */
export const flow = (pairs: readonly (readonly [string, string])[]): string =>
  `{${pairs.map(([key, value]) => `${key}: ${value}`).join(', ')}}`;

/** A list of texts, one a line, or `[]`. */
export function textList(key: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [`${key}: []`] : [`${key}:`, ...items.map((item) => `  - ${quoted(item)}`)];
}
