import type { Matrix } from '../cases/matrix.ts';
import type { PageFacts } from '../cases/page-facts.ts';
import type { ReportFacts } from '../model/review.ts';
import { findingsJson } from './findings-json.ts';
import { html } from './html/page.ts';
import { jsonText } from './machine.ts';
import { cutBlocks, escapeLinkText, escapeMarkdown, LIMITS, markdown, markdownBlocks } from './markdown.ts';
import { matrixMarkdown } from './matrix.ts';
import { text } from './text.ts';
import { countsText, coverageLines, type Section, type SectionKind, type View, viewOf } from './view.ts';

export type Page = { readonly name: string; readonly content: string };

/** The file name of a review: `2.0.02..2.0.04.md`, `2.0.08-on-6.16.1.md`. */
const pageName = (id: string): string => `${id.toLowerCase().replace(/[^0-9a-z.]+/g, '-')}.md`;

/** A file name for each section; two ids that differ only in what a name cannot hold get a number. */
function pageNames(sections: readonly Section[]): ReadonlyMap<Section, string> {
  const used = new Set(['index.md', 'summary.md']);
  const names = new Map<Section, string>();
  for (const section of sections) {
    let name = pageName(section.id);
    for (let number = 2; used.has(name); number += 1) name = pageName(`${section.id} ${number}`);
    used.add(name);
    names.set(section, name);
  }
  return names;
}

/** The pages of a whole run: an index, a page per review, all bits as HTML, the findings as JSON, a summary that a job can show. */
export function pagesOf(
  report: ReportFacts,
  matrix: Matrix | null = null,
  page: PageFacts | null = null,
): readonly Page[] {
  const view = viewOf(report, undefined, page);
  const names = pageNames(view.sections);
  const pages = view.sections.map((section) => {
    const own: View = { ...view, title: section.title, sections: [section], counts: section.counts };
    return { name: names.get(section) ?? '', content: markdown(own) };
  });
  return [
    { name: 'index.md', content: indexPage(view, names, matrix) },
    ...pages,
    { name: 'index.html', content: html(view) },
    { name: 'findings.json', content: jsonText(findingsJson(view)) },
    { name: 'summary.md', content: cutBlocks(markdownBlocks(view), LIMITS.summary, 'see index.md and its pages') },
    { name: 'report.txt', content: text(view) },
  ];
}

const GROUPS: readonly { readonly title: string; readonly kinds: readonly SectionKind[] }[] = [
  { title: 'Each release, coming from the one whose code it has', kinds: ['release'] },
  { title: 'KVM versions and the facts themselves', kinds: ['policy', 'policy-step', 'facts'] },
];

function indexPage(view: View, names: ReadonlyMap<Section, string>, matrix: Matrix | null): string {
  const parts = [`# ${escapeMarkdown(view.title)}\n`, `${countsText(view.counts)}.\n`];
  for (const { title, kinds } of GROUPS) {
    const sections = view.sections.filter(({ kind }) => kinds.includes(kind));
    if (sections.length > 0) parts.push(`## ${title}\n`, table(sections, names));
  }
  if (matrix !== null && matrix.policies.length > 0)
    parts.push('## Features of each release by what each KVM version does with them\n', matrixMarkdown(matrix));
  parts.push(
    '## What was read\n',
    `${coverageLines(view.coverage)
      .map((line) => `- ${escapeMarkdown(line)}`)
      .join('\n')}\n`,
  );
  return parts.join('\n');
}

function table(sections: readonly Section[], names: ReadonlyMap<Section, string>): string {
  const rows = sections.map((section) => {
    const { title, counts, items } = section;
    const first = items.find((item) => item.decided === null);
    return `| [${escapeLinkText(title)}](${names.get(section) ?? ''}) | ${counts.error} | ${counts.warning} | ${counts.info} | ${first === undefined ? '' : escapeMarkdown(first.headline)} |`;
  });
  return `${['| Review | Errors | Warnings | Info | First |', '|---|---:|---:|---:|---|', ...rows].join('\n')}\n`;
}
