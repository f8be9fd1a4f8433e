import { DataError } from '../../model/errors.ts';
import type { RegisterMasks } from '../../model/module.ts';
import { formatLeaf, type LeafKey, leafId, REGISTERS } from '../../model/place.ts';
import type { Expr, InitItem } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { evaluate32, evaluate64, evaluateMacro, type Scope } from '../c/evaluate.ts';
import { type CObject, initialiserOf, type Unit } from '../c/unit.ts';

/** The sub-leaf that stands for "this leaf has no sub-leaves". */
const NO_SUBLEAF = 0xffffffff;
/** Array slots beyond this are a damaged index, not a table. */
const MAX_SLOTS = 4096;

/** An item of an array with the slot that it fills. */
type Slot = { readonly slot: number; readonly item: InitItem };

/** The fields of a struct initialiser by name. */
export type Fields = ReadonlyMap<string, Expr>;

/** A sub-leaf as the tables write it: none is null. */
export const subleafOf = (index: number): number | null => (index === NO_SUBLEAF ? null : index);

/** An array of the file. Throws a DataError where there is none. */
export function tableOf(unit: Unit, name: string): CObject {
  const object = unit.objects.get(name);
  if (object !== undefined) return object;
  throw new DataError({
    where: { file: unit.file, line: 1, column: 1 },
    expected: `the array \`${name}[]\``,
    found: 'none',
  });
}

/** The slots of an array in source order, C's way: `[n] =` sets the index, what follows counts on. */
export function slotsOf(unit: Unit, object: CObject, scope: Scope): readonly Slot[] {
  const size = sizeOf(unit, object, scope);
  const value = initialiserOf(unit, object);
  if (value.kind !== 'init') return fail(unit.file, value.at, `a braced initialiser of \`${object.name}\``);
  const slots: Slot[] = [];
  const seen = new Map<number, number>();
  let index = 0;
  for (const item of value.items) {
    const designator = item.designators[0];
    if (designator !== undefined) {
      if (designator.kind !== 'index' || designator.last !== null || item.designators.length > 1)
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

/** The stated size of an array of one dimension. Throws a DataError for another shape or a size out of bounds. */
export function sizeOf(unit: Unit, object: CObject, scope: Scope): number {
  const [dimension, ...more] = object.dimensions;
  const first = dimension?.[0];
  if (dimension === undefined || first === undefined || more.length > 0)
    throw new DataError({
      where: { file: unit.file, line: object.line, column: 1 },
      expected: `\`${object.name}\` to be an array of one stated size`,
      found: 'another shape',
    });
  // XCR0_MAX_VALID_BIT and XCR0_MAX_BIT are defined in headers that are not read; XFAM has 64 bits.
  const bounded: Scope = {
    ...scope,
    constant: (name) => (/^XCR0_MAX(_VALID)?_BIT$/.test(name) && scope.macro(name) === undefined ? 63n : undefined),
  };
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
    const designator = item.designators[0];
    if (designator === undefined && expr.items.length === 1 && isZero(item.value)) continue;
    if (designator?.kind !== 'field' || item.designators.length > 1)
      return fail(unit.file, item.at, `a \`.field =\` of a ${what}`);
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

/** The masks of a field that is a register group, none where the field is absent. */
export function masksOf(unit: Unit, fields: Fields, name: string, scope: Scope): RegisterMasks {
  const expr = fields.get(name);
  return expr === undefined ? {} : registersOf(unit, expr, scope);
}

/** The masks of a register group: a register that is not named has none. */
export function registersOf(unit: Unit, expr: Expr, scope: Scope): RegisterMasks {
  const masks: { eax?: number; ebx?: number; ecx?: number; edx?: number } = {};
  const fields = fieldsOf(unit, expr, REGISTERS, 'register group');
  for (const register of REGISTERS) {
    const value = fields.get(register);
    if (value !== undefined) masks[register] = u32(unit, value, scope);
  }
  return masks;
}

/** A constant of 32 bits. Throws a DataError for a wider one. */
export function u32(unit: Unit, expr: Expr, scope: Scope): number {
  // Nearly all of a table is plain literals: those need no arithmetic of C.
  if (expr.kind === 'num' && /^(0x[0-9a-f]{1,8}|[1-9]\d{0,8}|0)$/i.test(expr.text)) return Number(expr.text);
  const value = evaluate64(expr, scope);
  if (value > 0xffffffffn) return fail(unit.file, expr.at, 'a value of 32 bits');
  return Number(value);
}

/** A boolean field, `otherwise` where it is absent. Throws a DataError for any other value. */
export function flag(unit: Unit, expr: Expr | undefined, otherwise: boolean, scope: Scope): boolean {
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
  return { leaf: u32(unit, leaf, scope), subleaf: subleafOf(index) };
}

/** The entries of a table: `valid_entry = false` is a slot that the module does not use. */
// biome-ignore lint/complexity/useMaxParams: a table, what may stand in it, and how an entry is read.
export function entriesOf<T extends LeafKey>(
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
