import { textOf } from '../../model/constant-text.ts';
import type { CodeChange } from '../../model/decider-rules.ts';
import type { ControlBit, ControlKind, Finding, FindingFacts, Verdict } from '../../model/finding.ts';
import type { GateId } from '../../model/gate.ts';
import { hex } from '../../model/mask.ts';
import { leafText, placesText, underGuest } from '../places.ts';
import { backingText, CONTROL_TEXT, deciderSteps, type FactsOf, gateText, msrsText, stepsText } from './fact-words.ts';
import { holdNumbers, numbersOf } from './number-words.ts';

/** What a headline has beside the facts: the bits, and the release and KVM version that it is of. */
type About = {
  readonly finding: Finding;
  readonly where: string;
  readonly policy: string | null;
  readonly to: string;
  /** The KVM version, of a finding about one. */
  readonly kvm: string;
};
type Kind = FindingFacts['kind'];

/** What happened, as short as the facts allow. */
export function headlineOf(finding: Finding): string {
  const { policy, to } = finding.subject;
  const about = { finding, where: placesText(finding.places), policy, to, kvm: policy ?? to };
  return headline(finding.facts.kind, finding.facts, about);
}

const headline = <K extends Kind>(kind: K, facts: FactsOf<K>, about: About): string => HEADLINES[kind](facts, about);

const stepsHeadline = ({ steps }: FactsOf<'promise' | 'required' | 'static-leaf'>, { where }: About): string =>
  `${where}: ${stepsText(steps)}`;

const HEADLINES: { readonly [K in Kind]: (facts: FactsOf<K>, about: About) => string } = {
  configurable: (facts, { where, policy }) => `${where}: ${configurableText(facts, policy)}`,
  'not-configurable': (_, { where }) => `${where}: no longer configurable`,
  class: classText,
  constant: ({ before, after, guest }, { finding }) =>
    `leaf ${leafText(finding.places)}${underGuest(guest)}: “${textOf(before)}” became “${textOf(after)}”`,
  leaf: ({ change, guest }, { finding }) =>
    `leaf ${leafText(finding.places)}: ${LEAF_TEXT[change]}${change === 've-removed' ? underGuest(guest) : ''}`,
  'zero-leaves': zeroLeavesText,
  decider: (facts, { where }) => `${where}: ${deciderHeadline(facts)}`,
  'deciding-code': ({ changes }) => `the code that decides changed, not examined: ${fewChanges(changes)}`,
  gate: (facts, { where }) => `${where}: ${gateChangeText(facts)}`,
  promise: stepsHeadline,
  required: stepsHeadline,
  'static-leaf': stepsHeadline,
  control: (facts) => `${controlText(facts.control, facts.bits)}: ${controlChange(facts)}${platformText(facts.bits)}`,
  'features-renumbered': ({ moved, renamed }) =>
    `TDX_FEATURES0: ${[
      ...moved.map(({ name, from, to: now }) => `${name} moved from bit ${from} to bit ${now}`),
      ...renamed.map(({ bit, from, to: now }) => `bit ${bit}: ${from} is called ${now} now`),
    ].join('; ')}`,
  'cpuid-flags': ({ flags, change }) =>
    `cpuid_flags: ${flags.join(', ')} ${change === 'added' ? 'new in' : 'gone from'} the module`,
  'host-state': ({ msrs, change }) =>
    `${[...new Set(msrs.map(({ msr }) => msr))].join(', ')}: ${change === 'added' ? 'left changed after a TD ran' : 'no longer left changed after a TD ran'}${openedText(msrs)}`,
  'clobber-rows': ({ rows, problem }) =>
    `specs/clobbers.md: ${rows.map(({ msr, feature }) => `${msr} (${feature})`).join(', ')}: ${problem === 'undocumented' ? 'evidence without a row' : 'a row without evidence'}`,
  'config-slots': ({ used, limit }) => `${used} of ${limit} CPUID_CONFIG slots`,
  'register-mask': ({ documented, enforced, validated, ...facts }) =>
    `${facts.interface} ${facts.register}: documented ${documented}; enforced ${enforced}; validated ${validated}`,
  split: ({ isNamed, side }, { where, kvm }) =>
    `${isNamed ? where : 'every bit that the code does not name'}: ${SPLIT_TEXT[side]} (KVM ${kvm})`,
  'set-cpuid2': ({ decides, lost }, { kvm }) =>
    `KVM_SET_CPUID2 decides ${decides} under KVM ${kvm}, and no check was found${lost.length === 0 ? '' : `; the host loses ${msrsText(lost)}`}`,
  'set-cpuid2-open': (facts, { kvm }) => `KVM ${kvm}: ${openText(facts)}`,
  stale: ({ list }, { where, kvm }) => `${where}: on the ${list} list of KVM ${kvm}, offered by no release`,
  'policy-list': ({ list, change }, { where, to }) => `${where}: ${POLICY_TEXT[list][change]} by KVM ${to}`,
  'policy-control': ({ control, bits, change }, { to }) =>
    `${controlText(control, bits)}: ${change === 'added' ? 'newly supported' : 'no longer supported'} by KVM ${to}`,
  restore: ({ msrs, change }, { to }) =>
    `${msrs.join(', ')}: ${change === 'added' ? 'now' : 'no longer'} restored by KVM ${to} after TDH.VP.ENTER`,
  decision: ({ selector, problem, until }) =>
    `decision on ${selector}: ${problem === 'expired' ? `expired after ${until ?? ''}` : 'matches nothing'}`,
  override: ({ rule }) => `specs/levels.yaml: ${rule} is no rule`,
  missing: ({ releases }) => `${releases.join(', ')}: known by name, tables not read`,
  'not-examined': ({ releases, what }) =>
    `${releases.join(', ')}: ${what === 'host-state' ? 'host state' : 'who decides'} not examined`,
  disagreement: ({ what, left, right }) => `${what}: ${left} against ${right}`,
};

