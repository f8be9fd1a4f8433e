import { and, without } from '../model/mask.ts';
import { REGISTERS, type Register } from '../model/place.ts';
import type { ConfigEntry, Registers, TdCase, TdParams } from './case.ts';
import { applied } from './effect.ts';
import { paramsRefusal } from './params.ts';
import type { PlatformResult } from './platform.ts';
import type { Program, Row } from './program.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import { bitsOf64, MAXGPA_VIRT, MAXPA_VIRT, type TdState, widestAddress } from './state.ts';
import { computeTopology } from './topology.ts';

/** What TDH.MNG.INIT ends with. `stops`: the module would stop the whole platform. */
export type InitResult =
  | { readonly kind: 'ready'; readonly td: TdState }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'stops'; readonly why: string };

type Started = Extract<PlatformResult, { readonly kind: 'ready' }>;

/** TDH.MNG.INIT: the parameters in the order in which the module tests them, then the CPUID of the TD row by row. */
export function initTd(program: Program, { platform, processor }: Started, { params, guest }: TdCase): InitResult {
  const td: TdState = {
    platform,
    processor,
    params,
    guest,
    xfamBits: bitsOf64(params.xfam),
    attributeBits: bitsOf64(params.attributes),
    flagBits: bitsOf64(params.configFlags),
    values: new Uint32Array(program.rows.length * 4),
    controls: new Set(),
  };
  const refused = paramsRefusal(program, td);
  if (refused !== null) return { kind: 'refused', refusal: refused };
  const slots = slotsOf(program, params);
  for (const [index, row] of program.rows.entries()) {
    const result = initRow(program, td, index, row, slots.get(index) ?? ZEROS);
    if (result !== null) return result;
  }
  const topology = computeTopology(program, td);
  if (topology !== null) return { kind: 'refused', refusal: topology };
  const late = lateRefusal(program, td);
  return late === null ? { kind: 'ready', td } : { kind: 'refused', refusal: late };
}

const ZEROS: Registers = [0, 0, 0, 0];

/** The configured values by row; an entry whose leaf has no slot is dropped, the last of two for one slot counts. */
function slotsOf(program: Program, params: TdParams): ReadonlyMap<number, Registers> {
  const slots = new Map<number, Registers>();
  for (const { leaf, subleaf, values } of params.cpuidConfig) {
    const index = program.find(leaf, subleaf);
    if (index !== -1 && program.rows[index]?.slot !== null) slots.set(index, values);
  }
  return slots;
}

/** Configured entries that no slot of the release takes. */
export const withoutSlot = (program: Program, params: TdParams): readonly ConfigEntry[] =>
  params.cpuidConfig.filter(({ leaf, subleaf }) => (program.rows[program.find(leaf, subleaf)]?.slot ?? null) === null);

// biome-ignore lint/complexity/useMaxParams: it runs for each row: no object is made for one.
function initRow(program: Program, td: TdState, index: number, row: Row, config: Registers): InitResult | null {
  const values = new Uint32Array(td.platform.native.subarray(index * 4, index * 4 + 4));
  if (row.slot !== null) {
    const refused = configure(program, row, config, values);
    if (refused !== null) return { kind: 'refused', refusal: refused };
  }
  const early = beforeRules(program, td, row, values);
  if (early !== null) return early;
  for (const step of row.steps) applied(step, td, values, index, row);
  const late = afterRules(program, td, row, values);
  if (late !== null) return { kind: 'refused', refusal: late };
  td.values.set(values, index * 4);
  return null;
}

/** Puts what the VMM configured into the values, register by register; a bit that it may not set ends the call. */
function configure(program: Program, row: Row, config: Registers, values: Uint32Array): Refusal | null {
  const slot = row.slot ?? { direct: ZEROS, allow: ZEROS };
  for (let register = 0; register < 4; register += 1) {
    const given = config[register] ?? 0;
    const direct = slot.direct[register] ?? 0;
    const allow = slot.allow[register] ?? 0;
    const wrong = without(without(given, direct), allow);
    const check = program.check('cpuid-config');
    if (wrong !== 0 && check !== undefined)
      return refusalOf(check, { ...leafOf(row), register: REGISTERS[register] ?? null, mask: wrong });
    const base = without(values[register] ?? 0, row.fixed0[register] ?? 0) | (row.fixed1[register] ?? 0);
    values[register] = and(without(base, direct) | and(given, direct), given | ~allow);
  }
  return null;
}

