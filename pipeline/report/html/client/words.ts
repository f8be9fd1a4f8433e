import type { Verdict } from '../../../model/finding.ts';
import type { MapState } from '../map.ts';

/** A sign, a short name and what it means: the sign says what the colour says. */
export type Word = { readonly sign: string; readonly name: string; readonly says: string };

export const VERDICT_WORDS = {
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
    says: 'let through; it is a number, or KVM’s caps, its base release or an earlier fixed 1 stand behind it',
  },
  allowed: { sign: '✓', name: 'allowed', says: 'KVM’s allowlist names it' },
  closed: { sign: '–', name: 'closed', says: 'KVM never opens the gate that it needs' },
} as const satisfies Readonly<Record<Verdict, Word>>;

export const NO_VERDICT_WORDS = {
  refused: { sign: '⊘', name: 'refused', says: 'KVM refuses the release: no TD runs' },
  'not-settable': { sign: '·', name: 'not settable', says: 'a VMM cannot set the bit' },
} as const satisfies Readonly<Record<string, Word>>;

export const STATE_WORDS = {
  clobber: { sign: '▲', name: 'clobber', says: 'host state is lost, or a promise is broken' },
  decide: { sign: '◆', name: 'decide', says: 'KVM lets bits through that nobody decided on' },
  confirm: { sign: '◇', name: 'confirm', says: 'new bits that KVM gives to ordinary VMs: confirm them for TDs' },
  changed: { sign: '◐', name: 'changed', says: 'nothing to decide for KVM; bits changed for user space' },
  clean: { sign: '○', name: 'clean', says: 'nothing to decide, to confirm or to look at' },
  unknown: { sign: '?', name: 'not known', says: 'whether KVM runs it is not known: something was not read' },
  'cannot-run': { sign: '×', name: 'cannot run', says: 'KVM refuses the release: no TD runs' },
} as const satisfies Readonly<Record<MapState, Word>>;

/** How a letter of a bit is coloured. */
export const CLASS_STYLE: Readonly<Record<string, string>> = {
  C: 'cd',
  A: 'ad',
  '1': 'f1',
  '0': 'f0',
  n: 'na',
  d: 'de',
  v: 've',
  '.': 'no',
};
