import type { Check } from '../model/decider-rules.ts';
import type { Program, Step } from './program.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import type { TdState } from './state.ts';

const LEAF = 0x1f;
const CORE_LEAF = 0xb;
const LEVELS = 6;
const SMT = 1;
const CORE = 2;

const isZero = (values: Uint32Array): boolean => values.every((value) => value === 0);

/** The levels of leaf 0x1F that were gone through. */
type Levels = { type: number; hasCore: boolean; smt: Uint32Array | null; last: Uint32Array };

/** What refuses a topology; releases before the sub-leaf's number was tested have no check of it. */
type Checks = { readonly format: Check; readonly number: Check | undefined };

/** The topology of a TD: leaf 0x1F as configured, or the host's where it is all 0, tested, and leaf 0xB made from it. */
export function computeTopology(program: Program, td: TdState): Refusal | null {
  const format = program.check('topology-format');
  if (format === undefined) return null;
  const number = program.check('topology-number');
  const isNull = isZero(valuesAt(program, td, 0));
  const levels: Levels = { type: 0, hasCore: false, smt: null, last: new Uint32Array(4) };
  for (let subleaf = 0; subleaf < LEVELS; subleaf += 1) {
    const values = valuesAt(program, td, subleaf);
    if (isNull && !isZero(values)) return refusalOf(format);
    if (isNull) values.set(nativeAt(program, td, subleaf));
    const refused = takeLevel(levels, subleaf, values, { format, number });
    if (refused !== null) return refusalOf(refused);
  }
  const { smt, last } = levels;
  if (smt !== null) setCore(program, td, 0, smt);
  if (number === undefined) setCore(program, td, 1, core(last, (last[2] ?? 0) & ~0xff00));
  else setLevels(program, td, smt === null ? 0 : 1, last);
  return null;
}

function valuesAt(program: Program, td: TdState, subleaf: number): Uint32Array {
  const index = program.find(LEAF, subleaf);
  return index === -1 ? new Uint32Array(4) : td.values.subarray(index * 4, index * 4 + 4);
}

/** Goes on by a sub-leaf, and gives the check that refuses it. */
function takeLevel(levels: Levels, subleaf: number, values: Uint32Array, { format, number }: Checks): Check | null {
  const ecx = values[2] ?? 0;
  const before = levels.type;
  const type = (ecx >>> 8) & 0xff;
  levels.type = type;
  if (type === 0) {
    if (subleaf === 0 || !levels.hasCore) return format;
    // Older releases give leaf 0xB the last sub-leaf, whether or not it is a level; later ones the last level.
    if (number === undefined) levels.last = values;
    return null;
  }
  if (type <= before || type >= LEVELS) return format;
  if (number !== undefined && ((ecx & 0xff) !== subleaf || (type === SMT && subleaf !== 0))) return number;
  if (type === SMT) levels.smt = values;
  if (type === CORE) levels.hasCore = true;
  levels.last = values;
  return null;
}

const core = ([eax = 0, ebx = 0, , edx = 0]: Uint32Array, ecx: number): Uint32Array =>
  Uint32Array.of(eax, ebx, ecx | (CORE << 8), edx);

/** The core level stands at the sub-leaf after SMT; the ones behind it end the list. */
function setLevels(program: Program, td: TdState, level: number, last: Uint32Array): void {
  setCore(program, td, level, core(last, level));
  for (let subleaf = level + 1; subleaf <= 2; subleaf += 1) setCore(program, td, subleaf, new Uint32Array(4));
}

function nativeAt(program: Program, td: TdState, subleaf: number): Uint32Array {
  const index = program.find(LEAF, subleaf);
  return index === -1 ? new Uint32Array(4) : td.platform.native.subarray(index * 4, index * 4 + 4);
}

/** Writes a sub-leaf of leaf 0xB, the bits that the release's rules say are computed. */
function setCore(program: Program, td: TdState, subleaf: number, values: Uint32Array): void {
  const index = program.find(CORE_LEAF, subleaf);
  const row = program.rows[index];
  const step: Step | undefined = row?.steps.find(
    ({ rule }) => rule.effect.do === 'compute' && rule.effect.what === 'topology-core',
  );
  if (step === undefined) return;
  for (let register = 0; register < 4; register += 1) {
    const mask = step.masks[register] ?? 0;
    const at = index * 4 + register;
    td.values[at] = ((td.values[at] ?? 0) & ~mask) | ((values[register] ?? 0) & mask);
  }
}
