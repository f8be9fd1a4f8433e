/** The tables whose cells are signs: the map, a bit's strip and the bits of a leaf. Each sign says what its colour says. */
const TABLES = `
.map { font-size: 0.8125rem; line-height: 1.25; width: 100%; } .map th, .map td { border: 1px solid var(--line); padding: 0; } .map thead th { padding: 0.25rem 0.3rem; color: var(--soft); text-align: center; }
.map th[scope=row] { padding: 0.2rem 0.4rem; white-space: nowrap; font-weight: 600; background: var(--page); position: sticky; left: 0; z-index: 1; } .map .after { display: block; font-weight: 400; font-size: 0.75rem; color: var(--soft); }
.map a, .strip td a, .bits td a { position: relative; } .map a { display: block; padding: 0.15rem 0.1rem; min-height: 2.3rem; color: inherit; text-decoration: none; text-align: center; white-space: nowrap; } .map a:hover { text-decoration: underline; } .map a:focus-visible { outline-offset: -3px; }
.map .word { display: block; font-size: 0.6875rem; } .map .sign { margin-right: 0.15rem; } .map a[aria-current] { outline: 3px solid var(--frame); outline-offset: -3px; } .map .unread td, .map .unread th { color: var(--soft); font-weight: 400; padding: 0.1rem 0.4rem; font-size: 0.75rem; }
.map .number { display: inline; font-weight: 700; }
.s-clobber { color: var(--error); } .s-clobber a { background: var(--bad); color: var(--bad-text); } .s-decide a { background: var(--ask); color: var(--ask-text); } .s-decide.old a { background: var(--old); color: var(--old-text); } .s-confirm a { background: var(--ad); color: var(--ad-text); }
.s-cannot-run a { color: var(--soft); background: var(--mute); color: var(--mute-text); } td.s-clean a { color: var(--good-text); background: var(--good); } .s-changed a { background: var(--panel); } .s-unknown a { background: var(--f1); color: var(--f1-text); } li.s-clobber { color: var(--soft); }
.strip { font-size: 0.8125rem; } .strip th, .strip td { border: 1px solid var(--line); text-align: center; padding: 0; min-width: 1.75rem; } .strip th[scope=row] { text-align: left; white-space: nowrap; padding: 0 0.6rem 0 0.2rem; background: var(--page); position: sticky; left: 0; z-index: 1; }
.strip thead th { vertical-align: bottom; padding: 0.2rem 0; color: var(--soft); } .strip thead th:first-child { padding-left: 0.2rem; } .strip thead .chosen { color: var(--text); font-weight: 700; } .turned { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
.strip td a { display: block; padding: 0.1rem 0.2rem; color: inherit; text-decoration: none; } .strip td.chosen a { outline: 2px solid var(--frame); outline-offset: -2px; } .strip a:focus-visible { outline: 3px solid var(--focus); outline-offset: -3px; } td.unread { color: var(--soft); }
.v-exposed { background: var(--bad); color: var(--bad-text); font-weight: 700; } .v-denied { background: var(--stop); color: var(--stop-text); } .v-needs-optin { background: var(--ask); color: var(--ask-text); } .v-allowed { background: var(--good); color: var(--good-text); } .v-passed, .v-closed { background: var(--mute); color: var(--mute-text); } .v-refused, .v-not-settable { color: var(--soft); }
.bits { font-size: 0.75rem; } .bits th, .bits td { border: 1px solid var(--line); text-align: center; min-width: 1.7rem; padding: 0; } .bits th[scope=row] { padding: 0 0.4rem; background: var(--page); position: sticky; left: 0; z-index: 1; } .bits thead th { color: var(--soft); }
.bits td a { display: block; color: inherit; text-decoration: none; line-height: 1.7rem; } .bits td a:focus-visible { outline-offset: -3px; } .bits sup { font-size: 0.625rem; line-height: 0; font-weight: 700; margin-left: 1px; } .bits td:nth-child(8n + 1) { border-right-color: var(--strong); }
.c-no { color: var(--soft); } .c-ve { background: var(--ve); color: var(--ve-text); } .c-cd { background: var(--cd); color: var(--cd-text); } .c-ad { background: var(--ad); color: var(--ad-text); } .c-f1 { background: var(--f1); color: var(--f1-text); } .c-f0 { color: var(--f0-text); background: var(--f0); } .c-na { background: var(--na); color: var(--na-text); } .c-de { background: var(--de); color: var(--de-text); }
.off { color: var(--soft); background: none; } .changed { box-shadow: inset 0 0 0 2px var(--frame); }
@media (max-width: 40rem) { .map .word, .map .after, .map .of { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); } .map thead th { writing-mode: vertical-rl; } .map { width: auto; } .map a { min-width: 2rem; min-height: 1.75rem; } .map .sign { margin: 0; } .map .number { font-size: 0.6875rem; } }`;

