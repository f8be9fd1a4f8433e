import { hex, hex32 } from '../model/mask.ts';
import { compareTexts } from '../model/order.ts';
import { comparePlaces } from '../model/place.ts';
import type { Disagreement, Policy, PolicyMask, Requirement } from '../model/policy.ts';

/** `specs/kvm/<version>.yaml`: what one KVM version does, extracted by the program or declared by hand. */
export function policyToYaml(policy: Policy): string {
  const { source } = policy;
  const lines = [
    '# What one KVM version does with a TD’s CPUID bits, read by the program. Lines are those of the named revision.',
    `version: ${quoted(policy.version)}`,
    'source:',
    `  repository: ${quoted(source.repository)}`,
    `  revision: ${quoted(source.revision)}`,
    `  path: ${quoted(source.path)}`,
    `  blob: ${source.blob === null ? 'null' : quoted(source.blob)}`,
    ...(policy.upstream === undefined
      ? []
      : ['upstream:', `  proof: ${policy.upstream.proof}`, `  because: ${quoted(policy.upstream.because)}`]),
    ...(policy.base === undefined
      ? []
      : ['base:', `  release: ${quoted(policy.base.release)}`, `  because: ${quoted(policy.base.because)}`]),
    `generation: ${policy.generation}`,
    `attributes: ${quoted(hex(policy.attributes))}`,
    `xfam: ${typeof policy.xfam === 'bigint' ? quoted(hex(policy.xfam)) : `[${policy.xfam.map(quoted).join(', ')}]`}`,
    `configLimit: ${policy.configLimit ?? 'null'}`,
    ...masks('deny', policy.deny),
    ...masks('allow', policy.allow),
    ...masks('adds', policy.adds),
    ...list(
      'restores',
      [...policy.restores]
        .sort((a, b) => compareTexts(a.msr, b.msr))
        .map((restore) =>
          flow([
            ['msr', quoted(restore.msr)],
            ['by', quoted(restore.by)],
            ['path', quoted(restore.path)],
            ['line', `${restore.line}`],
          ]),
        ),
    ),
    ...(policy.disagreements === undefined ? [] : list('disagreements', policy.disagreements.map(disagreement))),
    ...(policy.requires === undefined ? [] : list('requires', policy.requires.map(requirement))),
    ...(policy.configFlags === undefined
      ? []
      : list(
          'configFlags',
          policy.configFlags.map((each) => flow([['mask', quoted(hex(each.mask))], ...lineOf(each)])),
        )),
    ...(policy.vmcall === undefined
      ? []
      : [
          `vmcall: ${flow([
            ['check', policy.vmcall.check],
            ['mask', policy.vmcall.mask === null ? 'null' : quoted(hex(policy.vmcall.mask))],
            ...lineOf(policy.vmcall),
          ])}`,
        ]),
    ...textList('notes', policy.notes),
    ...masks('known', policy.known),
  ];
  return `${lines.join('\n')}\n`;
}

const lineOf = ({ path, line }: { readonly path: string; readonly line: number }) =>
  [
    ['path', quoted(path)],
    ['line', `${line}`],
  ] as const;

const disagreement = (each: Disagreement): string =>
  flow([
    ['kind', each.kind],
    ['leaf', each.leaf === null ? 'null' : quoted(hex(each.leaf))],
    ['subleaf', each.subleaf === null ? 'null' : quoted(hex(each.subleaf))],
    ['register', each.register ?? 'null'],
    ['mask', quoted(hex32(each.mask))],
    ['shown', flow(lineOf(each.shown))],
    ['setUp', flow(lineOf(each.setUp))],
  ]);

const requirement = (each: Requirement): string =>
  flow([
    ['kind', each.kind],
    each.kind === 'config-slots' ? (['limit', `${each.limit}`] as const) : (['mask', quoted(hex(each.mask))] as const),
    ...lineOf(each),
  ]);

const list = (key: string, items: readonly string[]): readonly string[] =>
  items.length === 0 ? [`${key}: []`] : [`${key}:`, ...items.map((item) => `  - ${item}`)];

function masks(key: string, entries: readonly PolicyMask[]): readonly string[] {
  const sorted = [...entries].sort((a, b) => comparePlaces(a, b) || compareTexts(a.path, b.path) || a.line - b.line);
  return list(
    key,
    sorted.map((entry) =>
      flow([
        ['leaf', quoted(hex(entry.leaf))],
        ['subleaf', entry.subleaf === null ? 'null' : quoted(hex(entry.subleaf))],
        ['register', entry.register],
        ['mask', quoted(hex32(entry.mask))],
        ['path', quoted(entry.path)],
        ['line', `${entry.line}`],
        ...everySubleaf(entry),
      ]),
    ),
  );
}

const everySubleaf = ({ everySubleafBut }: PolicyMask): readonly (readonly [string, string])[] =>
  everySubleafBut === undefined
    ? []
    : [['everySubleafBut', `[${everySubleafBut.map((subleaf) => quoted(hex(subleaf))).join(', ')}]`]];

/** A YAML double-quoted scalar: versions and hex strings are always quoted, an unquoted 2.0 would be a number. */
const quoted = (text: string): string => JSON.stringify(text);

/** A flow map of already written values; keys are plain words. */
const flow = (pairs: readonly (readonly [string, string])[]): string =>
  `{${pairs.map(([key, value]) => `${key}: ${value}`).join(', ')}}`;

/** A list of texts, one a line, or `[]`. */
function textList(key: string, items: readonly string[]): readonly string[] {
  return items.length === 0 ? [`${key}: []`] : [`${key}:`, ...items.map((item) => `  - ${quoted(item)}`)];
}
