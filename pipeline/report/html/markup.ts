import { escapeHtml } from './embed.ts';

/** The page's fixed parts; everything else is filled in by the script, as text. */
export const body = (title: string): string => `
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