function classText({ to, clobbers }: FactsOf<'class'>, { finding, where }: About): string {
  const numbers = numbersOf(finding);
  if (numbers.length > 0) return `${numbers.join(', ')} in every TD`;
  if (holdNumbers(finding)) return `${where}: the same number in every TD now`;
  return `${where}: ${CLASS_CHANGE_TEXT[to]}${clobbers.length === 0 ? '' : `, host MSR is clobbered: ${msrsText(clobbers)}`}`;
}

const VERDICT_TEXT: Readonly<Record<Verdict, string>> = {
  exposed: 'KVM doesn’t filter it, and nobody decided',
  'needs-optin': 'hidden until KVM opts in',
  passed: 'passed through',
  allowed: 'allowed by KVM’s allowlist',
  denied: 'denied by KVM',
  closed: 'its gate is one that KVM never opens',
};

function configurableText({ verdict, backing, clobbers }: FactsOf<'configurable'>, policy: string | null): string {
  const on = policy === null || verdict === null ? '' : ` (KVM ${policy})`;
  const stand = backing === null ? '' : `, ${backingText(backing)}`;
  const host = clobbers.length === 0 ? '' : `, host MSR is clobbered: ${msrsText(clobbers)}`;
  return `configurable now${verdict === null ? '' : `, ${VERDICT_TEXT[verdict]}`}${stand}${on}${host}`;
}

const LEAF_TEXT = {
  added: 'came into the table',
  removed: 'left the table',
  've-added': 'injects #VE now',
  've-removed': 'no longer injects #VE',
} as const;

const CLASS_CHANGE_TEXT = {
  fixed1: '1 in every TD now',
  fixed0: '0 in every TD now',
  'not-fixed1': 'no longer 1 in every TD',
  native: 'the host’s value passes through now',
  gated: 'not fixed any more; gated or computed by the module',
  choice: 'what the VMM’s choice does changed',
} as const;

/** `ATTRIBUTES[62] TPA, ATTRIBUTES[6] without a name`. */
const controlText = (control: ControlKind, bits: readonly ControlBit[]): string =>
  bits.map(({ bit, name }) => `${CONTROL_TEXT[control]}[${bit}]${name === null ? '' : ` ${name}`}`).join(', ');

