import { DataError } from '../../model/errors.ts';
import type { ConfigurableEntry, LookupEntry, ModuleTables, XfamMask } from '../../model/module.ts';
import { formatLeaf, leafId, REGISTERS } from '../../model/place.ts';
import type { Expr } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { evaluateMacro, type Scope } from '../c/evaluate.ts';
import { type CObject, readUnit, type Unit } from '../c/unit.ts';
import { refuseRenames } from './renames.ts';
import { entriesOf, flag, masksOf, registersOf, sizeOf, slotsOf, subleafOf, tableOf, u32 } from './table-entries.ts';

/** `CPUID_CONFIG_NULL_IDX`: the leaf has no configurable entry. */
const NO_INDEX = 0xffffffff;
/** Spreadsheet formats whose structure is known; the later ones may change what a column means. */
const FORMATS = { least: 1, most: 10 } as const;

const LOOKUP_FIELDS = [
  'leaf_subleaf',
  'valid_entry',
  'faulting',
  'verify_mask',
  'verify_value',
  'verify_same',
  'fixed0_or_dynamic',
  'fixed1',
  'config_index',
];
/** What a leaf and a register group name. */
const KEY_FIELDS = ['leaf', 'subleaf', ...REGISTERS];
const CONFIGURABLE_FIELDS = ['leaf_subleaf', 'valid_entry', 'config_direct', 'allow_direct', 'lookup_index'];
/** Arrays that are known and hold no class: `ordered_cpuid_lookup[]` is an index sorted by leaf. */
const KNOWN_ARRAYS = new Set(['cpuid_lookup', 'cpuid_configurable', 'ordered_cpuid_lookup']);

/** A file of C source: its path names it in errors. */
export type SourceText = { readonly path: string; readonly text: string };

/**
 * Reads `cpuid_configurations.c` and the sizes in `cpuid_configurations_defines.h`.
 * Throws a DataError for a structure that is not known, for sizes that the entries contradict, and for two entries of a leaf.
 */
export function readTables(
  tables: SourceText,
  defines: SourceText | null,
): { readonly tables: ModuleTables; readonly notes: readonly string[] } {
  const unit = readUnit(tables.path, tables.text);
  const header = defines === null ? null : readUnit(defines.path, defines.text);
  const scope: Scope = { file: tables.path, macro: (name) => unit.macros.get(name) ?? withFile(header, name) };
  const spreadsheetFormat = formatOf(tables);
  checkArrays(unit);
  for (const part of header === null ? [unit] : [unit, header])
    refuseRenames(part, new Set([...LOOKUP_FIELDS, ...CONFIGURABLE_FIELDS, ...KEY_FIELDS, ...unit.objects.keys()]));
  const lookup = readLookup(unit, scope);
  const configurable = readConfigurable(unit, scope);
  checkIndexes(unit, lookup, configurable);
  const xfamMasks = [...unit.objects.values()]
    .filter((object) => object.name.startsWith('xfam_mask_'))
    .map((object) => readXfamMask(unit, object, scope));
  checkXfamMasks(unit, xfamMasks, lookup);
  return {
    tables: {
      spreadsheetFormat,
      lookup: lookup.map(({ configIndex: _, ...entry }) => entry),
      configurable: configurable.map(({ lookupIndex: _, ...entry }) => entry),
      xfamMasks,
      fixed0Leaves: readFixed0Leaves(unit, header, scope),
    },
    notes: [
      ...unassigned(unit, 'cpuid_lookup', lookup, scope),
      ...unassigned(unit, 'cpuid_configurable', configurable, scope),
    ],
  };
}

/** Slots of a table that no entry fills: C leaves them zero, and the module skips them. */
function unassigned(
  unit: Unit,
  name: string,
  entries: readonly { readonly slot: number }[],
  scope: Scope,
): readonly string[] {
  const size = sizeOf(unit, tableOf(unit, name), scope);
  const filled = new Set(entries.map((entry) => entry.slot));
  const free = Array.from({ length: size }, (_, slot) => slot).filter((slot) => !filled.has(slot));
  return free.length === 0
    ? []
    : [`${name}[${size}] has ${entries.length} entries; slots without a valid one: ${free.join(', ')}`];
}