const leafOf = ({ leaf, subleaf }: Row) => ({ leaf, subleaf });

function beforeRules(program: Program, td: TdState, row: Row, values: Uint32Array): InitResult | null {
  if (row.leaf === 1) return familyResult(program, td, row, values[0] ?? 0);
  if (row.leaf !== 0x80000008 || td.flagBits[MAXPA_VIRT] !== true) return null;
  const check = program.check('maxpa');
  const width = and(values[0] ?? 0, 0xff);
  if (check === undefined || width === 0 || td.flagBits[MAXGPA_VIRT] === true) return null;
  const { maxPa } = td.platform;
  const isValid = width <= widestAddress(td) && width <= maxPa && width >= program.limits.minMaxpa;
  return isValid ? null : { kind: 'refused', refusal: refusalOf(check) };
}

const MIGRATABLE = 29;

/** The configured family, model and stepping: 0 is the platform's, which some releases hold against their list as well. */
function familyResult(program: Program, td: TdState, row: Row, configured: number): InitResult | null {
  const check = program.check('fms') ?? program.check('fms-given');
  const { fms: native } = td.platform;
  if (check === undefined || (configured === 0 && check.id === 'fms-given')) return null;
  const fms = configured === 0 ? native : configured;
  const refusal = refusalOf(check, { ...leafOf(row), register: 'eax' satisfies Register });
  if (td.attributeBits[MIGRATABLE] !== true) return fms === native ? null : { kind: 'refused', refusal };
  const start = program.limits.families.findIndex((family) => sameModel(family, native));
  if (sameModel(native, fms) && (fms & 0xf) > (native & 0xf)) return { kind: 'refused', refusal };
  if (start === -1) return { kind: 'stops', why: 'the platform is of a family that this release does not know' };
  const found = program.limits.families.slice(start).find((family) => sameModel(family, fms));
  return found !== undefined && (fms & 0xf) <= (found & 0xf) ? null : { kind: 'refused', refusal };
}

const sameModel = (a: number, b: number): boolean => without(a, 0xf) === without(b, 0xf);

const TSX = 0x810;

/** Leaf 7.0: both bits of TSX or none, and only with the MSR that switches it. */
function afterRules(program: Program, td: TdState, row: Row, values: Uint32Array): Refusal | null {
  if (row.leaf !== 7 || row.subleaf !== 0) return null;
  const tsx = and(values[1] ?? 0, TSX);
  const silent = program.check('tsx-equal');
  const told = program.check('tsx-equal-rcx');
  if (tsx !== 0 && tsx !== TSX) {
    if (told !== undefined) return refusalOf(told, { ...leafOf(row), register: 'ebx', mask: TSX });
    if (silent !== undefined) return refusalOf(silent);
  }
  const check = program.check('tsx-ctrl');
  const hasMsr = ((td.processor.msr(0x10a) >> 7n) & 1n) === 1n;
  return check !== undefined && (tsx & 0x10) !== 0 && !hasMsr ? refusalOf(check) : null;
}

/** What is tested after the CPUID: the configuration of IA32_ARCH_CAPABILITIES, and what attributes exclude each other. */
function lateRefusal(program: Program, td: TdState): Refusal | null {
  const { msrConfigCtls, archCapabilities, numL2Vms } = td.params;
  const capabilities = program.check('arch-capabilities');
  const isAsked = (msrConfigCtls & 1) === 1;
  const beyond = archCapabilities & ~program.limits.archCapabilities.config;
  if (capabilities !== undefined && (isAsked ? beyond !== 0n : archCapabilities !== 0n)) return refusalOf(capabilities);
  const partitioned = program.check('migratable-l2');
  return partitioned !== undefined && td.attributeBits[MIGRATABLE] === true && numL2Vms > 0
    ? refusalOf(partitioned)
    : null;
}
