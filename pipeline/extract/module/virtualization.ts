import { z } from 'zod';
import { DataError } from '../../model/errors.ts';
import { type GateId, gateId } from '../../model/gate.ts';
import { and, FULL, formatBits, not, or, rangeMask, without } from '../../model/mask.ts';
import { comparePlaces, formatLeaf, type LeafKey, leafId, REGISTERS, type Register } from '../../model/place.ts';
import type { AbiField, AbiRegister, AbiTable, Virtualization } from '../../model/virtualization.ts';
import { checkJson, jsonPath, parseJson } from '../json.ts';
import { decodeText, encodingNotes } from '../text.ts';
import { isFixed, parseVirtualizationType } from './virtualization-type.ts';

/** TD attributes that gate CPUID fields, by the names that the tables use, with their bits in ATTRIBUTES. */
const ATTRIBUTES: Readonly<Record<string, number>> = { LASS: 27, PKS: 30, KL: 31, PERFMON: 63 };

function xfamBits(details: string, key: LeafKey): readonly number[] | null {
  const bits: number[] = [];
  for (const [, inner = ''] of details.matchAll(/XFAM\s*\[([^\]]*)\]/gi)) {
    for (const part of inner.split(',')) {
      const range = /^\s*(\d{1,2})\s*(?::\s*(\d{1,2})\s*)?$/.exec(part);
      if (/^\s*n\s*$/i.test(part) && key.subleaf !== null) bits.push(key.subleaf);
      else if (range === null) return null;
      else {
        const high = Number(range[1]);
        const low = Number(range[2] ?? high);
        if (high < low || high > 63) return null;
        for (let bit = low; bit <= high; bit += 1) bits.push(bit);
      }
    }
  }
  return bits.length === 0 ? null : bits;
}

function attributeBits(details: string): readonly number[] | null {
  const bits = Object.entries(ATTRIBUTES).flatMap(([name, bit]) =>
    new RegExp(`\\b${name}\\b`, 'i').test(details) ? [bit] : [],
  );
  return bits.length === 0 ? null : bits;
}

/**
 * The XFAM and attribute bits that gate a field, from its details: `XFAM[7:5]`, `XFAM[n]` (n is the sub-leaf),
 * `PERFMON`. Empty for a type without such gates; `null` where the details do not say which.
 */
function gatesOf(
  { allow }: Virtualization,
  key: LeafKey,
  details: string | null,
  configuration: string | null,
): readonly GateId[] | null {
  const text = details ?? '';
  const xfam = allow.includes('xfam') ? xfamBits(text, key) : [];
  const attributes = allow.includes('attributes')
    ? (attributeBits(text) ?? attributeBits((configuration ?? '').replaceAll('_', ' ')))
    : [];
  if (xfam === null || attributes === null) return null;
  const ascending = (bits: readonly number[]): readonly number[] => [...new Set(bits)].sort((a, b) => a - b);
  return [
    ...ascending(attributes).map((bit) => gateId({ kind: 'attributes', bit })),
    ...ascending(xfam).map((bit) => gateId({ kind: 'xfam', bit })),
  ];
}

const LEAF = /^(?:leaf\s+)?(0x[0-9a-f]{1,8}|\d{1,9})(?:\s*\/\s*(?:all\s+)?(other\s+)?sub-?lea(?:f|ves)\b\s*(.*))?$/i;
const NUMBER = /^(?:0x[0-9a-f]{1,8}|\d{1,9})$/i;
const RANGE = /^(\w+)\s*(?:-|–|to|\.\.)\s*(\w+)$/i;
/** No leaf enumerates more sub-leaves than this; a longer range is a mistake. */
const MAX_SUBLEAVES = 256;

/** The leaves that one entry describes; `others` where it stands for all sub-leaves that are not listed. */
export type LeafLabel = { readonly keys: readonly LeafKey[] } | { readonly others: number };

