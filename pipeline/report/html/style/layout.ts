/** Type, fields, lists and tables. Texts of CPUID are shown with all their blanks. Lengths are relative to the text, so that enlarging it reflows the page. */
export const LAYOUT = `
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
