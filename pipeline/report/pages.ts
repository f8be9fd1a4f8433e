import type { ReportFacts } from '../model/review.ts';
import { findingsJson } from './findings-json.ts';
import { jsonText } from './machine.ts';
import { cutBlocks, escapeMarkdown, LIMITS, markdown, markdownBlocks } from './markdown.ts';
import { text } from './text.ts';
import { countsText, coverageLines, type Section, type View, viewOf } from './view.ts';

export type Page = { readonly name: string; readonly content: string };

/** The file name of a review: `2.0.02..2.0.04.md`, `2.0.08-on-6.16.1.md`. */
export const pageName = (id: string): string => `${id.toLowerCase().replace(/[^0-9a-z.]+/g, '-')}.md`;

/** The pages of a whole run: an index, a page per review, the findings as JSON, a summary that a job can show. */
export function pagesOf(report: ReportFacts): readonly Page[] {
  const view = viewOf(report);
  const pages = report.reviews.map((review, index) => {
    const section = view.sections[index];
    const own: View = {
      ...view,
      title: section?.title ?? review.id,
      sections: section === undefined ? [] : [section],
      counts: section?.counts ?? view.counts,
    };
    return { name: pageName(review.id), content: markdown(own) };
  });
  return [
    { name: 'index.md', content: indexPage(view) },
    ...pages,
    { name: 'findings.json', content: jsonText(findingsJson(view)) },
    { name: 'summary.md', content: cutBlocks(markdownBlocks(view), LIMITS.summary, 'see index.md and its pages') },
    { name: 'report.txt', content: text(view) },
  ];
}

const GROUPS: readonly { readonly title: string; readonly has: (section: Section) => boolean }[] = [
  {
    title: 'Each release against the one before it',
    has: ({ id }) => id.includes('..') && /^\d/.test(id) && !id.includes(' on '),
  },
  { title: 'Each release under a KVM version', has: ({ id }) => id.includes(' on ') },
];

function indexPage(view: View): string {
  const grouped = new Set<Section>();
  const parts = [`# ${escapeMarkdown(view.title)}\n`, `${countsText(view.counts)}.\n`];
  for (const { title, has } of GROUPS) {
    const sections = view.sections.filter((section) => has(section) && !grouped.has(section));
    for (const section of sections) grouped.add(section);
    if (sections.length > 0) parts.push(`## ${title}\n`, table(sections));
  }
  const rest = view.sections.filter((section) => !grouped.has(section));
  if (rest.length > 0) parts.push('## KVM versions and the facts themselves\n', table(rest));
  parts.push(
    '## What was read\n',
    `${coverageLines(view.coverage)
      .map((line) => `- ${escapeMarkdown(line)}`)
      .join('\n')}\n`,
  );
  return parts.join('\n');
}

function table(sections: readonly Section[]): string {
  const rows = sections.map(({ id, title, counts, items }) => {
    const first = items.find((item) => item.waived === null);
    return `| [${escapeMarkdown(title)}](${pageName(id)}) | ${counts.error} | ${counts.warning} | ${counts.info} | ${first === undefined ? '' : escapeMarkdown(first.headline)} |`;
  });
  return `${['| Review | Errors | Warnings | Info | First |', '|---|---:|---:|---:|---|', ...rows].join('\n')}\n`;
}
