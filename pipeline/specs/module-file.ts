import type { ModuleRelease, RegisterMasks, XfamMask } from '../model/module.ts';
import { type LeafKey, leafId, REGISTERS } from '../model/place.ts';
import type { PlainModule } from './module-shape.ts';
import { type PlainReader, readPlain } from './plain.ts';

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
