import type { DecidingCode } from '../extract/module/deciding-code.ts';
import type { CodeChange, DeciderRules, DecidingFunction } from '../model/decider-rules.ts';
import { flow, quoted } from './yaml-text.ts';

type NewRelease = {
  readonly release: string;
  /** The rules that it starts from. */
  readonly base: DeciderRules;
  readonly repository: string;
  readonly commit: string;
  readonly files: ReadonlyMap<string, { readonly blob: string }>;
  readonly code: DecidingCode;
  readonly changes: readonly CodeChange[];
};

/** `specs/deciders/<release>.yaml` of a release that the program met: its predecessor's rules, or what of its code changed. */
export function newDecidersToYaml({ release, base, repository, commit, files, code, changes }: NewRelease): string {
  const same = changes.length === 0;
  const reason = same
    ? `the functions that decide are those of ${base.release}, token by token`
    : `the functions that decide are not those of ${base.release}: nobody examined the difference, so its rules are not used`;
  const sources = [...files].map(([path, { blob }], index) =>
    flow([
      ['id', quoted(`file-${index + 1}`)],
      ['how', quoted('read')],
      ['repository', quoted(repository)],
      ['revision', quoted(commit)],
      ['path', quoted(path)],
      ['blob', quoted(blob)],
    ]),
  );
  const lines = [
    '# Who decides the CPUID bits of a TD under this release, beyond its tables: what its code does, in the order in which it does it.',
    `release: ${quoted(release)}`,
    `like: ${quoted(base.release)}`,
    `reason: ${quoted(reason)}`,
    ...listOf('sources', sources),
    'rules: []',
    'without: []',
    'limits: {}',
    'checks: []',
    'withoutChecks: []',
    ...functionLines(code.functions),
    ...listOf('unexamined', changes.map(changeText)),
  ];
  return `${lines.join('\n')}\n`;
}

/** The functions of a file of rules, one a line. */
const functionLines = (functions: readonly DecidingFunction[]): readonly string[] =>
  listOf(
    'functions',
    functions.map(({ path, name, line, tokens }) =>
      flow([
        ['path', quoted(path)],
        ['name', quoted(name)],
        ['line', `${line}`],
        ['tokens', quoted(tokens)],
      ]),
    ),
  );

const changeText = ({ path, name, line, kind }: CodeChange): string =>
  flow([
    ['path', quoted(path)],
    ['name', name === null ? 'null' : quoted(name)],
    ['line', line === null ? 'null' : `${line}`],
    ['kind', quoted(kind)],
  ]);

const listOf = (key: string, items: readonly string[]): readonly string[] =>
  items.length === 0 ? [`${key}: []`] : [`${key}:`, ...items.map((item) => `  - ${item}`)];
