import { RULES } from '../judge/catalogue.ts';
import type { Rule } from '../judge/rule.ts';
import { escapeMarkdown } from './markdown.ts';
import type { Page } from './pages.ts';
import { AUDIENCE_TEXT } from './words/words.ts';

const GENERATED = '<!-- Generated from the catalogue of rules: edit the rule, then run the tests with UPDATE=1. -->';

/** What a rule looks at, by its scope. */
const SCOPE_TEXT: Readonly<Record<Rule['scope'], string>> = {
  release: 'a module release and the one that it follows, under a KVM version or none',
  policy: 'a KVM version against all releases',
  'policy-step': 'a KVM version and the one before it',
  project: 'the facts and decisions themselves',
};

/** The pages of `docs/rules/`: an index, and a page per rule with why it matters and what to do. */
export function rulePages(rules: readonly Rule[] = RULES): readonly Page[] {
  return [
    { name: 'README.md', content: indexPage(rules) },
    ...rules.map((rule) => ({ name: `${rule.id}.md`, content: rulePage(rule) })),
  ];
}

function indexPage(rules: readonly Rule[]): string {
  const rows = rules.map(({ id, level, title, scope }) => [
    `[${id}](${id}.md)`,
    level,
    escapeMarkdown(title),
    SCOPE_TEXT[scope],
  ]);
  return `${[GENERATED, '', '# Rules', '', ...alignedTable(['Rule', 'Level', 'Says', 'Compares'], rows)].join('\n')}\n`;
}

/** A table with padded cells: a page in the repository is also read as it stands. */
function alignedTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}

function rulePage(rule: Rule): string {
  const mirror =
    rule.mirror === null
      ? `None${rule.noMirror === undefined ? '.' : `: ${escapeMarkdown(rule.noMirror)}`}`
      : `[${rule.mirror}](${rule.mirror}.md)`;
  const lines = [
    GENERATED,
    '',
    `# ${rule.id}`,
    '',
    `${escapeMarkdown(rule.title)}.`,
    '',
    `- For: ${rule.for.map((each) => AUDIENCE_TEXT[each]).join(', ')}`,
    `- Level: ${rule.level}, unless \`specs/levels.yaml\` says otherwise or the facts raise it`,
    `- Compares: ${SCOPE_TEXT[rule.scope]}`,
    `- The opposite change: ${mirror}`,
    '',
    '## Why it matters',
    '',
    escapeMarkdown(rule.why),
    '',
    '## What to do',
    '',
    escapeMarkdown(rule.action),
    '',
    '## To accept it',
    '',
    `A decision (\`bitwatch decide ${rule.id} --because … --by …\`) names bits, this rule or a finding with a reason and a person; the finding stays in the report, marked.`,
  ];
  return `${lines.join('\n')}\n`;
}