const withFile = (unit: Unit | null, name: string) => {
  const macro = unit?.macros.get(name);
  return macro === undefined || unit === null ? undefined : { ...macro, file: unit.file };
};

/** `Spreadsheet Format Version - 'N'` in the header comment. */
function formatOf(source: SourceText): number {
  const match = /Spreadsheet Format Version - '(\d+)'/.exec(source.text);
  const format = Number(match?.[1] ?? Number.NaN);
  if (format >= FORMATS.least && format <= FORMATS.most) return format;
  const line = match === null ? 1 : source.text.slice(0, match.index).split('\n').length;
  throw new DataError({
    where: { file: source.path, line, column: 1 },
    expected: `\`Spreadsheet Format Version - 'N'\` with N from ${FORMATS.least} to ${FORMATS.most}`,
    found: match === null ? 'no such comment' : `format ${match[1]}`,
    hint: 'a new format may change what a column means: read it before the limit is raised',
  });
}

function checkArrays(unit: Unit): void {
  for (const object of unit.objects.values()) {
    if (KNOWN_ARRAYS.has(object.name) || /^xfam_mask_0x[0-9a-f]+_0x[0-9a-f]+$/i.test(object.name)) continue;
    throw new DataError({
      where: { file: unit.file, line: object.line, column: 1 },
      expected: 'one of the known CPUID tables',
      found: `the object \`${object.name}\``,
      hint: 'a table that is not read could hide a class',
    });
  }
}

function readLookup(unit: Unit, scope: Scope): readonly (LookupEntry & { readonly configIndex: number | null })[] {
  const indexes = indexScope(scope);
  return entriesOf(unit, 'cpuid_lookup', LOOKUP_FIELDS, scope, (slot, fields, key, line) => ({
    ...key,
    slot,
    line,
    faulting: flag(unit, fields.get('faulting'), false, scope),
    verifyMask: masksOf(unit, fields, 'verify_mask', scope),
    verifyValue: masksOf(unit, fields, 'verify_value', scope),
    verifySame: masksOf(unit, fields, 'verify_same', scope),
    fixed0OrDynamic: masksOf(unit, fields, 'fixed0_or_dynamic', scope),
    fixed1: masksOf(unit, fields, 'fixed1', scope),
    configIndex: indexOf(unit, fields.get('config_index'), indexes),
  }));
}

function readConfigurable(
  unit: Unit,
  scope: Scope,
): readonly (ConfigurableEntry & { readonly lookupIndex: number | null })[] {
  const indexes = indexScope(scope);
  return entriesOf(unit, 'cpuid_configurable', CONFIGURABLE_FIELDS, scope, (slot, fields, key, line) => ({
    ...key,
    slot,
    line,
    configDirect: masksOf(unit, fields, 'config_direct', scope),
    allowDirect: masksOf(unit, fields, 'allow_direct', scope),
    lookupIndex: indexOf(unit, fields.get('lookup_index'), indexes),
  }));
}

function indexOf(unit: Unit, expr: Expr | undefined, scope: Scope): number | null {
  if (expr === undefined) return null;
  const index = u32(unit, expr, scope);
  return index === NO_INDEX ? null : index;
}

/** `CPUID_CONFIG_NULL_IDX` stands in a header that older trees do not have beside the table; where it is at hand, it says what it is. */
function indexScope(scope: Scope): Scope {
  const otherwise = scope.macro('CPUID_CONFIG_NULL_IDX') === undefined ? BigInt(NO_INDEX) : undefined;
  return { ...scope, constant: (name) => (name === 'CPUID_CONFIG_NULL_IDX' ? otherwise : undefined) };
}

