import { or } from '../../model/mask.ts';
import { comparePlaces, type LeafKey, type Place, REGISTERS, type Register } from '../../model/place.ts';
import type { QemuFacts, QemuGate, QemuMask, QemuWord } from '../../model/qemu.ts';
import type { Source } from '../../model/source.ts';
import type { Expr, InitItem } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { evaluate, evaluate32, evaluateMacro, type Scope } from '../c/evaluate.ts';
import { initialiserOf, type Unit } from '../c/unit.ts';
import { BY_NUMBER, readSupported, readThreadBits } from './supported.ts';
import { objectOf, type QemuTree } from './tree.ts';

/** A table's file, and what names mean in it. */
type Reading = { readonly unit: Unit; readonly scope: Scope };

/** What one QEMU revision does with a TD's CPUID. Throws a DataError with file and line for a table of another shape. */
export function readQemu(tree: QemuTree, version: string, source: Source): QemuFacts {
  const tdx: Reading = { unit: tree.tdx, scope: tree.scopeOf(tree.tdx) };
  const cpu: Reading = { unit: tree.cpu, scope: tree.scopeOf(tree.cpu) };
  const words = readWords(cpu);
  return {
    version,
    source,
    fixed1: readFixed1(tdx),
    supports: readSupported({ unit: tree.kvm, scope: tree.scopeOf(tree.kvm) }),
    threadBits: readThreadBits(cpu, words),
    gates: [...readAttributeGates(tdx), ...readXfamGates(tdx, words)],
    attributes: readAttributes(tdx),
    xfam: readComponents(cpu),
    kvmFeatures: readKvmFeatures(tdx),
    words: [...words.values()].filter(({ names }) => names.length > 0).sort(comparePlaces),
  };
}

/** `.cpuid.nent = n, .entries[i] = { .function = …, .index = …, .eax = … }`: as many entries as `nent` counts. */
function readFixed1(reading: Reading): readonly QemuMask[] {
  const object = objectOf(reading.unit, 'tdx_fixed1_bits');
  const masks: QemuMask[] = [];
  let stated: number | null = null;
  let entries = 0;
  for (const item of itemsOf(reading, initialiserOf(reading.unit, object), 'tdx_fixed1_bits')) {
    const names = item.designators.map((part) => (part.kind === 'field' ? part.name : '[]')).join('.');
    if (names === 'cpuid.nent') stated = evaluate32(item.value, reading.scope);
    else if (names === 'entries.[]') {
      masks.push(...fixed1Entry(reading, item));
      entries += 1;
    } else fail(reading.unit.file, item.at, '`.cpuid.nent` or `.entries[n]` of `tdx_fixed1_bits`');
  }
  if (stated !== entries)
    fail(reading.unit.file, objectToken(reading, object.name), `\`nent\` to count ${entries} entries`);
  return masks;
}

function fixed1Entry(reading: Reading, item: InitItem): readonly QemuMask[] {
  const fields = fieldsOf(reading, item.value, ['function', 'index', 'flags', ...REGISTERS], 'an entry');
  const leaf = numberOf(reading, fields, 'function', item) ?? 0;
  // The flag says that the index counts: without it, the leaf has no sub-leaves.
  const subleaf = fields.has('flags') ? (numberOf(reading, fields, 'index', item) ?? 0) : null;
  return REGISTERS.flatMap((register) => {
    const value = fields.get(register);
    if (value === undefined) return [];
    const mask = evaluate32(value, reading.scope);
    return [{ leaf, subleaf, register, mask, path: reading.unit.file, line: value.at.line }];
  });
}

function readAttributeGates(reading: Reading): readonly QemuGate[] {
  const object = objectOf(reading.unit, 'tdx_attrs_maps');
  const known = ['attr_index', 'cpuid_leaf', 'cpuid_subleaf', 'cpuid_reg', 'feat_mask'];
  return itemsOf(reading, initialiserOf(reading.unit, object), object.name).map((item) => {
    const fields = fieldsOf(reading, item.value, known, 'an attribute');
    const of = (name: string): number => numberOf(reading, fields, name, item) ?? 0;
    return {
      gate: `attributes:${of('attr_index')}`,
      leaf: of('cpuid_leaf'),
      subleaf: of('cpuid_subleaf'),
      register: registerOf(reading, of('cpuid_reg'), item),
      mask: of('feat_mask'),
      path: reading.unit.file,
      line: item.at.line,
    };
  });
}

