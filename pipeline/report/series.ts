import { formatDay } from '../model/day.ts';
import type { SeriesEffect } from '../model/series-effect.ts';
import { codeSpan, escapeMarkdown } from './markdown.ts';
import { plain } from './plain.ts';
import { baseText, changeLines, effectGroups, outcomeText, versionText } from './series-words.ts';
import { wrap } from './text.ts';
import { itemOf } from './view.ts';

/** A report on a series before it is laid out: labelled facts, then sections of lines. All of it is plain text. */
type Layout = {
  readonly title: string;
  readonly facts: readonly (readonly [label: string, text: string])[];
  readonly sections: readonly { readonly title: string; readonly lines: readonly string[] }[];
  readonly command: string;
};

function layoutOf(effect: SeriesEffect): Layout {
  const { series, outcome } = effect;
  const author = [series.author.name, `<${series.author.email}>`].filter((part) => part !== '').join(' ');
  const base = 'base' in outcome ? [['base', baseText(outcome.base)] as const] : [];
  const prerequisites = 'base' in outcome ? outcome.base.prerequisites : 0;
  const facts: readonly (readonly [string, string])[] = [
    [
      'series',
      `${versionText(series)}, ${series.total} patch${series.total === 1 ? '' : 'es'}, by ${author}${series.date === null ? '' : `, ${formatDay(series.date)}`}`,
    ],
    ...(series.id === '' ? [] : [['mail', `<${series.id}>`] as const]),
    ...(series.lists.length === 0 ? [] : [['lists', series.lists.join(', ')] as const]),
    ...(series.newer === null
      ? []
      : [
          [
            'newer',
            `A newer version exists: ${versionText(series.newer)} <${series.newer.id}>. What follows is about the older one.`,
          ] as const,
        ]),
    ['kernel', effect.kernel],
    ...base,
    ...(prerequisites === 0
      ? []
      : [
          [
            'builds on',
            `${prerequisites} prerequisite patches that the series names and that were not applied`,
          ] as const,
        ]),
    ['outcome', outcomeText(effect)],
  ];
  return {
    title: plain(`What “${series.title}” ${versionText(series)} does to KVM’s policy for TDs`),
    facts: facts.map(([label, text]) => [label, plain(text)] as const),
    sections: sectionsOf(effect).map(({ title, lines }) => ({ title: plain(title), lines: lines.map(plain) })),
    command: plain(effect.command),
  };
}

function sectionsOf({ outcome, notes }: SeriesEffect): Layout['sections'] {
  const rest = notes.length === 0 ? [] : [{ title: 'Notes', lines: notes }];
  if (outcome.kind !== 'applied') return rest;
  const changes = changeLines(outcome.changes);
  const groups = effectGroups(outcome.effects);
  const policyNotes = [
    ...(outcome.before === null ? ['The base has no TDX support in KVM: there is no policy before.'] : []),
    ...(outcome.before?.notes ?? []).map((note) => `Before: ${note}`),
    ...outcome.after.notes.map((note) => `After: ${note}`),
    `The policy after was read from tree ${outcome.after.source.revision.slice(0, 12)}, which git makes of the base and the series.`,
  ];
  return [
    {
      title: `The policy, KVM ${outcome.before?.version ?? 'without TDX'} to ${outcome.after.version}`,
      lines: changes.length === 0 ? ['No change.'] : changes,
    },
    ...groups.map(({ releases, lines }) => ({
      title: `TDs of ${releases.join(', ')}`,
      lines: lines.length === 0 ? ['Nothing changes.'] : lines,
    })),
    ...outcome.open.map(({ release, findings }) => ({
      title: `Open after the series: TDX module ${release}`,
      lines:
        findings.length === 0
          ? ['Nothing: no exposed bit, none that waits for an opt-in.']
          : findings.map((finding) => `${finding.level} ${finding.rule}: ${itemOf(finding).headline}`),
    })),
    { title: 'What was read', lines: [...policyNotes, ...notes] },
  ];
}

/** The report on a series as plain text of at most 72 columns. */
export function seriesText(effect: SeriesEffect): string {
  const { title, facts, sections, command } = layoutOf(effect);
  const lines = [
    ...wrap(title),
    '',
    ...facts.flatMap(([label, text]) => wrap(text, `${`${label}:`.padEnd(11)} `)),
    ...wrap(command, 'reproduce:  '),
    ...sections.flatMap((section) => [
      '',
      ...wrap(section.title),
      ...section.lines.flatMap((line) => wrap(line, '* ')),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The report on a series as Markdown. */
export function seriesMarkdown(effect: SeriesEffect): string {
  const { title, facts, sections, command } = layoutOf(effect);
  const lines = [
    `# ${escapeMarkdown(title)}`,
    '',
    ...facts.map(([label, text]) => `- **${escapeMarkdown(label)}**: ${escapeMarkdown(text)}`),
    `- **reproduce**: ${codeSpan(command)}`,
    ...sections.flatMap((section) => [
      '',
      `## ${escapeMarkdown(section.title)}`,
      '',
      ...section.lines.map((line) => `- ${escapeMarkdown(line)}`),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}