/** On paper: the briefing first, then the map; no fields, colours kept. */
const PRINT = `
@media print {
  body { font-size: 9pt; padding: 0; max-width: none; } a { color: inherit; }
  header, footer, .fields, .skip, .actions button, .actions a, #back, .drop { display: none !important; }
  .home { display: flex; flex-direction: column; gap: 8mm; } .home > .briefing { order: -1; border: 0; padding: 0; } .scroll { overflow: visible; } .map-part { position: static; }
  .map th[scope=row], .strip th[scope=row], .bits th[scope=row] { position: static; } details:not([open]) { display: none; } tr, .finding, .part { break-inside: avoid; }
  td, .map a { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}`;

/** Type, fields, lists and tables. Texts of CPUID are shown with all their blanks. Lengths are relative to the text, so that enlarging it reflows the page. */
const LAYOUT = `
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; padding: 0 1.25rem 3rem; max-width: 96rem; background: var(--page); color: var(--text);
  font: 0.9375rem/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.25rem; margin: 0; } h1 a { color: inherit; text-decoration: none; } h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 0.75rem; }
h3 { font-size: 1rem; margin: 0 0 0.35rem; } h4 { font-size: 0.9375rem; margin: 0.5rem 0 0.25rem; }
p { margin: 0.35rem 0; } a { color: var(--link); text-underline-offset: 2px; } ul { margin: 0.35rem 0; padding-left: 1.25rem; }
kbd { font: inherit; border: 1px solid var(--strong); border-radius: 3px; padding: 0 0.3em; }
pre, code { font-family: ui-monospace, 'Liberation Mono', Menlo, Consolas, monospace; font-size: 0.875em; } pre { overflow-x: auto; margin: 0.5rem 0; }
main :is(p, li, dd) { white-space: pre-wrap; }
[hidden] { display: none !important; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -999rem; } .skip:focus { position: static; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 1px; } h2:focus-visible, main:focus-visible { outline: none; }
header { display: flex; flex-wrap: wrap; gap: 0.5rem 1.5rem; align-items: end; padding: 0.75rem 0; margin-bottom: 1rem; border-bottom: 1px solid var(--line); }
header h1 { padding-bottom: 0.3rem; } header label { display: block; font-size: 0.8125rem; color: var(--soft); } search { flex: 1 1 18rem; max-width: 30rem; } search span { display: flex; gap: 0.4rem; } search input { flex: 1; min-width: 0; }
nav { display: flex; gap: 0.25rem 1.25rem; flex-wrap: wrap; padding-bottom: 0.3rem; } nav a { padding: 0.2rem 0; } nav a[aria-current] { font-weight: 700; color: var(--text); text-decoration-thickness: 2px; }
footer { margin-top: 2.5rem; color: var(--soft); font-size: 0.8125rem; border-top: 1px solid var(--line); }
.soft, .count, .source, .none { color: var(--soft); } .source { font-size: 0.8125rem; overflow-wrap: anywhere; } td .source, th .source { display: block; } .source a { color: inherit; }
.warning { border-left: 4px solid var(--warning); padding: 0.5rem 0.75rem; background: var(--panel); }
.fields { display: flex; flex-wrap: wrap; gap: 0.5rem 0.9rem; margin-bottom: 0.75rem; }
.field { display: flex; flex-direction: column; font-size: 0.8125rem; color: var(--soft); min-width: 0; }
select, input, textarea, button { font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--strong); border-radius: 4px; padding: 0.2rem 0.5rem; min-height: 2rem; max-width: 100%; }
select { font-size: 0.9375rem; } input::placeholder { color: var(--soft); opacity: 1; } textarea { width: 100%; font-family: ui-monospace, 'Liberation Mono', monospace; font-size: 0.8125rem; }
button { cursor: pointer; background: var(--panel); } button:hover { border-color: var(--link); }
.scroll { overflow-x: auto; max-width: 100%; position: relative; }
summary { cursor: pointer; padding: 0.25rem 0; } .fold { font-weight: 600; } .count { margin-left: 0.6rem; }
details details { margin-left: 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } caption { text-align: left; font-weight: 600; padding: 0.5rem 0 0.25rem; } th { font-weight: 400; text-align: left; }
.plain { width: 100%; max-width: 64rem; font-size: 0.875rem; } .plain th, .plain td { vertical-align: top; padding: 0.3rem 0.75rem 0.3rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere; } .plain th[scope=row] { min-width: 7rem; } .plain thead th { color: var(--soft); font-size: 0.8125rem; border-top: 0; }
.home { display: grid; grid-template-columns: minmax(0, 1fr); gap: 2rem; } .home > * { min-width: 0; } .notes { margin-top: 0.5rem; }
.briefing { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.25rem; align-self: start; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0.2rem 1rem; margin: 0 0 1rem; } .facts dt { color: var(--soft); } .facts dd { margin: 0; }
.part { margin-bottom: 1.1rem; } .actions { border-top: 1px solid var(--line); padding-top: 0.5rem; } .actions a { margin-left: 0.75rem; }
.places { font-size: 0.9375rem; margin-bottom: 0.35rem; } .places th, .places td { vertical-align: top; padding: 0.1rem 1rem 0.1rem 0; } .places th { white-space: nowrap; font-weight: 600; } .mask { color: var(--soft); font-family: ui-monospace, 'Liberation Mono', monospace; font-size: 0.8125rem; line-height: 1.7; }
.findings { list-style: none; padding: 0; } .finding { border-top: 1px solid var(--line); padding: 0.5rem 0; overflow-wrap: anywhere; }
.level { font-weight: 600; } .l-error { color: var(--error); } .l-warning { color: var(--warning); } .l-info { color: var(--soft); }
.lead { font-size: 1.0625rem; } .name { font-weight: 700; } .offers { columns: 10rem auto; list-style: none; padding: 0; }
.legend { list-style: none; padding: 0; font-size: 0.8125rem; color: var(--soft); } .legend strong { color: var(--text); } .legend .sign { display: inline-block; min-width: 1.2em; text-align: center; }
.drop { border: 2px dashed var(--strong); border-radius: 8px; padding: 1rem; margin-bottom: 1rem; } .drop.over { border-color: var(--link); background: var(--panel); }
@media (min-width: 76rem) { .home { grid-template-columns: minmax(38rem, 1fr) minmax(0, 1fr); gap: 1.5rem; } .home > .notes { grid-column: 1 / -1; } .map-part { position: sticky; top: 0.75rem; align-self: start; } }
@media (max-width: 75.99rem) { .home > .briefing { order: -1; } }
@media (max-width: 40rem) { body { padding: 0 0.75rem 2rem; } .briefing { padding: 0.75rem; } .facts { display: block; } .facts dt { margin-top: 0.35rem; } .places td, .places th { padding-right: 0.5rem; } .places td:last-child { overflow-wrap: anywhere; } .fields select { width: 100%; } }`;

