import type { Expr } from '../c/ast.ts';
import type { CFunction } from '../c/unit.ts';
import type { Program } from './program.ts';

/** A CPUID entry as KVM's code sees it: registers are 32-bit unsigned. */
export type Entry = { function: bigint; index: bigint; eax: bigint; ebx: bigint; ecx: bigint; edx: bigint };
const FIELDS = ['function', 'index', 'eax', 'ebx', 'ecx', 'edx'] as const;
export type Field = (typeof FIELDS)[number];
/** What an entry is found by; a value that comes from one keeps its name through variables, arguments and casts. */
export type Key = 'function' | 'index';
/** What a run compared each key with: the leaves that its code tells apart. */
export type Compared = Readonly<Record<Key, Set<bigint>>>;

/** An entry that the code works on, and the line that last changed each of its fields. */
export type Slot = { readonly entry: Entry; readonly lines: Map<Field, number> };
export const slotOf = (entry: Entry): Slot => ({ entry: { ...entry }, lines: new Map() });

/**
 * The value of an expression: a number, an entry, or something that comes from the module and is not known here. Of that,
 * `mixed` is what an operator made: as a register's value it would hide the mask in it.
 */
export type Value =
  | { readonly kind: 'number'; readonly value: bigint; readonly of?: Key }
  | { readonly kind: 'entry'; readonly slot: Slot }
  | { readonly kind: 'unknown'; readonly mixed?: true };
export type NumberValue = Extract<Value, { kind: 'number' }>;

/** The entries that a loop over the module's configurable leaves finds: user space's, the module's, the TD's. */
export type Places = { readonly found?: Slot; readonly config?: Slot; readonly value?: Slot };

export type Run = {
  readonly program: Program;
  readonly places: Places;
  readonly compared: Compared;
  readonly call: (run: Run, fn: CFunction, args: readonly Value[]) => Value;
  steps: number;
};
/** `isTurn` in a loop's own body, where `continue` and a jump out of it have a meaning. */
export type Frame = { readonly values: Map<string, Value>; readonly run: Run; readonly isTurn?: true };

export const UNKNOWN: Value = { kind: 'unknown' };
export const MIXED: Value = { kind: 'unknown', mixed: true };
export const number = (value: bigint): NumberValue => ({ kind: 'number', value });
export const truth = (value: boolean): NumberValue => number(value ? 1n : 0n);

/** The field that a member's name means: the module's table calls the keys `leaf` and `sub_leaf`. */
export const fieldOf = (name: string): Field | undefined =>
  name === 'leaf' ? 'function' : name === 'sub_leaf' ? 'index' : FIELDS.find((field) => field === name);

/** C's truth of a number: a key asked this way is compared with 0. */
export function isTrue(value: NumberValue, frame: Frame): boolean {
  if (value.of !== undefined) frame.run.compared[value.of].add(0n);
  return value.value !== 0n;
}

export type ExprOf<Kind extends Expr['kind']> = Extract<Expr, { kind: Kind }>;
