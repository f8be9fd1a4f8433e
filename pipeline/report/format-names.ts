/** The program's version, as outputs and requests carry it. */
export const VERSION = '0.1.0';

/** What `--out` can write, in the order of help; the formats themselves are loaded where one is written. */
export const FORMAT_NAMES = [
  'markdown',
  'text',
  'briefing',
  'briefing-markdown',
  'json',
  'html',
  'sarif',
  'annotations',
  'junit',
  'comment',
  'summary',
] as const;

export type Format = (typeof FORMAT_NAMES)[number];
