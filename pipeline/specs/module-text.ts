import { hex } from '../model/mask.ts';
import type { ConfigurableEntry, LookupEntry, ModuleRelease, RegisterMasks, XfamMask } from '../model/module.ts';
import { compareLeaves, type LeafKey, REGISTERS } from '../model/place.ts';
import { flow, quoted, textList } from './yaml-text.ts';

/** The file name of a release under `specs/modules/`: `1.5 Beta` is `1.5-beta.yaml`. */
export const moduleFileName = (release: string): string => `${release.toLowerCase().replace(/[^0-9a-z.]+/g, '-')}.yaml`;

/** `specs/modules/<release>.yaml`: the tables as the source states them, sorted by leaf; a missing mask is 0. */
export function moduleToYaml(module: ModuleRelease): string {
  const { source } = module;
  const lines = [
    '# Facts of one module release, read by the program; classes are derived from them. A missing register or mask is 0.',
    `release: ${quoted(module.release)}`,
    'source:',
    `  repository: ${quoted(source.repository)}`,
    `  revision: ${quoted(source.revision)}`,
    `  path: ${quoted(source.path)}`,
    `  blob: ${source.blob === null ? 'null' : quoted(source.blob)}`,
    `  licence: ${quoted(source.licence)}`,
    ...listOf(
      'alsoRead',
      module.alsoRead.map((file) =>
        flow([
          ['path', quoted(file.path)],
          ['blob', file.blob === null ? 'null' : quoted(file.blob)],
        ]),
      ),
    ),
    `spreadsheetFormat: ${module.spreadsheetFormat}`,
    `attributes: ${fixed(module.attributes)}`,
    `xfam: ${fixed(module.xfam)}`,
    `features0: ${module.features0 === null ? 'null' : quoted(hex(module.features0))}`,
    `features0Conditional: [${module.features0Conditional.join(', ')}]`,
    ...listOf(
      'featureNames',
      [...module.featureNames]
        .sort(([a], [b]) => a - b)
        .map(([bit, name]) =>
          flow([
            ['bit', `${bit}`],
            ['name', quoted(name)],
          ]),
        ),
    ),
    `mrseam: ${module.mrseam === null ? 'null' : quoted(module.mrseam)}`,
    ...(module.cpuidFlags === null ? ['cpuidFlags: null'] : textList('cpuidFlags', module.cpuidFlags)),
    ...textList('notes', module.notes),
    `fixed0Leaves: [${module.fixed0Leaves.map((leaf) => quoted(hex(leaf))).join(', ')}]`,
    ...listOf('lookup', [...module.lookup].sort(compareLeaves).map(lookupEntry)),
    ...listOf('configurable', [...module.configurable].sort(compareLeaves).map(configurableEntry)),
    ...listOf('xfamMasks', [...module.xfamMasks].sort(compareLeaves).flatMap(xfamEntries)),
  ];
  return `${lines.join('\n')}\n`;
}

const listOf = (key: string, items: readonly string[]): readonly string[] =>
  items.length === 0 ? [`${key}: []`] : [`${key}:`, ...items.map((item) => `  - ${item}`)];

const fixed = (masks: ModuleRelease['attributes']): string =>
  masks === null
    ? 'null'
    : flow([
        ['fixed0', quoted(hex(masks.fixed0))],
        ['fixed1', quoted(hex(masks.fixed1))],
      ]);

const leafPairs = (key: LeafKey): readonly (readonly [string, string])[] => [
  ['leaf', quoted(hex(key.leaf))],
  ['subleaf', key.subleaf === null ? 'null' : quoted(hex(key.subleaf))],
];

function masksPair(name: string, masks: RegisterMasks): readonly (readonly [string, string])[] {
  const set = REGISTERS.flatMap((register) =>
    (masks[register] ?? 0) === 0 ? [] : [[register, quoted(hex(masks[register] ?? 0))] as const],
  );
  return set.length === 0 ? [] : [[name, flow(set)]];
}

const linePair = (line: number | undefined): readonly (readonly [string, string])[] =>
  line === undefined ? [] : [['line', `${line}`]];

function lookupEntry(entry: LookupEntry): string {
  return flow([
    ...leafPairs(entry),
    ['slot', `${entry.slot}`],
    ...linePair(entry.line),
    ...(entry.faulting ? [['faulting', 'true'] as const] : []),
    ...masksPair('verifyMask', entry.verifyMask),
    ...masksPair('verifyValue', entry.verifyValue),
    ...masksPair('verifySame', entry.verifySame),
    ...masksPair('fixed0OrDynamic', entry.fixed0OrDynamic),
    ...masksPair('fixed1', entry.fixed1),
  ]);
}

function configurableEntry(entry: ConfigurableEntry): string {
  return flow([
    ...leafPairs(entry),
    ['slot', `${entry.slot}`],
    ...linePair(entry.line),
    ...masksPair('configDirect', entry.configDirect),
    ...masksPair('allowDirect', entry.allowDirect),
  ]);
}

function xfamEntries(mask: XfamMask): readonly string[] {
  return [...mask.bits]
    .sort(([a], [b]) => a - b)
    .map(([bit, masks]) => flow([...leafPairs(mask), ['bit', `${bit}`], ...masksPair('masks', masks)]));
}