function controlChange({ control, change }: FactsOf<'control'>): string {
  if (control === 'td-ctls') return `a guest may ${change === 'added' ? 'set it now' : 'no longer set it'}`;
  if (control === 'features0') return change === 'added' ? 'set now' : 'no longer set';
  return change === 'added' ? 'may now be set' : 'may no longer be set';
}

/** Of bits that the module sets on some platforms only: that the release has them says nothing of a host. */
function platformText(bits: readonly ControlBit[]): string {
  const some = bits.filter(({ platform }) => platform === true);
  if (some.length === 0) return '';
  const names = some.length === bits.length ? '' : `${some.map(({ bit, name }) => name ?? `[${bit}]`).join(' and ')} `;
  return `; ${names}only where the platform allows it`;
}

const gatesText = (gates: readonly GateId[]): string => gates.map(gateText).join(' and ');

function gateChangeText({ added, removed }: FactsOf<'gate'>): string {
  return [
    ...(removed.length === 0 ? [] : [`no longer gated by ${gatesText(removed)}`]),
    ...(added.length === 0 ? [] : [`now gated by ${gatesText(added)}`]),
  ].join('; ');
}

/** A story of one way is told here; of several, the reasons tell each. */
function deciderHeadline(facts: FactsOf<'decider'>): string {
  const [first, ...others] = deciderSteps(facts);
  return first === undefined || others.length > 0 ? 'what decides the value changed' : first;
}

/** The names of what changed, a few of them. */
function fewChanges(changes: readonly CodeChange[]): string {
  const names = changes.map(({ path, name }) => name ?? path);
  return names.length <= MOST_CHANGES
    ? names.join(', ')
    : `${names.slice(0, MOST_CHANGES - 1).join(', ')} and ${names.length - MOST_CHANGES + 1} more`;
}
const MOST_CHANGES = 6;

/** ` (7.0.EBX[11,4])`: what opens it, where not every TD does it. */
function openedText(msrs: FactsOf<'host-state'>['msrs']): string {
  const openers = [...new Set(msrs.flatMap((each) => each.openers))];
  return openers.length === 0 ? '' : ` that has ${openers.join(' or ')}`;
}

/** What of KVM_SET_CPUID2 is not known. */
function openText({ unlisted, unfound }: FactsOf<'set-cpuid2-open'>): string {
  if (unlisted.length + unfound.length === 0) return 'not read for what it asks of KVM_SET_CPUID2';
  return [
    ...(unlisted.length === 0 ? [] : [`asks KVM_SET_CPUID2 where no question names it: ${unlisted.join(', ')}`]),
    ...(unfound.length === 0 ? [] : [`questions of specs/cpuid2.md that were not found: ${unfound.join(', ')}`]),
  ].join('; ');
}

/** `leaf 0xc, 0x16 and every other leaf that no table has: read as 0 under REDUCE_VE`. */
function zeroLeavesText(facts: FactsOf<'zero-leaves'>): string {
  const { change, always, asked, guest, rest } = facts;
  const told = (leaves: readonly number[]): string => (leaves.length === 0 ? '' : `leaf ${leaves.map(hex).join(', ')}`);
  const others = rest ? `every ${asked.length === 0 ? '' : 'other '}leaf that no table has` : '';
  const under = [told(asked), others].filter((part) => part !== '').join(' and ');
  const reads = change === 'added' ? 'read as 0 now' : 'no longer read as 0';
  return [
    ...(always.length === 0 ? [] : [`${told(always)}: ${reads}`]),
    ...(under === '' ? [] : [`${under}: ${reads}${underGuest(guest)}`]),
  ].join('; ');
}

const SPLIT_TEXT = {
  'hidden-not-refused': 'hidden by KVM_TDX_CAPABILITIES, and KVM_TDX_INIT_VM takes it',
  'shown-but-refused': 'shown by KVM_TDX_CAPABILITIES, and KVM_TDX_INIT_VM refuses it',
} as const;

const POLICY_TEXT = {
  allow: { added: 'newly opted in', removed: 'no longer opted in' },
  deny: { added: 'newly denied', removed: 'no longer denied' },
  adds: { added: 'newly reported', removed: 'no longer reported' },
} as const;
