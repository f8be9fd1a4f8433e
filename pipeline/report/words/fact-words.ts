import type { CellClass } from '../../model/class.ts';
import { GATE_FIELDS } from '../../model/control.ts';
import type { Backing, ClassStep, ClobberFact, ControlKind, FindingFacts } from '../../model/finding.ts';
import { type GateId, gateOf } from '../../model/gate.ts';
import { deciderWords } from '../decider-words.ts';

/** The facts of one kind. */
export type FactsOf<K extends FindingFacts['kind']> = Extract<FindingFacts, { readonly kind: K }>;

export const CONTROL_TEXT: Readonly<Record<ControlKind, string>> = {
  attributes: 'ATTRIBUTES',
  xfam: 'XFAM',
  features0: 'TDX_FEATURES0',
  'config-flags': 'CONFIG_FLAGS',
  'td-ctls': 'TD_CTLS',
};

export const CLASS_TEXT: Readonly<Record<CellClass, string>> = {
  absent: 'not in the table',
  ve: '#VE',
  'config-direct': 'configurable',
  'allow-direct': 'configurable where the host has it',
  fixed1: 'fixed-1',
  fixed0: 'fixed-0',
  native: 'native',
};

export const stepsText = (steps: readonly ClassStep[]): string =>
  steps.map(({ from, to }) => `${CLASS_TEXT[from]} -> ${CLASS_TEXT[to]}`).join(', ');

/** Each way from one decider to another once. */
export const deciderSteps = ({ steps }: FactsOf<'decider'>): readonly string[] => {
  // Of several bits the name of the control is left out: the ways read the same then.
  const short = (text: string): string =>
    steps.length > 1 ? text.replace(/(FEATURE_PARAVIRT_CTRL)\.\w+/g, '$1') : text;
  return [...new Set(steps.map(({ from, to }) => `${short(deciderWords(from))} -> ${short(deciderWords(to))}`))];
};

export function backingText(backing: Backing): string {
  switch (backing.kind) {
    case 'base':
      return `offered by ${backing.release} already, which KVM was written against`;
    case 'fixed1-before':
      return `every TD had it in ${backing.release}, which KVM was written against`;
    case 'field':
      return 'a number or a register that never holds features';
    case 'caps':
      return 'KVM gives it to ordinary VMs: confirm for TDs';
  }
}

export const EXIT_TEXT: Readonly<Record<ClobberFact['exit'], string>> = {
  none: 'keeps what was set for the TD: nothing brings the host’s value back',
  init: 'is left with another value than the host’s',
  restored: 'is restored by the module',
  unknown: 'is not settled by what was read',
};

export function clobberText({ feature, msr, exit, restoredByKvm }: ClobberFact): string {
  const kvm = restoredByKvm === null ? '' : restoredByKvm ? '; KVM restores it' : '; KVM does not restore it';
  return `${feature}: ${msr} ${EXIT_TEXT[exit]}${kvm}.`;
}

export const msrsText = (clobbers: readonly ClobberFact[]): string =>
  [...new Set(clobbers.map(({ msr }) => msr))].join(', ');

/** `XFAM[2] (AVX)`, `ATTRIBUTES[30] (PKS)`. */
export function gateText(gate: GateId): string {
  const { kind, bit } = gateOf(gate);
  const { field, names } = GATE_FIELDS[kind];
  const name = names.get(bit);
  return `${field}[${bit}]${name === undefined ? '' : ` (${name})`}`;
}
