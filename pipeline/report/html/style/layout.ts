/** Type, fields, lists and the two columns. Lengths are relative to the text, so that enlarging it reflows the page. */
export const LAYOUT = `
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0 auto; padding: 1rem 1.25rem 4rem; max-width: 108rem; background: var(--page); color: var(--text);
  font: 0.9375rem/1.45 system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.25rem; margin: 0; } h2 { font-size: 1.0625rem; margin: 2rem 0 0.5rem; } h3 { font-size: 0.9375rem; margin: 0; }
header p { margin: 0.15rem 0 1rem; color: var(--soft); }
p { margin: 0.35rem 0; } a { color: var(--link); } kbd { font: inherit; border: 1px solid var(--strong); border-radius: 3px; padding: 0 0.3em; }
[hidden] { display: none !important; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -999rem; } .skip:focus { position: static; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 1px; }
[tabindex='-1']:not(td):focus-visible { outline: none; }
.warning { border-left: 4px solid var(--warning); padding: 0.5rem 0.75rem; background: var(--panel); }
.question { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 0.75rem 1rem; }
.fields { display: flex; flex-wrap: wrap; gap: 0.5rem 0.9rem; align-items: end; }
.field { display: flex; flex-direction: column; gap: 0.15rem; font-size: 0.8125rem; color: var(--soft); min-width: 0; }
.field.steps > span { display: flex; gap: 0.25rem; align-items: center; }
.check { display: inline-flex; align-items: center; gap: 0.35rem; min-height: 2rem; }
.check input { width: 1.1rem; height: 1.1rem; accent-color: var(--link); }
select, input[type='text'], button { font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--strong); border-radius: 4px;
  padding: 0.2rem 0.5rem; min-height: 2rem; max-width: 100%; }
button { cursor: pointer; } button:disabled { color: var(--soft); cursor: default; }
.question select { font-size: 1.0625rem; font-weight: 600; }
input[type='text'] { width: 12rem; } input[type='text']::placeholder { color: var(--soft); opacity: 1; }
input[type='range'] { width: 13rem; max-width: 60vw; accent-color: var(--link); }
#summary { margin: 0.75rem 0 0; font-size: 1.0625rem; max-width: 70rem; }
#meaning { list-style: none; margin: 0.25rem 0; padding: 0; color: var(--soft); } #meaning li { margin: 0.15rem 0; }
nav { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin-top: 0.5rem; font-size: 0.875rem; }
.filter { display: block; margin: 0.75rem 0 0; padding: 0 1rem; } #matched { color: var(--soft); font-size: 0.8125rem; }
.columns { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem 1.25rem; margin-top: 0.75rem; }
.columns > * { min-width: 0; } .matrix h2 { margin: 0; }
.scroll { overflow: auto; }
#changes details { margin-bottom: 0.75rem; }
summary { cursor: pointer; padding: 0.25rem 0; } summary h3 { display: inline; } .count { color: var(--soft); margin-left: 0.6rem; }
table { border-collapse: collapse; } caption { text-align: left; font-weight: 600; padding: 0.5rem 0 0.25rem; }
.changes, .plain { width: 100%; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
.changes th, .changes td, .plain th, .plain td { text-align: left; vertical-align: top; padding: 0.35rem 0.6rem 0.35rem 0; border-top: 1px solid var(--line); font-weight: 400; }
.changes { min-width: 26rem; } .cls { white-space: nowrap; } .changes td:nth-child(2) { min-width: 5.9rem; } .changes td:nth-child(4) { min-width: 5.5rem; overflow-wrap: anywhere; }
thead th { color: var(--soft); font-size: 0.8125rem; border-top: 0 !important; }
.bit { display: block; white-space: nowrap; border: 0; padding: 0; min-height: 0; line-height: inherit; background: none; color: var(--link); text-align: left; text-decoration: underline; text-underline-offset: 2px; }
.name { font-weight: 600; } .none, .gate, .source, .source a { color: var(--soft); } .gate, .source { display: block; font-size: 0.8125rem; } .source, .changes .gate { overflow-wrap: anywhere; } #story td, .finding { overflow-wrap: anywhere; }
.clobber { color: var(--error); font-weight: 600; } .help { color: var(--warning); }
.badge { display: inline-block; white-space: nowrap; border-radius: 3px; padding: 0 0.4em; background: var(--mute); color: var(--mute-text); }
.v-exposed { background: var(--bad); color: var(--bad-text); } .v-denied { background: var(--stop); color: var(--stop-text); }
.v-needs-optin { background: var(--ask); color: var(--ask-text); } .v-allowed { background: var(--good); color: var(--good-text); }
#story { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 0.75rem 1rem; }
#story h2 { margin: 0.75rem 0 0.25rem; } #story section { margin-top: 1.25rem; } .lead { font-size: 1rem; }
.findings { list-style: none; padding: 0; } .finding { border-top: 1px solid var(--line); padding: 0.4rem 0; }
.level { font-weight: 600; } .l-error { color: var(--error); } .l-warning { color: var(--warning); } .l-info { color: var(--soft); }
/* What is out of view is laid out when it comes into view. */
#timeline, #findings, #read { content-visibility: auto; contain-intrinsic-size: auto 20rem; }
#plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-size: 0.875rem; } svg { width: 100%; height: auto; display: block; }
.stroke { stroke: var(--link); stroke-width: 2; } .gap { stroke-dasharray: 4 3; } .axis { stroke: var(--line); }
.dot { fill: var(--link); } .chosen { fill: var(--panel); stroke: var(--link); stroke-width: 3; } .tick, .unread { fill: var(--soft); font-size: 11px; }
@media (min-width: 60rem) and (max-width: 85.99rem) { .bit { display: inline-block; margin-right: 0.6rem; } }
@media (min-width: 86rem) {
  .columns { grid-template-columns: minmax(27rem, 1fr) auto; align-items: start; }
  .matrix { position: sticky; top: 0.75rem; } .grid-scroll { max-height: calc(100vh - 14rem); }
  #story { position: sticky; top: 0.75rem; max-height: calc(100vh - 1.5rem); overflow: auto; }
}`;
