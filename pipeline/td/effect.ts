import type { Effect } from '../model/decider-rules.ts';
import { and, FULL, without } from '../model/mask.ts';
import { computed } from './computations.ts';
import type { Row, Step } from './program.ts';
import type { TdState } from './state.ts';

/** Applies one rule to the four registers of a leaf. A rule of #VE changes nothing: who asks the rules looks for it. */
// biome-ignore lint/complexity/useMaxParams: it runs for each step of each leaf: no object is made for one.
export function applied(step: Step, td: TdState, values: Uint32Array, index: number, row: Row | null): void {
  const { effect } = step.rule;
  if (effect.do === 've') return;
  if (effect.do === 'xfam-masks') {
    maskByXfam(td, values, row);
    return;
  }
  const holds = step.holds(td);
  if ((effect.do === 'clear' || effect.do === 'set') && holds) return;
  if (effect.do !== 'compute') write(step, values, () => written(effect, holds));
  else if (holds)
    write(step, values, (register) => computed(effect.what, td, values, index, register) ?? values[register] ?? 0);
}

/** What a rule writes that computes nothing. */
function written(effect: Exclude<Effect, { readonly do: 'compute' | 've' | 'xfam-masks' }>, holds: boolean): number {
  switch (effect.do) {
    case 'zero':
    case 'clear':
      return 0;
    case 'one':
    case 'set':
      return FULL;
    case 'follow':
      return holds ? FULL : 0;
    case 'choose':
      return holds ? effect.yes : effect.no;
  }
}

function maskByXfam(td: TdState, values: Uint32Array, row: Row | null): void {
  for (const { bit, masks } of row?.xfam ?? [])
    if (td.xfamBits[bit] !== true)
      for (let register = 0; register < 4; register += 1)
        values[register] = without(values[register] ?? 0, masks[register] ?? 0);
}

function write(step: Step, values: Uint32Array, value: (register: number) => number): void {
  for (let register = 0; register < 4; register += 1) {
    const mask = step.masks[register] ?? 0;
    if (mask !== 0) values[register] = without(values[register] ?? 0, mask) | and(value(register), mask);
  }
}
