import { clobberFacts } from '../../judge/clobber-facts.ts';
import { arguedOf, clobbersOf, numberBits } from '../../judge/lookup.ts';
import { type EntrySite, type Learnt, openerName } from '../../model/clobber.ts';
import { constantText } from '../../model/constant-text.ts';
import { and, bitMask } from '../../model/mask.ts';
import type { Place } from '../../model/place.ts';
import type { Specs } from '../../specs/store.ts';
import { wrap } from '../wrap.ts';
import type { BitStory } from './story.ts';

/** The chain from a bit to the host state that its feature clobbers, per release whose source was read. */
export function chainOf(specs: Specs, story: BitStory) {
  const bit = bitMask(story.bit);
  return clobbersOf(specs.knowledge, story.place, bit).map(({ row }) => ({
    feature: row.feature,
    msrs: row.msrs,
    releases: specs.clobbers.map((facts) => ({
      release: facts.release,
      facts: clobberFacts(row, facts, null),
      transitions: facts.msrs
        .filter((transition) =>
          transition.openers.some(
            (opener) =>
              opener.kind === 'cpuid' &&
              opener.leaf === story.place.leaf &&
              opener.register === story.place.register &&
              and(opener.mask, bit) !== 0,
          ),
        )
        .map(({ msr, guard, entry, exit, exitAt, openers, learnt }) => ({
          msr,
          guard,
          entry,
          exit,
          exitAt,
          openers: openers.map(openerName),
          learnt: learnt ?? null,
        })),
    })),
  }));
}

/** `path:line`, and from where it was inferred where nobody read it in that release. */
export function siteText({ path, line }: EntrySite, learnt: Learnt | undefined): string {
  const at = line === null ? path : `${path}:${line}`;
  return learnt?.how === 'inferred' ? `${at}, inferred from ${learnt.from.join(' and ')}` : at;
}

/** What a row of `specs/clobbers.md` says of its feature, but that it clobbers. */
export const KINDS = {
  handled: 'KVM brings it back',
  functional: 'needs the VMM’s help',
  harmless: 'harmless',
} as const;

/** What is argued of a feature that clobbers nothing; that nobody examined a bit that a VMM can set. */
function arguedText(specs: Specs, story: BitStory): readonly string[] {
  const { knowledge } = specs;
  const mask = bitMask(story.bit);
  const rows = arguedOf(knowledge, story.place, mask);
  const isNumber = numberBits(knowledge, story.place, mask) !== 0;
  if (rows.length === 0 && !isNumber && story.releases.some((run) => run.class.endsWith('-direct')))
    return wrap('not examined: specs/clobbers.md has no row for it', '  host state: ');
  return rows.flatMap(({ feature, kind, source }) =>
    kind === 'clobber' ? [] : wrap(`${feature}: ${KINDS[kind]}; ${source}`, '  host state: '),
  );
}

/** The text that a register holds in every TD, with those beside it: runs of releases that have the same. */
function textLines(specs: Specs, place: Place): readonly string[] {
  const runs: { readonly text: string | null; readonly releases: string[] }[] = [];
  for (const release of specs.releases) {
    const text = constantText(release, place);
    const last = runs.at(-1);
    if (last !== undefined && last.text === text) last.releases.push(release.module.release);
    else runs.push({ text, releases: [release.module.release] });
  }
  return runs.flatMap(({ text, releases }) =>
    text === null
      ? []
      : wrap(
          `“${text}”`,
          `  text in ${releases.length === 1 ? releases[0] : `${releases[0]} to ${releases.at(-1)}`}: `,
        ),
  );
}

/** The same as text, with what is argued of features that clobber nothing. */
export function chainText(specs: Specs, story: BitStory): string {
  const lines: string[] = [...textLines(specs, story.place), ...arguedText(specs, story)];
  for (const { feature, releases } of chainOf(specs, story)) {
    lines.push(`  host state: ${feature}`);
    for (const { release, transitions } of releases) {
      for (const { msr, guard, entry, exit, exitAt, learnt } of transitions) {
        lines.push(...wrap(`${msr} under ${guard ?? 'no guard'}`, `    ${release.padEnd(9)}`));
        for (const site of entry) lines.push(...wrap(siteText(site, learnt?.entry), '      written on entry '));
        if (exit === 'none') lines.push('      never written on exit');
        for (const site of exitAt) lines.push(...wrap(siteText(site, learnt?.exit), `      exit (${exit}) `));
      }
    }
    const read = new Set(releases.map(({ release }) => release));
    const unread = story.releases.map(({ release }) => release).filter((release) => !read.has(release));
    if (unread.length > 0) lines.push(...wrap(unread.join(', '), '    not examined for '));
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
