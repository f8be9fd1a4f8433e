import { plain } from '../model/text.ts';

/** `1.5.06..2.0.18` for neighbours among the releases that were read, else the parts with commas. */
export function releasesText(releases: readonly string[], all: readonly string[]): string {
  const parts: { first: number; last: number }[] = [];
  for (const at of releases.map((release) => all.indexOf(release)).sort((a, b) => a - b)) {
    const part = parts.at(-1);
    if (part !== undefined && part.last === at - 1) part.last = at;
    else parts.push({ first: at, last: at });
  }
  const name = (at: number): string => plain(all[at] ?? '');
  return parts.map(({ first, last }) => (first === last ? name(first) : `${name(first)}..${name(last)}`)).join(', ');
}
