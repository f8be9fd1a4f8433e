import type { Applied } from '../judge/reply.ts';
import { formatDay } from '../model/day.ts';
import type { Finding } from '../model/finding.ts';
import type { SeriesEffect } from '../model/series-effect.ts';
import { plain } from '../model/text.ts';
import { codeSpan, escapeMarkdown } from './markdown.ts';
import { releasesText } from './releases-text.ts';
import { pointsOf } from './series-points.ts';
import {
  baseText,
  bisectLines,
  changeLines,
  effectGroups,
  endLines,
  isComment,
  isQuiet,
  outcomeText,
  sinceLines,
  stepLines,
  versionText,
} from './series-words.ts';
import { itemOf } from './view.ts';
import { wrap } from './wrap.ts';

type Fact = { readonly label: string; readonly text: string; readonly isCode?: true };

/** A report on a series before it is laid out: labelled facts, then sections of lines. All of it is plain text. */
type Layout = {
  readonly title: string;
  /** An id or a command is never wrapped: it is there to be copied. */
  readonly facts: readonly Fact[];
  readonly sections: readonly { readonly title: string; readonly lines: readonly string[] }[];
};

function layoutOf(effect: SeriesEffect): Layout {
  const { series, outcome } = effect;
  const author = [series.author.name, `<${series.author.email}>`].filter((part) => part !== '').join(' ');
  const mail = (label: string, id: string): readonly Fact[] =>
    id === '' ? [] : [{ label, text: `<${id}>`, isCode: true }];
  const fact = (label: string, text: string | null): readonly Fact[] => (text === null ? [] : [{ label, text }]);
  const base = 'base' in outcome ? outcome.base : null;
  const patches = `${series.total} patch${series.total === 1 ? '' : 'es'}`;
  const date = series.date === null ? '' : `, ${formatDay(series.date)}`;
  const facts = [
    ...fact('series', `${versionText(series)}, ${patches}, by ${author}${date}`),
    ...mail('mail', series.id),
    ...fact('lists', series.lists.length === 0 ? null : series.lists.join(', ')),
    ...(series.newer === null
      ? []
      : [
          ...fact(
            'newer',
            `A newer version exists: ${versionText(series.newer)}. What follows is about the older one.`,
          ),
          ...mail('', series.newer.id),
        ]),
    ...fact('kernel', effect.kernel),
    ...fact('base', base === null ? null : baseText(base)),
    ...fact('builds on', base === null || base.prerequisites === 0 ? null : prerequisiteText(base.prerequisites)),
    ...fact('outcome', outcomeText(effect)),
    { label: 'reproduce', text: effect.command, isCode: true as const },
  ];
  return {
    title: plain(`What “${series.title}” ${versionText(series)} does to KVM’s policy for TDs`),
    facts: facts.map((each) => ({ ...each, text: plain(each.text) })),
    sections: sectionsOf(effect).map(({ title, lines }) => ({ title: plain(title), lines: lines.map(plain) })),
  };
}

const prerequisiteText = (count: number): string =>
  `${count} patch${count === 1 ? '' : 'es'} that the series names as prerequisite, not applied here`;

function sectionsOf({ series, outcome, fixups, notes }: SeriesEffect): Layout['sections'] {
  const answers = fixups.map(
    ({ id, author, subject, paths }) =>
      `<${id}> by ${author.name === '' ? author.email : author.name}, “${subject}”: ${paths.length === 0 ? 'a diff that names no file' : paths.join(', ')}. It was not applied.`,
  );
  const beside =
    answers.length === 0 ? [] : [{ title: 'Answers in the thread with a diff of their own', lines: answers }];
  const rest = notes.length === 0 ? [] : [{ title: 'Notes', lines: notes }];
  if (outcome.kind !== 'applied') return [...beside, ...rest];
  const { since } = outcome;
  const held = since === null ? [] : [{ title: `Since ${versionText(since)} <${since.id}>`, lines: sinceLines(since) }];
  // What changes comments alone, or nothing that is reported, has said so in its outcome.
  if (isComment(outcome)) return [...held, ...beside, ...rest];
  const all = outcome.effects.map(({ release }) => release);
  const points = pointsOf(outcome, series.total, (releases) => releasesText(releases, all));
  const [steps, between] = [stepLines(outcome, series.total), bisectLines(outcome, series.total)];
  return [
    ...(isQuiet(outcome)
      ? []
      : [
          {
            title: 'What a reviewer must know',
            lines:
              points.length === 0
                ? ['Nothing at warning or above.']
                : points.map(({ level, text }) => `${level}: ${text}.`),
          },
        ]),
    ...(steps.length < 2
      ? []
      : [
          { title: 'Patch by patch', lines: steps },
          { title: 'Between the patches', lines: between },
        ]),
    ...held,
    ...beside,
    ...(isQuiet(outcome) ? [] : policySections(outcome)),
    { title: 'What was read', lines: [...readLines(outcome), ...notes] },
  ];
}

function policySections(outcome: Applied): Layout['sections'] {
  const changes = [...changeLines(outcome.changes), ...endLines(outcome)];
  const isNew = (release: string, finding: Finding): boolean =>
    outcome.effects.some((each) => each.release === release && each.opened.some(({ rule }) => rule === finding.rule));
  return [
    {
      title: `The policy, KVM ${outcome.before?.version ?? 'without TDX'} to ${outcome.after.version}`,
      lines: changes.length === 0 ? ['No change.'] : changes,
    },
    ...effectGroups(outcome.effects).map(({ releases, lines }) => ({
      title: `TDs of ${releases}`,
      lines: lines.length === 0 ? ['Nothing changes.'] : lines,
    })),
    ...outcome.open.map(({ release, findings }) => ({
      title: `Open after the series: TDX module ${release}`,
      lines:
        findings.length === 0
          ? ['Nothing: no exposed bit, none that waits for an opt-in.']
          : findings.map(
              (finding) =>
                `${finding.level} ${finding.rule}${isNew(release, finding) ? '' : ' (before it too)'}: ${itemOf(finding).headline}`,
            ),
    })),
  ];
}

const readLines = (outcome: Applied): readonly string[] => [
  ...(outcome.before === null ? ['The base has no TDX support in KVM: there is no policy before.'] : []),
  ...(outcome.before?.notes ?? []).map((note) => `Before: ${note}`),
  ...outcome.after.notes.map((note) => `After: ${note}`),
  `The policy after was read from tree ${outcome.after.source.revision.slice(0, 12)}, which git makes of the base and the series.`,
];

/** The report on a series as plain text of at most 72 columns, ids and the command aside. */
export function seriesText(effect: SeriesEffect): string {
  const { title, facts, sections } = layoutOf(effect);
  const lines = [
    ...wrap(title),
    '',
    ...facts.flatMap(({ label, text, isCode }) => {
      const head = `${label === '' ? '' : `${label}:`}`.padEnd(12);
      return isCode === true ? [`${head}${text}`] : wrap(text, head);
    }),
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
  const { title, facts, sections } = layoutOf(effect);
  const lines = [
    `# ${escapeMarkdown(title)}`,
    '',
    ...facts.map(({ label, text, isCode }) => {
      const head = label === '' ? '' : `**${escapeMarkdown(label)}**: `;
      return `- ${head}${isCode === true ? codeSpan(text) : escapeMarkdown(text)}`;
    }),
    ...sections.flatMap((section) => [
      '',
      `## ${escapeMarkdown(section.title)}`,
      '',
      ...section.lines.map((line) => `- ${escapeMarkdown(line)}`),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}
