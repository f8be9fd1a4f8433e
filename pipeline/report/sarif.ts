import { RULES } from '../judge/catalogue.ts';
import type { Finding } from '../model/finding.ts';
import { compareTexts } from '../model/order.ts';
import type { Source } from '../model/source.ts';
import { plain } from '../model/text.ts';
import type { Item, Section, View } from './view.ts';

const LEVEL = { error: 'error', warning: 'warning', info: 'note' } as const;

/** A list of alerts that nobody reads to its end hides what is urgent: of each review the first ones are results. */
const MOST_RESULTS = 25;

/**
 * SARIF 2.1.0: the rules of the catalogue, one result a finding, the most urgent ones of each review, decided ones suppressed with
 * their reason. What is left out is counted in the run's properties.
 */
export function sarif(view: View, version: string) {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'bitwatch',
            semanticVersion: version,
            rules: RULES.map((rule) => ({
              id: rule.id,
              shortDescription: { text: rule.title },
              fullDescription: { text: rule.why },
              help: { text: rule.action },
              ...(view.rulesUrl === null ? {} : { helpUri: `${view.rulesUrl}${rule.id}.md` }),
              defaultConfiguration: { level: LEVEL[rule.level] },
            })),
          },
        },
        ...provenanceOf(view),
        results: view.sections.flatMap((section) =>
          section.items.slice(0, MOST_RESULTS).map((item) => result(item, section)),
        ),
        properties: {
          leftOut: view.sections.reduce((sum, { items }) => sum + Math.max(0, items.length - MOST_RESULTS), 0),
        },
        columnKind: 'utf16CodeUnits',
      },
    ],
  };
}

type Read = Pick<Source, 'repository' | 'revision' | 'path'>;

/** Every revision that results rest on, where the address of its repository is known: a guessed one could show another text. */
function provenanceOf({ sections, web }: View) {
  const read = sections.flatMap((section) =>
    section.items.slice(0, MOST_RESULTS).flatMap(({ finding }) => readOf(finding, section)),
  );
  const all = new Map(
    read.flatMap(({ repository, revision }) => {
      const repositoryUri = web.get(repository);
      return repositoryUri === undefined || !/^[0-9a-f]{40}$/.test(revision)
        ? []
        : [[`${repositoryUri} ${revision}`, { repositoryUri, revisionId: revision }] as const];
    }),
  );
  const versionControlProvenance = [...all].sort(([a], [b]) => compareTexts(a, b)).map(([, each]) => each);
  return versionControlProvenance.length === 0 ? {} : { versionControlProvenance };
}

/** What a finding rests on: its evidence, and the sources of what it is about, of which no line need be known. */
function readOf(finding: Finding, { participants }: Section): readonly Read[] {
  const { from, to, policy } = finding.subject;
  const names = [to, from, ...(finding.verdict === null ? [] : [policy])];
  const sources = names.flatMap((name) => participants.find((each) => each.name === name)?.source ?? []);
  return [...finding.evidence, ...sources];
}

function result(item: Item, section: Section) {
  const { finding } = item;
  const read = readOf(finding, section);
  const [first] = read;
  return {
    ruleId: finding.rule,
    ruleIndex: RULES.findIndex((rule) => rule.id === finding.rule),
    level: LEVEL[finding.level],
    // A closing bracket before a parenthesis would be read as an embedded link.
    message: { text: `${item.headline}. ${item.because} ${item.todo}`.replaceAll('](', '] (') },
    locations:
      finding.evidence.length === 0
        ? [location(first?.path ?? 'specs', 1)]
        : finding.evidence.map(({ path, line }) => location(path, line)),
    partialFingerprints: { 'bitwatch/v1': finding.fingerprint },
    properties: {
      review: section.id,
      repositories: [...new Set(read.map(({ repository, revision }) => plain(`${repository}@${revision}`)))],
      ...(finding.evidence.length > 0 ? {} : { line: first === undefined ? OWN_FACTS : NO_LINE }),
    },
    // On all results or on none, says the standard (3.27.23).
    suppressions:
      finding.decided === null
        ? []
        : [{ kind: 'external', status: 'accepted', justification: plain(finding.decided.reason) }],
  };
}

/** Why a result names line 1: the standard's readers want a line, and a made-up one must not pass for evidence. */
const NO_LINE = 'not known: what was read says no line, and line 1 stands for the file';
const OWN_FACTS = 'none: the finding is about the specifications themselves, and rests on no repository';

/** A path as a relative URI: whatever a URI reserves is escaped. */
const location = (path: string, line: number) => ({
  physicalLocation: {
    artifactLocation: { uri: plain(path).split('/').map(encodeURIComponent).join('/') },
    region: { startLine: line },
  },
});
