import { CATALOGUE } from '../judge/catalogue.ts';
import { bitsText, namesText } from '../model/bit-names.ts';
import type { CellClass } from '../model/class.ts';
import { ATTRIBUTE_NAMES, XFAM_NAMES } from '../model/control.ts';
import type { ClobberFact, Finding, FindingFacts } from '../model/finding.ts';
import { type GateId, gateOf } from '../model/gate.ts';

/** A finding in words: one line that says what, one that says why it matters, one that says what to do. */
export type Words = { readonly headline: string; readonly because: string; readonly todo: string };

const CLASS_TEXT: Readonly<Record<CellClass, string>> = {
  absent: 'not in the table',
  ve: '#VE',
  'config-direct': 'configurable (config-direct)',
  'allow-direct': 'configurable (allow-direct)',
  fixed1: 'fixed-1',
  fixed0: 'fixed-0',
  native: 'native',
};

export function wordsOf(finding: Finding): Words {
  const rule = CATALOGUE[finding.rule];
  const where =
    finding.place === null ? '' : finding.mask === 0 ? leafText(finding) : bitsText(finding.place, finding.mask);
  const names = namesText(finding.bits);
  const subject = names === '' ? where : `${where} ${names}`;
  return {
    headline: headlineOf(finding, subject),
    because: [factsText(finding.facts), rule.why].filter((part) => part !== '').join(' '),
    todo: rule.action,
  };
}

function leafText(finding: Finding): string {
  if (finding.place === null) return '';
  const { leaf, subleaf } = finding.place;
  return `leaf 0x${leaf.toString(16)}${subleaf === null ? '' : `, sub-leaf 0x${subleaf.toString(16)}`}`;
}

const POLICY_TEXT = {
  allow: { added: 'newly opted in', removed: 'no longer opted in' },
  deny: { added: 'newly denied', removed: 'no longer denied' },
} as const;

/** What happened, as short as the facts allow. */
function headlineOf({ facts, rule, subject: { policy, to } }: Finding, subject: string): string {
  switch (facts.kind) {
    case 'class-change':
    case 'promise':
    case 'required':
    case 'static-leaf':
      return `${subject}: ${CLASS_TEXT[facts.from]} -> ${CLASS_TEXT[facts.to]}`;
    case 'clobber':
      return `${subject}: ${facts.from === null ? `${CLASS_TEXT[facts.to]}, let through by KVM ${policy ?? ''}`.trim() : `${CLASS_TEXT[facts.from]} -> ${CLASS_TEXT[facts.to]}`}, clobbers ${[...new Set(facts.clobbers.map(({ msr }) => msr))].join(', ')}`;
    case 'leaf':
      return `${subject}: ${rule.startsWith('leaf-') ? (facts.to === 'present' || rule === 'leaf-added' ? 'came into the table' : 'left the table') : rule === 've-added' ? 'injects #VE now' : 'no longer injects #VE'}`;
    case 'gate':
      return `${subject}: ${facts.opened ? 'no longer' : 'now'} gated by ${gateText(facts.gate)}`;
    case 'attribute':
      return `ATTRIBUTES[${facts.bit}] ${facts.name ?? 'without a name'}: ${rule === 'attribute-added' ? 'may now be set' : 'may no longer be set'}`;
    case 'xfam':
      return `XFAM[${facts.bit}] ${facts.name ?? 'without a name'}: ${rule === 'xfam-added' ? 'may now be set' : 'may no longer be set'}`;
    case 'feature':
      return `TDX_FEATURES0[${facts.bit}] ${facts.name ?? 'without a name'}: ${rule === 'feature-added' ? 'now set' : 'no longer set'}`;
    case 'feature-moved':
      return `TDX_FEATURES0: ${facts.name} moved from bit ${facts.fromBit} to bit ${facts.toBit}`;
    case 'feature-renamed':
      return `TDX_FEATURES0[${facts.bit}]: ${facts.from} is now called ${facts.to}`;
    case 'cpuid-flag':
      return `cpuid_flags.${facts.flag}: ${rule === 'cpuid-flag-added' ? 'new in the module' : 'gone from the module'}`;
    case 'msr':
      return `${facts.msr}: ${rule === 'clobber-added' ? 'now' : 'no longer'} left changed after a TD ran (exit: ${facts.exit})`;
    case 'clobber-row':
      return `${facts.msr} (${facts.feature}): ${rule === 'clobber-undocumented' ? 'evidence without a row' : 'a row without evidence'}`;
    case 'config-slots':
      return `${facts.used} CPUID_CONFIG entries of at most ${facts.limit}`;
    case 'register-mask':
      return `${facts.interface} ${facts.register}: documented ${facts.documented}, enforced ${facts.enforced}, validated ${facts.validated}`;
    case 'verdict':
      return `${subject}: ${CLASS_TEXT[facts.class]}, ${rule === 'needs-optin' ? `not opted in by KVM ${policy ?? ''}` : `let through by KVM ${policy ?? ''}`}`;
    case 'stale':
      return `${subject}: on the ${facts.list} list of KVM ${policy ?? ''}, offered by no release`;
    case 'policy':
      return `${subject}: ${POLICY_TEXT[facts.list][rule.endsWith('-added') ? 'added' : 'removed']} by KVM ${to}`;
    case 'restore':
      return `${facts.msr}: ${rule === 'restore-added' ? 'now restored' : 'no longer restored'} after TDH.VP.ENTER`;
    case 'waiver':
      return `waiver of ${facts.selector}: ${rule === 'waiver-expired' ? `expired after ${facts.until ?? ''}` : 'matches nothing'}`;
    case 'missing':
      return `release ${facts.what}: known by name, tables not read`;
    case 'disagreement':
      return `${facts.what}: ${facts.left} against ${facts.right}`;
  }
}

