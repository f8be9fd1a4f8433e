import { DataError } from '../../model/errors.ts';
import type { ConfigurableEntry, LookupEntry, ModuleTables, RegisterMasks, XfamMask } from '../../model/module.ts';
import { formatLeaf, type LeafKey, leafId, REGISTERS } from '../../model/place.ts';
import type { Expr, InitItem } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { evaluate32, evaluate64, evaluateMacro, type Scope } from '../c/evaluate.ts';
import { type CObject, initialiserOf, readUnit, type Unit } from '../c/unit.ts';

/** The sub-leaf that stands for "this leaf has no sub-leaves". */
const NO_SUBLEAF = 0xffffffff;
/** `CPUID_CONFIG_NULL_IDX`: the leaf has no configurable entry. */
const NO_INDEX = 0xffffffff;
/** Spreadsheet formats whose structure is known; the later ones may change what a column means. */
const FORMATS = { least: 1, most: 10 } as const;
/** Array slots beyond this are a damaged index, not a table. */
const MAX_SLOTS = 4096;

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
const CONFIGURABLE_FIELDS = ['leaf_subleaf', 'valid_entry', 'config_direct', 'allow_direct', 'lookup_index'];
/** Arrays that are known and hold no class: `ordered_cpuid_lookup[]` is an index sorted by leaf. */
const KNOWN_ARRAYS = new Set(['cpuid_lookup', 'cpuid_configurable', 'ordered_cpuid_lookup']);

/** A file of C source: its path names it in errors. */
export type SourceText = { readonly path: string; readonly text: string };

/** An item of an array with the slot that it fills. */
type Slot = { readonly slot: number; readonly item: InitItem };
type Fields = ReadonlyMap<string, Expr>;

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

function tableOf(unit: Unit, name: string): CObject {
  const object = unit.objects.get(name);
  if (object !== undefined) return object;
  throw new DataError({
    where: { file: unit.file, line: 1, column: 1 },
    expected: `the array \`${name}[]\``,
    found: 'none',
  });
}

/** The slots of an array in source order, C's way: `[n] =` sets the index, what follows counts on. */
function slotsOf(unit: Unit, object: CObject, scope: Scope): readonly Slot[] {
  const size = sizeOf(unit, object, scope);
  const value = initialiserOf(unit, object);
  if (value.kind !== 'init') return fail(unit.file, value.at, `a braced initialiser of \`${object.name}\``);
  const slots: Slot[] = [];
  const seen = new Map<number, number>();
  let index = 0;
  for (const item of value.items) {
    const [designator, ...rest] = item.designators;
    if (designator !== undefined) {
      if (designator.kind !== 'index' || designator.last !== null || rest.length > 0)
        return fail(unit.file, item.at, `an array index of \`${object.name}\``);
      index = evaluate32(designator.index, scope);
    }
    if (index >= size)
      return fail(
        unit.file,
        item.at,
        `an index of \`${object.name}\` below its size of ${size}`,
        `the entry fills slot ${index}`,
      );
    const earlier = seen.get(index);
    if (earlier !== undefined)
      return fail(
        unit.file,
        item.at,
        `one entry for slot ${index} of \`${object.name}\``,
        `the first is in line ${earlier}`,
      );
    seen.set(index, item.at.line);
    slots.push({ slot: index, item });
    index += 1;
  }
  return slots;
}

function sizeOf(unit: Unit, object: CObject, scope: Scope): number {
  const [dimension, ...more] = object.dimensions;
  const first = dimension?.[0];
  if (dimension === undefined || first === undefined || more.length > 0)
    throw new DataError({
      where: { file: unit.file, line: object.line, column: 1 },
      expected: `\`${object.name}\` to be an array of one stated size`,
      found: 'another shape',
    });
  // XCR0_MAX_VALID_BIT and XCR0_MAX_BIT are defined in headers that are not read; XFAM has 64 bits.
  const bounded: Scope = { ...scope, constant: (name) => (/^XCR0_MAX(_VALID)?_BIT$/.test(name) ? 63n : undefined) };
  const size = Number(
    evaluateMacro({ name: object.name, params: null, body: dimension, line: object.line, conditions: [] }, bounded)
      .value,
  );
  if (size < 1 || size > MAX_SLOTS)
    return fail(unit.file, first, `a size of \`${object.name}\` from 1 to ${MAX_SLOTS}`);
  return size;
}

/** The fields of a struct initialiser, each at most once and each known. */
function fieldsOf(unit: Unit, expr: Expr, known: readonly string[], what: string): Fields {
  if (expr.kind !== 'init') return fail(unit.file, expr.at, `a braced ${what}`);
  const fields = new Map<string, Expr>();
  for (const item of expr.items) {
    const [designator, ...rest] = item.designators;
    if (designator === undefined && expr.items.length === 1 && isZero(item.value)) continue;
    if (designator?.kind !== 'field' || rest.length > 0) return fail(unit.file, item.at, `a \`.field =\` of a ${what}`);
    if (!known.includes(designator.name))
      return fail(
        unit.file,
        designator.at,
        `a known field of a ${what} (${known.join(', ')})`,
        'the structure of the table changed',
      );
    if (fields.has(designator.name)) return fail(unit.file, item.at, `\`.${designator.name}\` once`);
    fields.set(designator.name, item.value);
  }
  return fields;
}

const isZero = (expr: Expr): boolean => expr.kind === 'num' && /^0+[uUlL]*$/.test(expr.text);

function masksOf(unit: Unit, fields: Fields, name: string, scope: Scope): RegisterMasks {
  const expr = fields.get(name);
  return expr === undefined ? {} : registersOf(unit, expr, scope);
}

