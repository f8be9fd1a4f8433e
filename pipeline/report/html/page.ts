import { plain } from '../../model/text.ts';
import { text } from '../text.ts';
import type { View } from '../view.ts';
import { pageData } from './data.ts';
import { embeddedJson, escapeHtml, hashSource } from './embed.ts';
import { body } from './markup.ts';
import { pack } from './pack.ts';
import { STYLE } from './style/style.ts';

/**
 * A view as one HTML file that needs nothing else: style, script and facts are in it. Its policy lets exactly this script and
 * style run and forbids every request, so that a text of a source could do nothing even where it became markup. A view without
 * facts for a page is its text, and runs no script.
 */
export function html(view: View): string {
  const { title, page } = view;
  if (page === null) return documentOf(title, null, `\n<main><pre>${escapeHtml(text(view))}</pre></main>`);
  const data = `\n<script type="application/json" id="data">${embeddedJson(pack(pageData(view, page)))}</script>`;
  return documentOf(title, `\n${page.script}\n`, `${body(title)}${data}`);
}

function documentOf(title: string, script: string | null, content: string): string {
  const style = `\n${STYLE}\n`;
  const policy = [
    "default-src 'none'",
    ...(script === null ? [] : [`script-src ${hashSource(script)}`]),
    `style-src ${hashSource(style)}`,
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>${escapeHtml(plain(title))}</title>
<style>${style}</style>
</head>
<body>${content}
${script === null ? '' : `<script>${script}</script>\n`}</body>
</html>
`;
}