/**
 * Colours by meaning, light and dark. Hues follow Okabe and Ito, which people of every colour vision tell apart; each class has
 * its sign besides, and each text at least 4.5 to 1 against its ground.
 */
const LIGHT = `
  --page: #fbfbfa; --panel: #ffffff; --text: #1b1f24; --soft: #57606a; --line: #d5d9de; --strong: #8a929b; --link: #0550ae; --focus: #0550ae;
  --cd: #0b5394; --cd-text: #ffffff; --ad: #cfe3f6; --ad-text: #0a3a66; --f1: #f3c969; --f1-text: #3a2a00;
  --f0: #f1f2f3; --f0-text: #5c6570; --na: #d3ecdf; --na-text: #0d4a33; --ve: #e3dbe8; --ve-text: #4d3560; --de: #f6e3d3; --de-text: #6a3200;
  --bad: #a83a00; --bad-text: #ffffff; --stop: #24292f; --stop-text: #ffffff; --ask: #7d3f98; --ask-text: #ffffff; --old: #eadcf0; --old-text: #562a6b;
  --good: #e0f0e6; --good-text: #14532d; --mute: #e9ebee; --mute-text: #4d5661; --frame: #1b1f24; --error: #a40e26; --warning: #8a4b00;`;
const DARK = `
  --page: #14171b; --panel: #1b1f25; --text: #e4e7eb; --soft: #a4adb8; --line: #343b44; --strong: #6b7480; --link: #7cb7ff; --focus: #7cb7ff;
  --cd: #8cc4ff; --cd-text: #06213d; --ad: #1d3f60; --ad-text: #d5e9ff; --f1: #b98a1c; --f1-text: #161000;
  --f0: #20252b; --f0-text: #949eaa; --na: #1b4433; --na-text: #c4efd9; --ve: #3f3349; --ve-text: #e5d6f0; --de: #4a3320; --de-text: #ffdcbc;
  --bad: #ff9a62; --bad-text: #2b0e00; --stop: #e4e7eb; --stop-text: #14171b; --ask: #d6a4ec; --ask-text: #2b0d38; --old: #3d2a47; --old-text: #e7c9f5;
  --good: #1d3a2a; --good-text: #b9e8ca; --mute: #2a3037; --mute-text: #b3bcc6; --frame: #ffffff; --error: #ff9aa5; --warning: #f0b463;`;

export const PALETTE = `:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
@media print { :root { ${LIGHT} } }`;

/** The page's style sheet. */
export const STYLE = [PALETTE, LAYOUT, TABLES, PRINT].join('\n').trim();
