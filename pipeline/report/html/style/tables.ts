/** The tables whose cells are signs: the map, a bit's strip and the bits of a leaf. Each sign says what its colour says. */
export const TABLES = `
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
export const PRINT = `
@media print {
  body { font-size: 9pt; padding: 0; max-width: none; } a { color: inherit; }
  header, footer, .fields, .skip, .actions button, .actions a, #back, .drop { display: none !important; }
  .home { display: flex; flex-direction: column; gap: 8mm; } .home > .briefing { order: -1; border: 0; padding: 0; } .scroll { overflow: visible; } .map-part { position: static; }
  .map th[scope=row], .strip th[scope=row], .bits th[scope=row] { position: static; } details:not([open]) { display: none; } tr, .finding, .part { break-inside: avoid; }
  td, .map a { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}`;
