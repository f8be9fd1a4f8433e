import { type Place, placeId } from '../../model/place.ts';
import type { Section } from '../view.ts';
import type { PageFinding, PageSection, PageSource } from './shape.ts';
import { sourceOf, type Table } from './tables.ts';

type FindingTables = {
  readonly texts: Table<string>;
  readonly rules: Table<string>;
  readonly sources: Table<PageSource>;
};

/** The findings of all sections, each with the row of its register. */
export function findingsOf(
  sections: readonly Section[],
  places: readonly Place[],
  webAddresses: ReadonlyMap<string, string>,
  { texts, rules, sources }: FindingTables,
): readonly PageFinding[] {
  const rows = new Map(places.map((place, index) => [placeId(place), index]));
  const rowOf = (place: Place | undefined): number => (place === undefined ? -1 : (rows.get(placeId(place)) ?? -1));
  return sections.flatMap(({ items }, section) =>
    items.map(({ finding, headline, because, todo, decided }) => ({
      section,
      rule: rules.indexOf(finding.rule),
      level: finding.level,
      row: rowOf(finding.places[0]),
      mask: finding.places[0]?.mask ?? 0,
      headline: texts.indexOf(headline),
      because: texts.indexOf(because),
      todo: texts.indexOf(todo),
      evidence: finding.evidence.map((each) => [sources.indexOf(sourceOf(webAddresses, each)), each.line] as const),
      waived: decided === null ? -1 : texts.indexOf(decided),
      fingerprint: finding.fingerprint,
    })),
  );
}

export const sectionsOf = (sections: readonly Section[]): readonly PageSection[] =>
  sections.map(({ title, summary, command, notes }) => ({ title, summary, command, notes }));