function subleavesOf(text: string): readonly number[] | null {
  if (NUMBER.test(text)) return [Number(text)];
  const [, from, to] = RANGE.exec(text) ?? [];
  if (from === undefined || to === undefined || !NUMBER.test(from) || !NUMBER.test(to)) return null;
  const [first, last] = [Number(from), Number(to)];
  if (last < first || last - first >= MAX_SUBLEAVES) return null;
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/**
 * Reads a leaf label: `0x80000008`, `0x7 / Sub-Leaf 0x1`, `0xb / Sub-Leaves 0x0-0x1`, `0x11 / Sub-Leaf N/A`, a list of
 * them after the slash, or `0x4 / All other Sub-Leaves`. `null` for anything else.
 */
export function parseLeafLabel(label: string): LeafLabel | null {
  const [, leafText, other, list] = LEAF.exec(label.trim()) ?? [];
  if (leafText === undefined) return null;
  const leaf = Number(leafText);
  if (list === undefined || /^n\/a$/i.test(list)) return { keys: [{ leaf, subleaf: null }] };
  if (other !== undefined) return list === '' ? { others: leaf } : null;
  if (/^(?:all\s+)?others?$/i.test(list)) return { others: leaf };
  const keys: LeafKey[] = [];
  for (const part of list.split(',')) {
    const subleaves = subleavesOf(part.trim());
    if (subleaves === null) return null;
    keys.push(...subleaves.map((subleaf) => ({ leaf, subleaf })));
  }
  return keys.length > MAX_SUBLEAVES ? null : { keys };
}

const text = z.string({ error: 'a string' });
const optional = z.string({ error: 'a string or null' }).nullish();
const bit = text.regex(/^\s*(?:[12]?\d|3[01])\s*$/, { error: 'a bit number from 0 to 31' });

const fieldSchema = z.looseObject(
  {
    MSB: bit,
    LSB: bit,
    'Field Size': text.regex(/^\s*\d{1,2}\s*$/, { error: 'a number of bits' }),
    'Field Name': optional,
    'Configuration Details': optional,
    'Bit or Field Virtualization Type': text,
    'Virtualization Details': optional,
  },
  { error: 'a field object' },
);
const fields = z.array(fieldSchema, { error: 'an array of fields' }).nullish();
const leafSchema = z.looseObject(
  { Leaf: text, EAX: fields, EBX: fields, ECX: fields, EDX: fields },
  { error: 'a leaf object' },
);
const leavesSchema = z.array(leafSchema, { error: 'an array of leaves' });
const headerSchema = z.looseObject({ Header: z.looseObject({ Version: optional }).optional() }, { error: 'an object' });

type RawField = z.infer<typeof fieldSchema>;
type RawLeaf = z.infer<typeof leafSchema>;

/** Where a field stands, for its errors. */
type Cell = { readonly file: string; readonly label: string; readonly register: Register; readonly at: string };

function cellError(cell: Cell, raw: RawField, expected: string, found: string): DataError {
  const where = `leaf ${cell.label}, ${cell.register.toUpperCase()}[${raw.MSB.trim()}:${raw.LSB.trim()}]`;
  return new DataError({ where: { file: cell.file, at: cell.at }, expected, found: `${found} in ${where}` });
}

/** The fixed value that the details state, as masks in the register. */
function fixedValue(cell: Cell, raw: RawField, lsb: number, verified: boolean): Virtualization['fixed'] {
  const mask = rangeMask(Number(raw.MSB), lsb);
  const details = raw['Virtualization Details'] ?? '';
  if (details.trim() === '' && verified) return null;
  if (!/^\s*(?:0x[0-9a-f]{1,8}|\d{1,10})\s*$/i.test(details)) {
    throw cellError(cell, raw, 'the fixed value', details.trim() === '' ? 'none' : JSON.stringify(details));
  }
  const shifted = BigInt(details.trim()) << BigInt(lsb);
  if (shifted > BigInt(FULL) || without(Number(shifted), mask) !== 0) {
    throw cellError(cell, raw, 'a value that fits the field', JSON.stringify(details));
  }
  const ones = Number(shifted);
  return { ones, zeros: without(mask, ones) };
}

function readField(cell: Cell, key: LeafKey, raw: RawField): AbiField {
  const [msb, lsb, size] = [Number(raw.MSB), Number(raw.LSB), Number(raw['Field Size'])];
  if (msb < lsb) throw cellError(cell, raw, 'an MSB that is not below the LSB', `MSB ${msb}, LSB ${lsb}`);
  if (size !== msb - lsb + 1) throw cellError(cell, raw, `a field size of ${msb - lsb + 1}`, `${size}`);
  const type = raw['Bit or Field Virtualization Type'].trim();
  const configuration = raw['Configuration Details'] ?? null;
  const details = raw['Virtualization Details'] ?? null;
  const known = parseVirtualizationType(type, configuration);
  if (known === null) throw cellError(cell, raw, 'a known virtualization type', JSON.stringify(type));
  const mask = rangeMask(msb, lsb);
  const virtualization = isFixed(type) ? { ...known, fixed: fixedValue(cell, raw, lsb, known.verified) } : known;
  const gates = gatesOf(virtualization, key, details, configuration);
  return { name: (raw['Field Name'] ?? '').trim(), msb, lsb, mask, type, details, virtualization, gates, at: cell.at };
}

// biome-ignore lint/complexity/useMaxParams: an entry with the place that it is of, and its path in the file.
function readRegister(file: string, raw: RawLeaf, key: LeafKey, register: Register, path: string): AbiRegister {
  const name = register.toUpperCase() as Uppercase<Register>;
  let covered = 0;
  const list = (raw[name] ?? []).map((rawField, index) => {
    const cell: Cell = { file, label: raw.Leaf.trim(), register, at: `${path}.${name}[${index}]` };
    const field = readField(cell, key, rawField);
    const twice = and(covered, field.mask);
    if (twice !== 0) throw cellError(cell, rawField, 'fields that do not overlap', `bits ${formatBits(twice)} twice`);
    covered = or(covered, field.mask);
    return field;
  });
  return { ...key, register, fields: [...list].sort((a, b) => a.lsb - b.lsb), covered };
}

function coverageNotes(
  file: string,
  registers: readonly AbiRegister[],
  path: string,
  label: string,
): readonly string[] {
  return registers.flatMap(({ register, covered }) => {
    if (covered === FULL) return [];
    const what = covered === 0 ? 'no bit' : `not bits ${formatBits(not(covered))}`;
    return [`${file}: ${path}: leaf ${label}, ${register.toUpperCase()}: the table describes ${what}.`];
  });
}

function gateNotes(file: string, registers: readonly AbiRegister[], label: string): readonly string[] {
  return registers.flatMap(({ register, fields }) =>
    fields.flatMap((field) => {
      if (field.gates !== null) return [];
      const cell = `${register.toUpperCase()}[${field.msb}:${field.lsb}]`;
      return [`${file}: ${field.at}: leaf ${label}, ${cell}: the details do not say what gates it.`];
    }),
  );
}

function isVe(registers: readonly AbiRegister[]): boolean {
  const all = registers.flatMap((register) => register.fields);
  return all.length > 0 && all.every(({ virtualization }) => virtualization.ve);
}

/** The arrays of leaves: every member of the document that is an array; their name has varied. */
function leafArrays(file: string, document: object): readonly (readonly [string, readonly RawLeaf[]])[] {
  const arrays = Object.entries(document).filter(([, value]) => Array.isArray(value));
  if (arrays.length === 0) {
    throw new DataError({ where: { file }, expected: 'an array of leaves beside the header', found: 'none' });
  }
  return arrays.map(([name, value]) => {
    const wrapper = z.looseObject({ [name]: leavesSchema });
    return [name, checkJson(file, wrapper, { [name]: value })[name] ?? []] as const;
  });
}

/**
 * cpuid_virtualization.json of Intel's ABI tables, in the vocabulary of any revision. An unknown type, a field that
 * overlaps, is inverted or has another size, a fixed field without value, or a leaf listed twice is a DataError that
 * names the cell and its JSON path; bits that no field describes become notes.
 */
export function readVirtualization(file: string, bytes: Uint8Array): AbiTable {
  const decoded = decodeText(bytes);
  const document = checkJson(file, headerSchema, parseJson(file, decoded.text));
  const notes = [...encodingNotes(file, decoded)];
  const leaves = new Map<string, readonly AbiRegister[]>();
  for (const [name, entries] of leafArrays(file, document)) {
    entries.forEach((raw, index) => {
      readLeaf(file, raw, jsonPath([name, index]), leaves, notes);
    });
  }
  return {
    version: document.Header?.Version ?? null,
    registers: [...leaves.values()].flat().sort(comparePlaces),
    notes,
  };
}

// biome-ignore lint/complexity/useMaxParams: an entry with its path, and the two lists that it fills.
function readLeaf(
  file: string,
  raw: RawLeaf,
  path: string,
  leaves: Map<string, readonly AbiRegister[]>,
  notes: string[],
): void {
  const label = parseLeafLabel(raw.Leaf);
  if (label === null) {
    const where = { file, at: `${path}.Leaf` };
    throw new DataError({ where, expected: 'a leaf such as "0x7 / Sub-Leaf 0x1"', found: JSON.stringify(raw.Leaf) });
  }
  if ('others' in label) {
    notes.push(`${file}: ${path}: sub-leaves that are not listed (${raw.Leaf.trim()}) were not read.`);
    return;
  }
  label.keys.forEach((key, index) => {
    const registers = REGISTERS.map((register) => readRegister(file, raw, key, register, path));
    const earlier = leaves.get(leafId(key));
    if (earlier !== undefined && isVe(earlier) && isVe(registers)) {
      notes.push(`${file}: ${path}: leaf ${formatLeaf(key)} is listed again, all of it #VE.`);
      return;
    }
    if (earlier !== undefined) {
      const where = { file, at: `${path}.Leaf` };
      throw new DataError({ where, expected: `leaf ${formatLeaf(key)} once`, found: JSON.stringify(raw.Leaf) });
    }
    leaves.set(leafId(key), registers);
    // The sub-leaves of a range share their fields, so one note says it for all.
    if (index > 0) return;
    notes.push(
      ...coverageNotes(file, registers, path, raw.Leaf.trim()),
      ...gateNotes(file, registers, raw.Leaf.trim()),
    );
  });
}