function registersOf(unit: Unit, expr: Expr, scope: Scope): RegisterMasks {
  const masks: { eax?: number; ebx?: number; ecx?: number; edx?: number } = {};
  const fields = fieldsOf(unit, expr, REGISTERS, 'register group');
  for (const register of REGISTERS) {
    const value = fields.get(register);
    if (value !== undefined) masks[register] = u32(unit, value, scope);
  }
  return masks;
}

function u32(unit: Unit, expr: Expr, scope: Scope): number {
  // Nearly all of a table is plain literals: those need no arithmetic of C.
  if (expr.kind === 'num' && /^(0x[0-9a-f]{1,8}|[1-9]\d{0,8}|0)$/i.test(expr.text)) return Number(expr.text);
  const value = evaluate64(expr, scope);
  if (value > 0xffffffffn) return fail(unit.file, expr.at, 'a value of 32 bits');
  return Number(value);
}

function flag(unit: Unit, expr: Expr | undefined, otherwise: boolean, scope: Scope): boolean {
  if (expr === undefined) return otherwise;
  if (expr.kind === 'id' && /^(true|TRUE)$/.test(expr.name)) return true;
  if (expr.kind === 'id' && /^(false|FALSE)$/.test(expr.name)) return false;
  const value = u32(unit, expr, scope);
  return value === 0 || value === 1 ? value === 1 : fail(unit.file, expr.at, '`true` or `false`');
}

function leafOf(unit: Unit, fields: Fields, item: InitItem, scope: Scope): LeafKey {
  const expr = fields.get('leaf_subleaf');
  if (expr === undefined) return fail(unit.file, item.at, '`.leaf_subleaf` in a table entry');
  const parts = fieldsOf(unit, expr, ['leaf', 'subleaf'], 'leaf and sub-leaf');
  const [leaf, subleaf] = [parts.get('leaf'), parts.get('subleaf')];
  if (leaf === undefined || subleaf === undefined) return fail(unit.file, expr.at, '`.leaf` and `.subleaf`');
  const index = u32(unit, subleaf, scope);
  return { leaf: u32(unit, leaf, scope), subleaf: index === NO_SUBLEAF ? null : index };
}

/** The entries of a table: `valid_entry = false` is a slot that the module does not use. */
function entriesOf<T extends LeafKey>(
  unit: Unit,
  name: string,
  known: readonly string[],
  scope: Scope,
  read: (slot: number, fields: Fields, key: LeafKey, line: number) => T,
): readonly T[] {
  const entries: T[] = [];
  const seen = new Map<string, number>();
  const slots = slotsOf(unit, tableOf(unit, name), scope);
  const hasValid = slots.some(
    ({ item }) =>
      item.value.kind === 'init' &&
      item.value.items.some((field) =>
        field.designators.some((part) => part.kind === 'field' && part.name === 'valid_entry'),
      ),
  );
  for (const { slot, item } of slots) {
    const fields = fieldsOf(unit, item.value, known, `\`${name}\` entry`);
    // Tables from 1.5.01 on mark what is valid: an entry without the mark is as unused as a slot without an entry.
    if (!flag(unit, fields.get('valid_entry'), !hasValid, scope)) continue;
    const key = leafOf(unit, fields, item, scope);
    const earlier = seen.get(leafId(key));
    if (earlier !== undefined)
      return fail(
        unit.file,
        item.at,
        `one \`${name}\` entry for leaf ${formatLeaf(key)}`,
        `the first is in line ${earlier}`,
      );
    seen.set(leafId(key), item.at.line);
    entries.push(read(slot, fields, key, item.at.line));
  }
  return entries;
}

function readLookup(unit: Unit, scope: Scope): readonly (LookupEntry & { readonly configIndex: number | null })[] {
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
    configIndex: indexOf(unit, fields.get('config_index'), scope),
  }));
}

function readConfigurable(
  unit: Unit,
  scope: Scope,
): readonly (ConfigurableEntry & { readonly lookupIndex: number | null })[] {
  return entriesOf(unit, 'cpuid_configurable', CONFIGURABLE_FIELDS, scope, (slot, fields, key, line) => ({
    ...key,
    slot,
    line,
    configDirect: masksOf(unit, fields, 'config_direct', scope),
    allowDirect: masksOf(unit, fields, 'allow_direct', scope),
    lookupIndex: indexOf(unit, fields.get('lookup_index'), scope),
  }));
}

function indexOf(unit: Unit, expr: Expr | undefined, scope: Scope): number | null {
  if (expr === undefined) return null;
  const index = u32(unit, expr, {
    ...scope,
    constant: (name) => (name === 'CPUID_CONFIG_NULL_IDX' ? BigInt(NO_INDEX) : undefined),
  });
  return index === NO_INDEX ? null : index;
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
    if (entry.configIndex === null || bySlot.has(entry.configIndex)) continue;
    fail(
      unit.file,
      { kind: 'id', text: formatLeaf(entry), line: entry.line ?? 1, column: 1 },
      `a \`cpuid_configurable\` entry in slot ${entry.configIndex}`,
    );
  }
}

/** `xfam_mask_0x7_0x0`: the leaf is in the array's name. */
function readXfamMask(unit: Unit, object: CObject, scope: Scope): XfamMask {
  const [, leaf, subleaf] = /^xfam_mask_(0x[0-9a-f]+)_(0x[0-9a-f]+)$/i.exec(object.name) ?? [];
  const key = { leaf: Number(leaf), subleaf: Number(subleaf) === NO_SUBLEAF ? null : Number(subleaf) };
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
