/** Places move where blanks are added: what they say of the source is no fact about CPUID. */
const PLACES = new Set(['line', 'column', 'bytes', 'start', 'end', 'offset', 'bodyStart', 'at', 'preprocessed']);

const plain = (key: string, value: unknown): unknown => {
  if (PLACES.has(key)) return undefined;
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value];
  if (Buffer.isBuffer(value)) return value.toString('latin1');
  return typeof value === 'string'
    ? value.replaceAll('\r\n', '\n').replace(/(\.[chm]\w*):\d+(?::\d+)?/g, '$1:N')
    : value;
};

/** One text for equal facts. */
export const canonical = (value: unknown): string => JSON.stringify(value, plain) ?? 'nothing';
