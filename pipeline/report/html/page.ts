import { plain } from '../../model/text.ts';
import type { View } from '../view.ts';
import { pageData } from './data.ts';
import { embeddedJson, escapeHtml, hashSource } from './embed.ts';
import { body } from './markup.ts';
import { pageScript } from './script.ts';
import { STYLE } from './style/style.ts';

/**
 * A view as one HTML file that needs nothing else: style, script and data are in it. Its policy lets exactly this script and
 * style run and forbids every request, so that a text of a source could do nothing even where it became markup.
 */
export function html(view: View): string {
  const script = `\n${pageScript()}\n`;
  const style = `\n${STYLE}\n`;
  const policy = [
    "default-src 'none'",
    `script-src ${hashSource(script)}`,
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
<title>${escapeHtml(plain(view.title))}</title>
<style>${style}</style>
</head>
<body>${body(view.title)}
<script type="application/json" id="data">${embeddedJson(pageData(view))}</script>
<script>${script}</script>
</body>
</html>
`;
}