/** What the facts add to the rule's reason. */
function factsText(facts: FindingFacts): string {
  switch (facts.kind) {
    case 'class-change':
      return facts.gates.length === 0 ? '' : `Gated by ${facts.gates.map(gateText).join(', ')}.`;
    case 'clobber':
      return facts.clobbers.map(clobberText).join(' ');
    case 'leaf':
      return facts.fixed1
        ? `It holds fixed-1 bits${facts.known ? '' : ', and neither the kernel’s names nor specs/leaves.md know the leaf'}.`
        : '';
    case 'required':
    case 'static-leaf':
      return `${facts.reason.charAt(0).toUpperCase()}${facts.reason.slice(1)}.`;
    case 'msr':
      return facts.openers.length === 0
        ? 'No guard opens it: every TD does it.'
        : `Opened by ${facts.openers.join(', ')}.`;
    case 'verdict':
      return [
        `Not configurable in ${facts.since}, the release that KVM’s code was written against.`,
        ...(facts.functional.length === 0
          ? []
          : [`Functional, no clobber: ${facts.functional.join(', ')} needs the VMM’s help (specs/clobbers.md).`]),
      ].join(' ');
    case 'waiver':
      return `Its reason was: ${facts.reason}.`;
    default:
      return '';
  }
}

const EXIT_TEXT: Readonly<Record<ClobberFact['exit'], string>> = {
  none: 'is written on the way into a TD and never on the way out',
  init: 'is left with an initial value instead of the host’s',
  restored: 'is restored by the module',
  unknown: 'is not settled by the module’s source that was read',
};

export function clobberText({ feature, msr, exit, restoredByKvm }: ClobberFact): string {
  const kvm = restoredByKvm === null ? '' : restoredByKvm ? '; KVM restores it' : '; KVM does not restore it';
  return `${feature}: ${msr} ${EXIT_TEXT[exit]}${kvm}.`;
}

/** `XFAM[2] (AVX)`, `ATTRIBUTES[30] (PKS)`. */
export function gateText(gate: GateId): string {
  const { kind, bit } = gateOf(gate);
  const name = (kind === 'xfam' ? XFAM_NAMES : ATTRIBUTE_NAMES).get(bit);
  return `${kind === 'xfam' ? 'XFAM' : 'ATTRIBUTES'}[${bit}]${name === undefined ? '' : ` (${name})`}`;
}
