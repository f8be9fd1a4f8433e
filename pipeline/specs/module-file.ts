import { hex } from '../model/mask.ts';
import type { ModuleRelease, RegisterMasks, XfamMask } from '../model/module.ts';
import { compareLeaves, type LeafKey, leafId, REGISTERS } from '../model/place.ts';
import type { PlainModule } from './module-shape.ts';
import { type PlainReader, readPlain } from './plain.ts';
import { yamlText } from './yaml-text.ts';

/** The file name of a release under `specs/modules/`: `1.5 Beta` is `1.5-beta.yaml`. */
export const moduleFileName = (release: string): string => `${release.toLowerCase().replace(/[^0-9a-z.]+/g, '-')}.yaml`;

/** Reads one `specs/modules/*.yaml`. Throws a DataError with line and column. */
export async function readModuleFile(file: string, text: string, reader: PlainReader): Promise<ModuleRelease> {
  const plain = await readPlain<PlainModule>(
    'module',
    file,
    text,
    reader,
    async () => (await import('./module-shape.ts')).checkModule,
  );
  return {
    release: plain.release,
    source: plain.source,
    alsoRead: plain.alsoRead,
    spreadsheetFormat: plain.spreadsheetFormat,
    attributes: fixed(plain.attributes),
    xfam: fixed(plain.xfam),
    features0: plain.features0 === null ? null : BigInt(plain.features0),
    features0Conditional: plain.features0Conditional,
    featureNames: new Map(plain.featureNames.map(({ bit, name }) => [bit, name])),
    mrseam: plain.mrseam,
    cpuidFlags: plain.cpuidFlags,
    notes: plain.notes,
    fixed0Leaves: plain.fixed0Leaves.map(Number),
    lookup: plain.lookup.map((entry) => ({
      ...leaf(entry),
      slot: entry.slot,
      ...(entry.line === undefined ? {} : { line: entry.line }),
      faulting: entry.faulting === true,
      verifyMask: masks(entry.verifyMask),
      verifyValue: masks(entry.verifyValue),
      verifySame: masks(entry.verifySame),
      fixed0OrDynamic: masks(entry.fixed0OrDynamic),
      fixed1: masks(entry.fixed1),
    })),
    configurable: plain.configurable.map((entry) => ({
      ...leaf(entry),
      slot: entry.slot,
      ...(entry.line === undefined ? {} : { line: entry.line }),
      configDirect: masks(entry.configDirect),
      allowDirect: masks(entry.allowDirect),
    })),
    xfamMasks: xfamMasks(plain.xfamMasks),
  };
}

const leaf = (key: { readonly leaf: string; readonly subleaf: string | null }): LeafKey => ({
  leaf: Number(key.leaf),
  subleaf: key.subleaf === null ? null : Number(key.subleaf),
});

const fixed = (plain: PlainModule['attributes']): ModuleRelease['attributes'] =>
  plain === null ? null : { fixed0: BigInt(plain.fixed0), fixed1: BigInt(plain.fixed1) };

function masks(plain: PlainModule['lookup'][number]['fixed1']): RegisterMasks {
  const read: { eax?: number; ebx?: number; ecx?: number; edx?: number } = {};
  for (const register of REGISTERS) {
    const text = plain?.[register];
    if (text !== undefined) read[register] = Number(text);
  }
  return read;
}

function xfamMasks(plain: PlainModule['xfamMasks']): readonly XfamMask[] {
  const byLeaf = new Map<string, LeafKey & { readonly bits: Map<number, RegisterMasks> }>();
  for (const entry of plain) {
    const key = leaf(entry);
    const found = byLeaf.get(leafId(key)) ?? { ...key, bits: new Map<number, RegisterMasks>() };
    found.bits.set(entry.bit, masks(entry.masks));
    byLeaf.set(leafId(key), found);
  }
  return [...byLeaf.values()];
}

/** `specs/modules/<release>.yaml`: the tables as the source states them, sorted by leaf; a missing mask is 0. */
export const moduleToYaml = (module: ModuleRelease): Promise<string> =>
  yamlText(plainModule(module), {
    comment:
      'Facts of one module release, read by the program; classes are derived from them. A missing register or mask is 0.',
    blocks: ['source'],
    lines: ['features0Conditional', 'fixed0Leaves'],
  });

const plainModule = (module: ModuleRelease): PlainModule => ({
  release: module.release,
  source: plainSource(module.source),
  alsoRead: module.alsoRead.map(({ path, blob }) => ({ path, blob })),
  spreadsheetFormat: module.spreadsheetFormat,
  attributes: plainFixed(module.attributes),
  xfam: plainFixed(module.xfam),
  features0: module.features0 === null ? null : hex(module.features0),
  features0Conditional: [...module.features0Conditional],
  featureNames: [...module.featureNames].sort(([a], [b]) => a - b).map(([bit, name]) => ({ bit, name })),
  mrseam: module.mrseam,
  cpuidFlags: module.cpuidFlags === null ? null : [...module.cpuidFlags],
  notes: [...module.notes],
  fixed0Leaves: module.fixed0Leaves.map(hex),
  lookup: [...module.lookup].sort(compareLeaves).map((entry) => ({
    ...plainLeaf(entry),
    slot: entry.slot,
    ...(entry.line === undefined ? {} : { line: entry.line }),
    ...(entry.faulting ? { faulting: true as const } : {}),
    ...plainMasks('verifyMask', entry.verifyMask),
    ...plainMasks('verifyValue', entry.verifyValue),
    ...plainMasks('verifySame', entry.verifySame),
    ...plainMasks('fixed0OrDynamic', entry.fixed0OrDynamic),
    ...plainMasks('fixed1', entry.fixed1),
  })),
  configurable: [...module.configurable].sort(compareLeaves).map((entry) => ({
    ...plainLeaf(entry),
    slot: entry.slot,
    ...(entry.line === undefined ? {} : { line: entry.line }),
    ...plainMasks('configDirect', entry.configDirect),
    ...plainMasks('allowDirect', entry.allowDirect),
  })),
  xfamMasks: [...module.xfamMasks]
    .sort(compareLeaves)
    .flatMap((mask) =>
      [...mask.bits]
        .sort(([a], [b]) => a - b)
        .map(([bit, masks]) => ({ ...plainLeaf(mask), bit, masks: {}, ...plainMasks('masks', masks) })),
    ),
});

const plainSource = ({
  repository,
  revision,
  path,
  blob,
  licence,
}: ModuleRelease['source']): PlainModule['source'] => ({
  repository,
  revision,
  path,
  blob,
  licence,
});

const plainLeaf = (key: LeafKey): { leaf: string; subleaf: string | null } => ({
  leaf: hex(key.leaf),
  subleaf: key.subleaf === null ? null : hex(key.subleaf),
});

const plainFixed = (masks: ModuleRelease['attributes']): PlainModule['attributes'] =>
  masks === null ? null : { fixed0: hex(masks.fixed0), fixed1: hex(masks.fixed1) };

/** Registers whose mask is 0 are not there, nor masks that are 0 in all. */
function plainMasks<const Name extends string>(name: Name, masks: RegisterMasks) {
  const set = REGISTERS.flatMap((register) =>
    (masks[register] ?? 0) === 0 ? [] : [[register, hex(masks[register] ?? 0)] as const],
  );
  return (set.length === 0 ? {} : { [name]: Object.fromEntries(set) }) as Partial<
    Record<Name, Partial<Record<(typeof REGISTERS)[number], string>>>
  >;
}
