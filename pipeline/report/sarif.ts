import { RULES } from '../judge/catalogue.ts';
import { plain } from '../model/text.ts';
import type { Item, View } from './view.ts';

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
        results: view.sections.flatMap(({ id, items }) => items.slice(0, MOST_RESULTS).map((item) => result(item, id))),
        properties: {
          leftOut: view.sections.reduce((sum, { items }) => sum + Math.max(0, items.length - MOST_RESULTS), 0),
        },
        columnKind: 'utf16CodeUnits',
      },
    ],
  };
}

function result(item: Item, review: string) {
  const { finding } = item;
  return {
    ruleId: finding.rule,
    ruleIndex: RULES.findIndex((rule) => rule.id === finding.rule),
    level: LEVEL[finding.level],
    // A closing bracket before a parenthesis would be read as an embedded link.
    message: { text: `${item.headline}. ${item.because} ${item.todo}`.replaceAll('](', '] (') },
    locations:
      finding.evidence.length === 0
        ? [location('specs', 1)]
        : finding.evidence.map(({ path, line }) => location(path, line)),
    partialFingerprints: { 'bitwatch/v1': finding.fingerprint },
    properties: {
      review,
      repositories: [
        ...new Set(finding.evidence.map(({ repository, revision }) => plain(`${repository}@${revision}`))),
      ],
    },
    // On all results or on none, says the standard (3.27.23).
    suppressions:
      finding.decided === null
        ? []
        : [{ kind: 'external', status: 'accepted', justification: plain(finding.decided.reason) }],
  };
}

/** A path as a relative URI: whatever a URI reserves is escaped. */
const location = (path: string, line: number) => ({
  physicalLocation: {
    artifactLocation: { uri: plain(path).split('/').map(encodeURIComponent).join('/') },
    region: { startLine: line },
  },
});
