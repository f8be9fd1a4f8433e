import { plain } from '../../model/text.ts';
import { text } from '../text.ts';
import type { View } from '../view.ts';
import { pageData } from './data.ts';
import { embeddedJson, escapeHtml, hashSource } from './embed.ts';
import { pack } from './pack.ts';
import { STYLE } from './style.ts';

/** The page's fixed parts; everything else is filled in by the script, as text. */
const body = (title: string): string => `
<a class="skip" href="#view">Skip to the content</a>
<header>
  <h1><a href="#" id="home">bitwatch</a> <span class="hidden">${escapeHtml(title)}</span></h1>
  <search>
    <label for="query">Find a bit, feature or release <kbd>/</kbd></label>
    <span><input type="text" id="query" list="names" placeholder="WAITPKG, 7.1.EAX[3], CPUID.7.0:ECX[5]" autocomplete="off" spellcheck="false"><button type="button" id="find">Find</button></span>
    <datalist id="names"></datalist>
  </search>
  <nav aria-label="Views"><a href="#" id="to-map">Map</a> <a href="#view=bits" id="to-bits">All bits</a> <a href="#view=host" id="to-host">Your host</a></nav>
</header>
<noscript><p class="warning">This page needs JavaScript. The same findings stand in index.md and report.txt beside it.</p></noscript>
<p id="status" class="hidden" role="status"></p>
<main id="view" tabindex="-1"></main>
<footer><p>Which CPUID bits a TD may newly get with a TDX module release, which of them clobber host state, and what KVM does about each. This file asks nothing of any host.</p></footer>`;

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
