import { DataError, KnownError } from '../../model/errors.ts';
import { hex, or } from '../../model/mask.ts';
import { REGISTERS, type Register } from '../../model/place.ts';
import { bodyOf, type CFunction } from '../c/unit.ts';
import { allStatements, expressionsIn } from '../c/walk.ts';
import type { Refusal } from './find.ts';
import { runCondition, runTurn } from './interpret.ts';
import { blank, type LeafInput, UNHEARD } from './leaves.ts';
import { looksUp } from './masking.ts';
import { full, type Probe } from './probe.ts';
import type { Program } from './program.ts';
import { type Entry, slotOf } from './values.ts';

/** Bits that make a TD's setup fail, each found by setting it alone, in the form of a probe. */
export function refusedMasks(program: Program, refusals: readonly Refusal[], leaves: readonly LeafInput[]): Probe {
  const isRefused = (entry: Entry): boolean =>
    refusals.some(({ test, entry: name }) => runCondition(program, test, name, entry));
  return bitsWhere(leaves, isRefused);
}

function bitsWhere(leaves: readonly LeafInput[], holds: (entry: Entry, register: Register) => boolean): Probe {
  return new Map(
    leaves.map((leaf) => {
      const masks = { eax: 0, ebx: 0, ecx: 0, edx: 0 };
      for (const register of REGISTERS)
        for (let bit = 0n; bit < 32n; bit += 1n)
          if (holds({ ...blank(leaf), [register]: 1n << bit }, register))
            masks[register] = or(masks[register], Number(1n << bit));
      return [leaf, masks];
    }),
  );
}

/**
 * What KVM hides from user space it must also keep from a TD, and the other way round: the set-up refuses it, or gives
 * the TD a value without it.
 */
export function checkAgreement(program: Program, init: CFunction, hidden: Probe, refused: Probe): void {
  const [first, second] = [textOf(hidden), textOf(refused)];
  if (first === second) return;
  const dropped = textOf(refused) === 'nothing' ? droppedBits(program, [...hidden.keys()]) : null;
  if (dropped !== null && textOf(dropped) === first) return;
  throw new DataError({
    where: { file: program.path, line: init.line },
    expected: `KVM_TDX_CAPABILITIES and KVM_TDX_INIT_VM to agree (the first hides ${first})`,
    found: `the second refuses ${second}`,
  });
}

function textOf(masks: Probe): string {
  const parts = [...masks].flatMap(([leaf, registers]) => {
    const subleaf = leaf.index === UNHEARD.index ? '*' : leaf.index.toString(16);
    return REGISTERS.filter((register) => registers[register] !== 0).map(
      (register) => `${leaf.function.toString(16)}.${subleaf}.${register}:${hex(registers[register])}`,
    );
  });
  return parts.join(' ') || 'nothing';
}

/** What an allowlist hides it must also refuse: told by the first bit where it does not. */
export function checkRefusal(program: Program, init: CFunction, hidden: Probe, refused: Probe): void {
  const kept = textOf(refused) === 'nothing' ? (droppedBits(program, [...hidden.keys()]) ?? refused) : refused;
  for (const [leaf, registers] of hidden) {
    for (const register of REGISTERS) {
      for (let bit = 0; bit < 32; bit += 1) {
        const isHidden = ((registers[register] >>> bit) & 1) === 1;
        const isKept = (((kept.get(leaf)?.[register] ?? 0) >>> bit) & 1) === 1;
        if (isKept === isHidden) continue;
        throw new DataError({
          where: { file: program.path, line: init.line },
          expected: `KVM_TDX_CAPABILITIES and KVM_TDX_INIT_VM to agree on leaf ${hex(leaf.function)}, sub-leaf ${leaf.index}, ${register} bit ${bit}`,
          found: isHidden ? 'a bit that is hidden and accepted' : 'a bit that is reported and refused',
        });
      }
    }
  }
}

/** Bits that the one loop which fills `cpuid_values[]` takes away from what user space gives; null where none can be run. */
function droppedBits(program: Program, leaves: readonly LeafInput[]): Probe | null {
  const loops = [...program.unit.functions.values()]
    .flat()
    .flatMap((fn) => [...allStatements(bodyOf(program.unit, fn))])
    .flatMap((statement) => (statement.kind === 'loop' ? [statement.body] : []))
    .filter((body) => {
      const exprs = [...expressionsIn(body)];
      return (
        exprs.some(looksUp) &&
        exprs.some(
          (expr) => expr.kind === 'index' && expr.object.kind === 'member' && expr.object.name === 'cpuid_values',
        )
      );
    });
  const [body, ...more] = loops;
  if (body === undefined || more.length > 0) return null;
  try {
    return bitsWhere(leaves, (entry, register) => {
      const leaf = { function: entry.function, index: entry.index };
      const value = slotOf(blank(leaf));
      runTurn(program, body, { found: slotOf(entry), config: slotOf(full(leaf)), value });
      return value.entry[register] === 0n;
    });
  } catch (error) {
    // What cannot be run proves nothing.
    if (error instanceof KnownError) return null;
    throw error;
  }
}
