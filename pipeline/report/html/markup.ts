import { escapeHtml } from './embed.ts';

const field = (id: string, label: string): string =>
  `<label class="field"><span>${label}</span><select id="${id}"></select></label>`;

const QUESTION = `
<section class="question" aria-label="What is compared">
  <div class="fields">
    ${field('from', 'From release')}
    ${field('to', 'to release')}
    ${field('kvm', 'under KVM')}
    <div class="field steps"><label for="slider">Step through releases</label>
      <span><button type="button" id="older" aria-label="Older release">‹</button><input type="range" id="slider" min="0" step="1"><button type="button" id="newer" aria-label="Newer release">›</button></span>
    </div>
  </div>
  <p id="summary" aria-live="polite"></p>
  <ul id="meaning"></ul>
  <nav aria-label="On this page"><a href="#changes">Changed bits</a><a href="#matrix">Every bit</a><a href="#timeline">Bits per release</a><a href="#findings">Findings</a><a href="#read">What was read</a></nav>
</section>`;

const FILTER = `
<search class="filter" aria-label="Filter">
  <div class="fields">
    <label class="field"><span>Bit or feature name <kbd>/</kbd></span><input type="text" id="query" placeholder="WAITPKG, 7.1.EAX[19]" autocomplete="off" spellcheck="false"></label>
    ${field('leaf', 'Leaf')}
    ${field('class', 'Class')}
    ${field('verdict', 'KVM’s verdict')}
    <label class="field"><span>Host state</span><select id="host">
      <option value="">any</option><option value="clobber">clobbers host state</option>
      <option value="functional">needs the VMM’s help</option><option value="harmless">harmless</option><option value="none">not examined</option>
    </select></label>
    <label class="check"><input type="checkbox" id="changed"> changed bits only</label>
    <label class="check"><input type="checkbox" id="overlay"> show KVM’s verdict</label>
    <button type="button" id="clear">Clear</button>
  </div>
  <p id="matched" aria-live="polite"></p>
</search>`;

const MATRIX = `
<section class="matrix" id="matrix" tabindex="-1" aria-labelledby="matrix-title">
  <h2 id="matrix-title">Every bit</h2>
  <p id="readout" aria-hidden="true">Point at a bit, or move with the arrow keys; Enter opens its story, Esc closes it.</p>
  <div class="scroll grid-scroll" role="region" aria-label="Matrix of bits" tabindex="0">
    <table id="grid" role="grid" aria-readonly="true"><caption id="caption" class="hidden"></caption></table>
  </div>
  <details class="legend" open><summary>Signs and colours</summary>
    <div class="legends">
      <div><h3>Class of a bit</h3><div id="legend-classes"></div></div>
      <div><h3>KVM’s verdict, the small sign</h3><div id="legend-verdicts"></div></div>
    </div>
    <p><span class="key ad changed">A</span> framed: class or gates differ between the two releases.</p>
  </details>
</section>`;

/** The page's fixed parts; everything that comes from a source is filled in by the script, as text. */
export const body = (title: string): string => `
<a class="skip" href="#changes">Skip to the changed bits</a>
<header><h1>${escapeHtml(title)}</h1>
<p>Which CPUID bits a TD may newly get with a TDX module release, which of them clobber host state, and what KVM does about each.</p></header>
<noscript><p class="warning">This page needs JavaScript. The same findings stand in index.md and report.txt beside it.</p></noscript>
<main>
<div id="bits">
${QUESTION}
${FILTER}
<div class="columns">
  <div class="side">
    <div id="changes" tabindex="-1"></div>
    <section id="story" aria-labelledby="story-title" hidden></section>
  </div>
  ${MATRIX}
</div>
<section id="beyond-part" aria-labelledby="beyond-title"><h2 id="beyond-title">What else changed</h2><ul id="beyond"></ul></section>
<section id="timeline" tabindex="-1" aria-labelledby="timeline-title"><h2 id="timeline-title">Bits per release</h2>
  <p>Lines that branch off each other are not joined. × marks a release of which only the name is known; dashes pass over such releases.</p>
  <div id="plots"></div>
  <details id="numbers-part"><summary>The numbers</summary><div class="scroll" id="numbers" role="region" aria-label="Bits per release: table" tabindex="0"></div></details>
</section>
</div>
<section aria-labelledby="findings-title"><h2 id="findings-title">Findings, review by review</h2><div id="findings" tabindex="-1"></div></section>
<section aria-labelledby="read-title"><h2 id="read-title">What was read, and what was not</h2><div class="scroll" id="read" role="region" aria-label="What was read: tables" tabindex="0"></div></section>
</main>`;
