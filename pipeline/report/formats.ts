import { annotations } from './annotations.ts';
import type { Briefing } from './briefing.ts';
import { briefingMarkdown, briefingText } from './briefing-text.ts';
import { findingsJson } from './findings-json.ts';
import { type Format, VERSION } from './format-names.ts';
import { html } from './html/page.ts';
import { junit } from './junit.ts';
import { jsonText } from './machine.ts';
import { cutBlocks, LIMITS, markdown, markdownBlocks } from './markdown.ts';
import { sarif } from './sarif.ts';
import { text } from './text.ts';
import type { View } from './view.ts';

/** Every review of a release on one screen each. */
const briefings = (view: View, form: (briefing: Briefing) => string): string =>
  view.sections.flatMap(({ briefing }) => (briefing === null ? [] : [form(briefing)])).join('\n');

/** A format: a view in, bytes out. One line here, its name and one file make a new one. */
export const FORMATS = {
  markdown,
  text,
  briefing: (view: View) => briefings(view, briefingText),
  'briefing-markdown': (view: View) => briefings(view, briefingMarkdown),
  json: (view: View) => jsonText(findingsJson(view)),
  html,
  sarif: (view: View) => jsonText(sarif(view, VERSION)),
  annotations,
  junit,
  comment: (view: View) => cutBlocks(markdownBlocks(view), LIMITS.comment, 'see the whole report'),
  summary: (view: View) => cutBlocks(markdownBlocks(view), LIMITS.summary, 'see the whole report'),
} as const satisfies Readonly<Record<Format, (view: View) => string>>;
