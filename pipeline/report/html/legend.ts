import type { CellClass } from '../../model/class.ts';
import { CELL_CLASSES } from '../../model/class.ts';
import { VERDICTS, type Verdict } from '../../model/finding.ts';
import type { PageWord } from './shape.ts';

/** A sign, a short name and a sentence for each class: the sign says what the colour says. */
const CLASS_WORDS = {
  absent: { sign: '·', name: 'absent', says: 'the leaf is not in the release’s table' },
  ve: { sign: 'v', name: '#VE', says: 'the leaf’s entry faults: the guest gets #VE' },
  'config-direct': { sign: 'C', name: 'config-direct', says: 'configurable: the VMM chooses the bit' },
  'allow-direct': {
    sign: 'A',
    name: 'allow-direct',
    says: 'configurable: the VMM may clear it; it can be 1 only where the host has it',
  },
  fixed1: { sign: '1', name: 'fixed-1', says: 'always 1 in every TD' },
  fixed0: { sign: '0', name: 'fixed-0', says: 'always 0, or computed by the module (marked dynamic)' },
  native: { sign: 'n', name: 'native', says: 'the host’s value passes through; gates may clear it' },
} as const satisfies Readonly<Record<CellClass, PageWord>>;

const VERDICT_WORDS = {
  denied: { sign: '×', name: 'denied', says: 'KVM keeps it from TDs by name' },
  exposed: {
    sign: '!',
    name: 'exposed',
    says: 'let through, and nobody decided: no caps of KVM and no base release stand behind it',
  },
  'needs-optin': { sign: '?', name: 'needs-optin', says: 'hidden until KVM’s allowlist names it' },
  passed: {
    sign: '+',
    name: 'passed',
    says: 'let through, and KVM’s caps, its base release or an earlier fixed 1 stand behind it',
  },
  allowed: { sign: '✓', name: 'allowed', says: 'KVM’s allowlist names it' },
  closed: { sign: '–', name: 'closed', says: 'KVM never opens the gate that it needs' },
} as const satisfies Readonly<Record<Verdict, PageWord>>;

/** In the order of CELL_CLASSES: the data names a class by its index. */
export const CLASS_LEGEND: readonly PageWord[] = CELL_CLASSES.map((name) => CLASS_WORDS[name]);
/** In the order of VERDICTS. */
export const VERDICT_LEGEND: readonly PageWord[] = VERDICTS.map((name) => VERDICT_WORDS[name]);
