import type { Level } from '../model/finding.ts';
import type { Between, SeriesOutcome } from '../model/series-effect.ts';

/** Who bisects lands in such a state: it is an error where a TD gets what the series keeps from it. */
export const betweenLevel = ({ kind }: Between): Level =>
  kind === 'hidden-not-refused' || kind === 'open' ? 'error' : 'warning';

/** The levels of all that a series changes; what it settles counts with `settled`. */
export function levelsOf(
  { findings, between, effects }: Extract<SeriesOutcome, { kind: 'applied' }>,
  settled: boolean,
): readonly Level[] {
  return [
    ...findings.filter(({ decided }) => decided === null).map(({ level }) => level),
    ...between.map(betweenLevel),
    ...effects.flatMap(({ opened, closed }) => [...opened, ...(settled ? closed : [])].map(({ level }) => level)),
  ];
}
