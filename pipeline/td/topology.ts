import type { Program, Step } from './program.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import type { TdState } from './state.ts';

const LEAF = 0x1f;
const CORE_LEAF = 0xb;
const LEVELS = 6;
const SMT = 1;
const CORE = 2;

const isZero = (values: Uint32Array): boolean => values.every((value) => value === 0);

/** The topology of a TD: leaf 0x1F as configured, or the host's where it is all 0, tested, and leaf 0xB made from it. */
export function computeTopology(program: Program, td: TdState): Refusal | null {
  const format = program.check('topology-format');
  if (format === undefined) return null;
  const refusal = refusalOf(format);
  const number = program.check('topology-number');
  const at = (leaf: number, subleaf: number): Uint32Array => {
    const index = program.find(leaf, subleaf);
    return index === -1 ? new Uint32Array(4) : td.values.subarray(index * 4, index * 4 + 4);
  };
  const isNull = isZero(at(LEAF, 0));
  let [type, hasCore] = [0, false];
  let last: Uint32Array = new Uint32Array(4);
  let smt: Uint32Array | null = null;
  for (let subleaf = 0; subleaf < LEVELS; subleaf += 1) {
    const values = at(LEAF, subleaf);
    if (isNull && !isZero(values)) return refusal;
    if (isNull) values.set(nativeAt(program, td, subleaf));
    const before = type;
    type = ((values[2] ?? 0) >>> 8) & 0xff;
    if (type === 0) {
      if (subleaf === 0 || !hasCore) return refusal;
    } else {
      if (type <= before || type >= LEVELS) return refusal;
      if (number !== undefined && (((values[2] ?? 0) & 0xff) !== subleaf || (type === SMT && subleaf !== 0)))
        return refusalOf(number);
      if (type === SMT) smt = values;
      if (type === CORE) hasCore = true;
    }
    // Older releases give leaf 0xB the last sub-leaf, whether or not it is a level; later ones the last level.
    if (type !== 0 || number === undefined) last = values;
  }
  if (smt !== null) setCore(program, td, 0, smt);
  if (number === undefined) setCore(program, td, 1, core(last, (last[2] ?? 0) & ~0xff00));
  else setLevels(program, td, smt === null ? 0 : 1, last);
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