/** A configurable leaf must be in the lookup table, and where both name each other they must agree. */
function checkIndexes(
  unit: Unit,
  lookup: readonly (LookupEntry & { readonly configIndex: number | null })[],
  configurable: readonly (ConfigurableEntry & { readonly lookupIndex: number | null })[],
): void {
  const byLeaf = new Map(lookup.map((entry) => [leafId(entry), entry]));
  const bySlot = new Map(configurable.map((entry) => [entry.slot, entry]));
  for (const entry of configurable) {
    const at = { kind: 'id', text: formatLeaf(entry), line: entry.line ?? 1, column: 1 } as const;
    const target = byLeaf.get(leafId(entry));
    if (target === undefined) fail(unit.file, at, `a \`cpuid_lookup\` entry for each configurable leaf`);
    if (entry.lookupIndex !== null && target.slot !== entry.lookupIndex)
      fail(unit.file, at, `\`.lookup_index\` ${target.slot}, the slot of that leaf`, `it is ${entry.lookupIndex}`);
    if (target.configIndex !== null && target.configIndex !== entry.slot)
      fail(unit.file, at, `slot ${target.configIndex}, the \`.config_index\` of that leaf`, `it is slot ${entry.slot}`);
  }
  for (const entry of lookup) {
    if (entry.configIndex === null) continue;
    const target = bySlot.get(entry.configIndex);
    if (target !== undefined && leafId(target) === leafId(entry)) continue;
    fail(
      unit.file,
      { kind: 'id', text: formatLeaf(entry), line: entry.line ?? 1, column: 1 },
      `a \`cpuid_configurable\` entry of this leaf in slot ${entry.configIndex}`,
    );
  }
}

/** `xfam_mask_0x7_0x0`: the leaf is in the array's name. */
function readXfamMask(unit: Unit, object: CObject, scope: Scope): XfamMask {
  const [, leaf, subleaf] = /^xfam_mask_(0x[0-9a-f]+)_(0x[0-9a-f]+)$/i.exec(object.name) ?? [];
  const key = { leaf: Number(leaf), subleaf: subleafOf(Number(subleaf)) };
  const bits = slotsOf(unit, object, scope).map(
    ({ slot, item }) => [slot, registersOf(unit, item.value, scope)] as const,
  );
  return {
    ...key,
    bits: new Map(
      bits.filter(([, masks]) => REGISTERS.some((register) => (masks[register] ?? 0) !== 0)).sort(([a], [b]) => a - b),
    ),
  };
}

function checkXfamMasks(unit: Unit, masks: readonly XfamMask[], lookup: readonly LookupEntry[]): void {
  const known = new Set(lookup.map(leafId));
  const missing = masks.find((mask) => !known.has(leafId(mask)));
  if (missing === undefined) return;
  throw new DataError({
    where: { file: unit.file, line: 1, column: 1 },
    expected: 'XFAM masks of leaves in `cpuid_lookup`',
    found: `a mask of leaf ${formatLeaf(missing)}`,
  });
}

/** Leaves outside the table that read as 0: bit n is base leaf n, bit 52 + k is 0x80000000 + k (format 10). */
function readFixed0Leaves(unit: Unit, header: Unit | null, scope: Scope): readonly number[] {
  const macro = unit.macros.get('CPUID_FIXED0_BITMAP') ?? withFile(header, 'CPUID_FIXED0_BITMAP');
  if (macro === undefined) return [];
  const bitmap = BigInt.asUintN(64, evaluateMacro(macro, { ...scope, file: header?.file ?? unit.file }).value);
  return fixed0LeavesOf(bitmap);
}

/** The leaves of a `CPUID_FIXED0_BITMAP`, ascending. */
export function fixed0LeavesOf(bitmap: bigint): readonly number[] {
  const leaves: number[] = [];
  for (let bit = 0; bit < 64; bit += 1)
    if ((bitmap >> BigInt(bit)) & 1n) leaves.push(bit < 52 ? bit : 0x80000000 + (bit - 52));
  return leaves;
}

/** The sizes that `cpuid_configurations_defines.h` states, `null` where it does not. */
export function readSizes(defines: SourceText): { readonly lookup: number | null; readonly config: number | null } {
  const unit = readUnit(defines.path, defines.text);
  const scope: Scope = { file: defines.path, macro: (name) => unit.macros.get(name) };
  const size = (name: string): number | null => {
    const macro = unit.macros.get(name);
    return macro === undefined ? null : Number(evaluateMacro(macro, scope).value);
  };
  return { lookup: size('MAX_NUM_CPUID_LOOKUP'), config: size('MAX_NUM_CPUID_CONFIG') };
}
