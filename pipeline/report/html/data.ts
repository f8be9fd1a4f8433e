import type { Discussions, PageFacts } from '../../cases/page-facts.ts';
import type { Finding } from '../../model/finding.ts';
import type { ModuleRelease } from '../../model/module.ts';
import type { Specs } from '../../specs/store.ts';
import { coverageLines, type View } from '../view.ts';
import { webAddresses } from './links.ts';
import { cellOf, type MapCell } from './map.ts';

/** The facts that a page works with. Releases come without their registers, which are worked out of tables and rules. */
type PageSpecs = Pick<
  Specs,
  'deciders' | 'unexamined' | 'known' | 'lineage' | 'policies' | 'knowledge' | 'clobbers' | 'decisions' | 'waivers'
> & { readonly modules: readonly ModuleRelease[] };

/** What the page's script reads: facts, and the map, which takes longer to work out than a reader waits. */
export type PageData = {
  readonly title: string;
  readonly today: string;
  readonly first: PageFacts['first'];
  readonly specs: PageSpecs;
  readonly map: readonly (readonly MapCell[])[];
  /** What this run reports, review by review. */
  readonly sections: readonly {
    readonly title: string;
    readonly summary: string;
    readonly notes: readonly string[];
    readonly command: string;
    readonly findings: readonly Finding[];
  }[];
  readonly coverage: readonly string[];
  readonly discussions: Discussions | null;
  /** A repository's name to the https address where a browser can read it. */
  readonly web: ReadonlyMap<string, string>;
};

export function pageData(view: View, { specs, today, reviews, first, discussions }: PageFacts): PageData {
  const { releases, deciders, unexamined, known, lineage, policies, knowledge, clobbers, decisions, waivers, sources } =
    specs;
  const facts = { deciders, unexamined, known, lineage, policies, knowledge, clobbers, decisions, waivers };
  return {
    title: view.title,
    today,
    first,
    specs: { ...facts, modules: releases.map(({ module }) => module) },
    map: reviews.map((row) => row.map(cellOf)),
    sections: view.sections.map(({ title, summary, notes, command, items }) => ({
      title,
      summary,
      notes,
      command,
      findings: items.map(({ finding }) => finding),
    })),
    // What was not read stands in the table of releases.
    coverage: coverageLines({ ...view.coverage, unread: [] }),
    discussions,
    web: webAddresses(sources),
  };
}