/** `{ XSTATE_YMM_BIT, { FEAT_7_0_EBX, CPUID_7_0_EBX_AVX2 } }`: the word says which register the mask is of. */
function readXfamGates(reading: Reading, words: ReadonlyMap<number, QemuWord>): readonly QemuGate[] {
  const object = objectOf(reading.unit, 'tdx_xfam_deps');
  return itemsOf(reading, initialiserOf(reading.unit, object), object.name).map((item) => {
    const [bit, feature, ...more] = itemsOf(reading, item.value, 'an XFAM dependency');
    const [word, mask, ...rest] = feature === undefined ? [] : itemsOf(reading, feature.value, 'a feature mask');
    if (bit === undefined || word === undefined || mask === undefined || more.length > 0 || rest.length > 0)
      return fail(reading.unit.file, item.at, 'an XFAM bit with a feature word and a mask');
    const place = words.get(evaluate32(word.value, reading.scope));
    if (place === undefined) return fail(reading.unit.file, word.at, 'a word of `feature_word_info[]`');
    return {
      gate: `xfam:${evaluate32(bit.value, reading.scope)}`,
      ...placeOf(place),
      mask: evaluate32(mask.value, reading.scope),
      path: reading.unit.file,
      line: item.at.line,
    };
  });
}

function readAttributes({ unit, scope }: Reading): QemuFacts['attributes'] {
  const { macro, line } = macroOf(unit, 'TDX_SUPPORTED_TD_ATTRS');
  return { mask: BigInt.asUintN(64, evaluateMacro(macro, scope).value), path: unit.file, line };
}

/** `[XSTATE_YMM_BIT] = { … }`: the index is the component. */
function readComponents(reading: Reading): QemuFacts['xfam'] {
  const object = objectOf(reading.unit, 'x86_ext_save_areas');
  const bits = itemsOf(reading, initialiserOf(reading.unit, object), object.name).map((item) => {
    const [designator, ...rest] = item.designators;
    if (designator?.kind !== 'index' || designator.last !== null || rest.length > 0)
      return fail(reading.unit.file, item.at, '`[COMPONENT] =` of `x86_ext_save_areas[]`');
    return evaluate32(designator.index, reading.scope);
  });
  return {
    mask: bits.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n),
    path: reading.unit.file,
    line: object.line,
  };
}

/** KVM's own leaf (KVM_CPUID_FEATURES, 0x40000001): the module answers #VE there, so KVM and QEMU decide. */
function readKvmFeatures({ unit, scope }: Reading): QemuMask {
  const { macro, line } = macroOf(unit, 'TDX_SUPPORTED_KVM_FEATURES');
  const mask = Number(BigInt.asUintN(32, evaluateMacro(macro, scope).value));
  return { leaf: 0x40000001, subleaf: null, register: 'eax', mask, path: unit.file, line };
}

function macroOf(unit: Unit, name: string) {
  const macro = unit.macros.get(name);
  if (macro !== undefined) return { macro, line: macro.line };
  const [first] = unit.tokens;
  if (first === undefined) throw new Error(`${unit.file} has no tokens`);
  return fail(unit.file, first, `the macro \`${name}\``);
}

/** `feature_word_info[]` by word number: CPUID words, without those that name MSR bits. */
function readWords(reading: Reading): ReadonlyMap<number, QemuWord> {
  const object = objectOf(reading.unit, 'feature_word_info');
  const words = new Map<number, QemuWord>();
  for (const item of itemsOf(reading, initialiserOf(reading.unit, object), object.name)) {
    const [designator, ...rest] = item.designators;
    if (designator?.kind !== 'index' || designator.last !== null || rest.length > 0)
      return fail(reading.unit.file, item.at, '`[WORD] =` of `feature_word_info[]`');
    const fields = fieldsOf(reading, item.value, null, 'a feature word');
    const cpuid = fields.get('cpuid');
    if (cpuid === undefined) continue;
    const word = evaluate32(designator.index, reading.scope);
    if (words.has(word)) return fail(reading.unit.file, item.at, 'each word of `feature_word_info[]` once');
    words.set(word, wordOf(reading, fields, cpuid, item));
  }
  return words;
}

