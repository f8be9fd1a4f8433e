/**
 * The matrix: heads stay in view while it scrolls in its own box, and what has the focus is never under them. Rows are laid out
 * by themselves, and only those in view: a table's own layout of ten thousand cells takes longer than a repaint may.
 */
export const GRID = `
#readout { min-height: 2.9em; margin: 0.25rem 0; color: var(--soft); max-width: 54rem; }
.grid-scroll { max-height: 80vh; border: 1px solid var(--line); background: var(--panel); width: fit-content; max-width: 100%;
  scroll-padding: 2rem 0.5rem 0.5rem 7.5rem; }
#grid { display: block; width: max-content; font-size: 0.75rem; font-variant-numeric: tabular-nums; }
#grid tbody { display: block; }
#grid tr { display: flex; height: 1.5rem; } #grid tbody tr { content-visibility: auto; contain-intrinsic-size: auto 1.5rem; }
#grid th { flex: none; background: var(--panel); font-weight: 400; line-height: 1.5rem; white-space: nowrap; }
#grid thead { display: block; position: sticky; top: 0; z-index: 2; border-bottom: 1px solid var(--line); }
#grid thead th { text-align: center; font-size: inherit; color: var(--soft); }
#grid th:first-child { position: sticky; left: 0; z-index: 1; width: 7.25rem; text-align: left; padding: 0 0.3rem; border-right: 1px solid var(--line); }
#grid tr.first { border-top: 1px solid var(--strong); }
#grid thead th:not(:first-child), #grid td { flex: none; width: 1.5rem; }
#grid td { padding: 0; line-height: 1.45rem; text-align: center; position: relative; cursor: pointer; border-right: 1px solid var(--panel); border-bottom: 1px solid var(--panel); }
#grid td:nth-child(8n + 1) { border-right-color: var(--strong); }
#grid td[aria-selected], #grid td:focus { outline: 3px solid var(--focus); outline-offset: -3px; z-index: 1; }
.absent, .off { color: var(--soft); } .ve { background: var(--ve); color: var(--ve-text); }
.cd { background: var(--cd); color: var(--cd-text); } .ad { background: var(--ad); color: var(--ad-text); }
.f1 { background: var(--f1); color: var(--f1-text); } .f0 { background: var(--f0); color: var(--f0-text); } .na { background: var(--na); color: var(--na-text); }
.changed { box-shadow: inset 0 0 0 2px var(--frame); font-weight: 700; }
#grid.overlay td::after { content: attr(data-verdict); position: absolute; right: 1px; bottom: 0; font-size: 0.625rem; line-height: 1; }
#grid.overlay td[data-verdict='!']::after, #grid.overlay td[data-verdict='×']::after, #grid.overlay td[data-verdict='?']::after {
  right: 0; padding: 0 0.12rem; font-weight: 700; font-size: 0.6875rem; }
#grid.overlay td[data-verdict='!']::after { background: var(--bad); color: var(--bad-text); }
#grid.overlay td[data-verdict='×']::after { background: var(--stop); color: var(--stop-text); }
#grid.overlay td[data-verdict='?']::after { background: var(--ask); color: var(--ask-text); }
.legend { font-size: 0.8125rem; max-width: 56rem; } .legends { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); gap: 0.5rem 1.5rem; }
.legend ul { list-style: none; padding: 0; margin: 0.25rem 0; } .legend li { margin: 0.15rem 0; }
.key { display: inline-block; min-width: 1.4rem; text-align: center; line-height: 1.4rem; }
@media (max-width: 40rem) { #grid th:first-child { width: 6.4rem; padding: 0 0.2rem; font-size: 0.6875rem; } .grid-scroll { scroll-padding-left: 6.6rem; } }`;

/** On paper: what was chosen and found, no fields, the matrix on as many pages as it needs, colours kept. */
export const PRINT = `
@media print {
  body { font-size: 9pt; padding: 0; max-width: none; } a { color: inherit; }
  #timeline, #findings, #read { content-visibility: visible; }
  nav, .filter, .steps, .skip, #readout, .close { display: none !important; }
  .scroll, .grid-scroll { overflow: visible; max-height: none; border: 0; }
  .columns { display: block; } .matrix { position: static; } #story { position: static; max-height: none; overflow: visible; }
  #grid { display: table; table-layout: fixed; border-collapse: separate; border-spacing: 0; font-size: 6pt; width: 100%; } #grid tbody { display: table-row-group; }
  #grid tr { display: table-row; height: auto; content-visibility: visible; } #grid td, #grid th { display: table-cell; line-height: 11pt; } #grid thead { display: table-header-group; position: static; }
  #grid th:first-child { position: static; width: 16mm; font-size: 5.5pt; } #grid td, #grid thead th:not(:first-child) { width: auto; } tr, .finding { break-inside: avoid; }
  #grid td, .key, .badge { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}`;