function wordOf(reading: Reading, fields: ReadonlyMap<string, Expr>, cpuid: Expr, item: InitItem): QemuWord {
  const parts = fieldsOf(reading, cpuid, ['eax', 'needs_ecx', 'ecx', 'reg'], 'a word’s place');
  const needs = parts.get('needs_ecx');
  const names = fields.get('feat_names');
  const held = fields.get('no_autoenable_flags');
  return {
    leaf: numberOf(reading, parts, 'eax', item) ?? 0,
    subleaf:
      needs === undefined || evaluate32(needs, reading.scope) === 0
        ? null
        : (numberOf(reading, parts, 'ecx', item) ?? 0),
    register: registerOf(reading, numberOf(reading, parts, 'reg', item) ?? 0, item),
    path: reading.unit.file,
    line: item.at.line,
    names: names === undefined ? [] : namesOf(reading, names),
    notAutomatic: held === undefined ? 0 : or(evaluate32(held, reading.scope), 0),
  };
}

/** Names in C's order: `[n] =` sets the bit, what follows counts on; NULL is a bit without a name. */
function namesOf(reading: Reading, names: Expr): QemuWord['names'] {
  const found = new Map<number, string>();
  let bit = 0;
  for (const item of itemsOf(reading, names, 'the names of a word')) {
    const [designator] = item.designators;
    if (designator?.kind === 'index') bit = evaluate32(designator.index, reading.scope);
    // Words that name MSR bits have 64; those of CPUID end at 32.
    if (bit > 31) return fail(reading.unit.file, item.at, 'at most 32 names of a CPUID register');
    if (item.value.kind === 'str') found.set(bit, item.value.text.slice(1, -1));
    else if (item.value.kind !== 'id' || item.value.name !== 'NULL')
      return fail(reading.unit.file, item.at, 'a name in quotes or NULL');
    bit += 1;
  }
  return [...found].sort(([a], [b]) => a - b).map(([at, name]) => ({ bit: at, name }));
}

function itemsOf(reading: Reading, expr: Expr, what: string): readonly InitItem[] {
  return expr.kind === 'init' ? expr.items : fail(reading.unit.file, expr.at, `${what} in braces`);
}

/** The fields of a braced value, each once and, where `known` says which there are, each known. */
function fieldsOf(
  reading: Reading,
  expr: Expr,
  known: readonly string[] | null,
  what: string,
): ReadonlyMap<string, Expr> {
  const fields = new Map<string, Expr>();
  for (const item of itemsOf(reading, expr, what)) {
    const [designator, ...rest] = item.designators;
    if (designator?.kind !== 'field' || rest.length > 0)
      return fail(reading.unit.file, item.at, `a \`.field =\` of ${what}`);
    if (known !== null && !known.includes(designator.name))
      return fail(reading.unit.file, designator.at, `a known field of ${what} (${known.join(', ')})`);
    if (fields.has(designator.name)) return fail(reading.unit.file, item.at, `\`.${designator.name}\` once`);
    fields.set(designator.name, item.value);
  }
  return fields;
}

function numberOf(reading: Reading, fields: ReadonlyMap<string, Expr>, name: string, item: InitItem): number | null {
  const value = fields.get(name);
  if (value === undefined) return null;
  const number = evaluate(value, reading.scope).value;
  if (number < 0n || number > 0xffffffffn) return fail(reading.unit.file, item.at, `\`.${name}\` of 32 bits`);
  return Number(number);
}

function registerOf(reading: Reading, number: number, item: InitItem): Register {
  return BY_NUMBER[number] ?? fail(reading.unit.file, item.at, 'one of R_EAX, R_EBX, R_ECX and R_EDX');
}

const placeOf = ({ leaf, subleaf, register }: Place & LeafKey): Place => ({ leaf, subleaf, register });

function objectToken({ unit }: Reading, name: string) {
  const object = objectOf(unit, name);
  const token = unit.tokens[object.value];
  if (token === undefined) throw new Error(`${unit.file} ends before \`${name}\``);
  return token;
}
