import { ruleOf } from '../judge/catalogue.ts';
import type { CellClass } from '../model/class.ts';
import { textOf } from '../model/constant-text.ts';
import { ATTRIBUTE_NAMES, XFAM_NAMES } from '../model/control.ts';
import type { CodeChange } from '../model/decider-rules.ts';
import { changeText } from '../model/decider-text.ts';
import type { FieldChange, FieldMeaning } from '../model/field.ts';
import type {
  Audience,
  Backing,
  ClassStep,
  ClobberFact,
  ControlBit,
  ControlKind,
  Finding,
  FindingFacts,
  FoundPlace,
  Verdict,
} from '../model/finding.ts';
import { type GateId, gateOf } from '../model/gate.ts';
import { hex, or, rangeMask, without } from '../model/mask.ts';
import { formatPlace, samePlace } from '../model/place.ts';
import { deciderWords } from './decider-words.ts';
import { leafText, placesText, underGuest } from './places.ts';

/** A finding in words: one line that says what, one that says why it matters, one that says what to do. */
export type Words = { readonly headline: string; readonly because: string; readonly todo: string };

const CLASS_TEXT: Readonly<Record<CellClass, string>> = {
  absent: 'not in the table',
  ve: '#VE',
  'config-direct': 'configurable',
  'allow-direct': 'configurable where the host has it',
  fixed1: 'fixed-1',
  fixed0: 'fixed-0',
  native: 'native',
};

export const AUDIENCE_TEXT: Readonly<Record<Audience, string>> = {
  kernel: 'kernel',
  userspace: 'user space',
  vendor: 'module vendor',
  operator: 'operator',
};

export function wordsOf(finding: Finding): Words {
  const rule = ruleOf(finding.rule);
  const isNumber = holdNumbers(finding);
  const settled = isNumber ? NUMBER_WORDS : settledWords(finding.facts);
  const also = finding.also.map(
    (line) => `Also ${line.rule}: ${ruleOf(line.rule).title.replace(/: every TD has it$/, '')}.`,
  );
  return {
    headline: headlineOf(finding),
    because: [fieldsText(finding), isNumber ? '' : factsText(finding.facts), settled?.why ?? rule.why, ...also]
      .filter((part) => part !== '')
      .join(' '),
    todo: settled?.action ?? rule.action,
  };
}

/** More fields than this are left to JSON. */
const FIELDS = 4;

/** `phys_addr_bits[7:0] was 52 and is …`: what numbers of several bits hold; sub-leaves that say the same once. */
function fieldsText({ fields = [] }: Finding): string {
  const told = [
    ...new Set(
      fields.map(
        ({ name, high, low, from, to }) => `${name}[${high}:${low}]: ${meaningText(from)} -> ${meaningText(to)}.`,
      ),
    ),
  ];
  const more = told.length - FIELDS;
  return [...told.slice(0, FIELDS), ...(more > 0 ? [`And ${more} more fields.`] : [])].join(' ');
}

/** `7.0.EAX leaf7_n_subleaves 1 -> 2`: numbers that are the same in every TD of both releases, where that is all there is. */
export function numbersOf(finding: Finding): readonly string[] {
  const steps = isOfNumbers(finding, ({ from, to }) => from.kind === 'value' && to.kind === 'value');
  return !steps
    ? []
    : (finding.fields ?? []).flatMap(({ name, from, to, ...place }) =>
        from.kind === 'value' && to.kind === 'value'
          ? [`${formatPlace(place)} ${name} ${from.value} -> ${to.value}`]
          : [],
      );
}

/** Whether all bits belong to numbers that are the same in every TD now. */
export const holdNumbers = (finding: Finding): boolean =>
  finding.facts.kind === 'class' && isOfNumbers(finding, ({ to }) => to.kind === 'value');

/** Whether all bits belong to fields like these. */
function isOfNumbers({ places, fields = [] }: Finding, isLike: (field: FieldChange) => boolean): boolean {
  const like = fields.filter(isLike);
  const isIn = (place: FoundPlace): boolean =>
    without(
      place.mask,
      like.filter((each) => samePlace(each, place)).reduce((mask, { high, low }) => or(mask, rangeMask(high, low)), 0),
    ) === 0;
  return places.length > 0 && places.every(isIn);
}

/** What a field holds, in words. */
function meaningText(meaning: FieldMeaning): string {
  switch (meaning.kind) {
    case 'value':
      return `always ${meaning.value > 0xffff ? `0x${meaning.value.toString(16)}` : meaning.value}`;
    case 'decided':
      return [...new Set(meaning.by.map(deciderWords))].join(', or ');
    case 'absent':
      return 'not in the table';
    case 'unknown':
      return 'not examined';
  }
}

/** Of a number that is the same in every TD: what holds for features does not hold for it. */
const NUMBER_WORDS = {
  why: 'Neither KVM nor a VMM has a say in it.',
  action: 'Check what user space computes for the number.',
};

/** Of bits on which a decision stands the reason and what is left to do; null where the rule's own words hold. */
function settledWords(facts: FindingFacts): { readonly why: string; readonly action: string } | null {
  if (facts.kind === 'class' && facts.to === 'gated')
    return {
      why: 'The table no longer fixes the bit; what the module’s code makes of it `bitwatch explain` tells.',
      action: 'Nothing to do where the VMM does not open what gates the bit.',
    };
  if (facts.kind === 'host-state' && facts.change === 'added' && facts.msrs.every(({ kvm }) => kvm === 'restores'))
    return {
      why: 'The module does not bring the host’s value back, and KVM does.',
      action: 'Nothing to do; a backport must keep KVM’s restore.',
    };
  if (facts.kind === 'set-cpuid2' && facts.about === 'kvm')
    return {
      why: 'KVM insists on an answer in kernels that have the guard, and refuses the vCPU otherwise; here it goes on without.',
      action: 'Read the place: bring the check back, or say in specs/cpuid2.md why it is not needed.',
    };
  if (facts.kind !== 'configurable' || facts.clobbers.length > 0) return null;
  switch (facts.verdict) {
    case 'passed':
      return facts.backing?.kind === 'caps'
        ? {
            why: 'KVM doesn’t filter it for TDs and gives it to ordinary VMs; nobody said that it holds for TDs too.',
            action: 'Confirm the feature for TDs, or deny it.',
          }
        : { why: 'KVM doesn’t filter it.', action: 'Nothing to do.' };
    case 'allowed':
      return { why: 'KVM’s allowlist names it.', action: 'Nothing to do.' };
    case 'denied':
      return { why: 'KVM refuses it on this kernel.', action: 'Do not pass the bit to KVM_TDX_INIT_VM.' };
    case 'closed':
      return {
        why: 'The VMM has no say: KVM never sets what would give it one.',
        action: 'Nothing to do on this kernel.',
      };
    default:
      return null;
  }
}

const VERDICT_TEXT: Readonly<Record<Verdict, string>> = {
  exposed: 'KVM doesn’t filter it, and nobody decided',
  'needs-optin': 'hidden until KVM opts in',
  passed: 'passed through',
  allowed: 'allowed by KVM’s allowlist',
  denied: 'denied by KVM',
  closed: 'its gate is one that KVM never opens',
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

const CONTROL_TEXT: Readonly<Record<ControlKind, string>> = {
  attributes: 'ATTRIBUTES',
  xfam: 'XFAM',
  features0: 'TDX_FEATURES0',
};

/** `ATTRIBUTES[62] TPA, ATTRIBUTES[6] without a name`. */
const controlText = (control: ControlKind, bits: readonly ControlBit[]): string =>
  bits.map(({ bit, name }) => `${CONTROL_TEXT[control]}[${bit}]${name === null ? '' : ` ${name}`}`).join(', ');

/** What happened, as short as the facts allow. */
function headlineOf(finding: Finding): string {
  const {
    facts,
    places,
    subject: { policy, to },
  } = finding;
  const where = placesText(places);
  switch (facts.kind) {
    case 'configurable':
      return `${where}: ${configurableText(facts, policy)}`;
    case 'not-configurable':
      return `${where}: no longer configurable`;
    case 'class': {
      const numbers = numbersOf(finding);
      if (numbers.length > 0) return `${numbers.join(', ')} in every TD`;
      if (holdNumbers(finding)) return `${where}: the same number in every TD now`;
      return `${where}: ${CLASS_CHANGE_TEXT[facts.to]}${facts.clobbers.length === 0 ? '' : `, host MSR is clobbered: ${msrsText(facts.clobbers)}`}`;
    }
    case 'constant':
      return `leaf ${leafText(places)}${underGuest(facts.guest)}: “${textOf(facts.before)}” became “${textOf(facts.after)}”`;
    case 'leaf':
      return `leaf ${leafText(places)}: ${LEAF_TEXT[facts.change]}${facts.change === 've-removed' ? underGuest(facts.guest) : ''}`;
    case 'zero-leaves':
      return zeroLeavesText(facts);
    case 'decider':
      return `${where}: ${deciderHeadline(facts)}`;
    case 'deciding-code':
      return `the code that decides changed, not examined: ${fewChanges(facts.changes)}`;
    case 'gate':
      return `${where}: ${gateChangeText(facts)}`;
    case 'promise':
    case 'required':
    case 'static-leaf':
      return `${where}: ${stepsText(facts.steps)}`;
    case 'control':
      return `${controlText(facts.control, facts.bits)}: ${controlChange(facts)}`;
    case 'features-renumbered':
      return `TDX_FEATURES0: ${[
        ...facts.moved.map(({ name, from, to: now }) => `${name} moved from bit ${from} to bit ${now}`),
        ...facts.renamed.map(({ bit, from, to: now }) => `bit ${bit}: ${from} is called ${now} now`),
      ].join('; ')}`;
    case 'cpuid-flags':
      return `cpuid_flags: ${facts.flags.join(', ')} ${facts.change === 'added' ? 'new in' : 'gone from'} the module`;
    case 'host-state':
      return `${[...new Set(facts.msrs.map(({ msr }) => msr))].join(', ')}: ${facts.change === 'added' ? 'left changed after a TD ran' : 'no longer left changed after a TD ran'}${openedText(facts.msrs)}`;
    case 'clobber-rows':
      return `specs/clobbers.md: ${facts.rows.map(({ msr, feature }) => `${msr} (${feature})`).join(', ')}: ${facts.problem === 'undocumented' ? 'evidence without a row' : 'a row without evidence'}`;
    case 'config-slots':
      return `${facts.used} of ${facts.limit} CPUID_CONFIG slots`;
    case 'register-mask':
      return `${facts.interface} ${facts.register}: documented ${facts.documented}; enforced ${facts.enforced}; validated ${facts.validated}`;
    case 'split':
      return `${facts.isNamed ? where : 'every bit that the code does not name'}: ${SPLIT_TEXT[facts.side]} (KVM ${policy ?? to})`;
    case 'set-cpuid2':
      return `KVM_SET_CPUID2 decides ${facts.decides} under KVM ${policy ?? to}, and no check was found${facts.lost.length === 0 ? '' : `; the host loses ${msrsText(facts.lost)}`}`;
    case 'set-cpuid2-open':
      return `KVM ${policy ?? to}: ${openText(facts)}`;
    case 'stale':
      return `${where}: on the ${facts.list} list of KVM ${policy ?? to}, offered by no release`;
    case 'policy-list':
      return `${where}: ${POLICY_TEXT[facts.list][facts.change]} by KVM ${to}`;
    case 'policy-control':
      return `${controlText(facts.control, facts.bits)}: ${facts.change === 'added' ? 'newly supported' : 'no longer supported'} by KVM ${to}`;
    case 'restore':
      return `${facts.msrs.join(', ')}: ${facts.change === 'added' ? 'now' : 'no longer'} restored by KVM ${to} after TDH.VP.ENTER`;
    case 'decision':
      return `decision on ${facts.selector}: ${facts.problem === 'expired' ? `expired after ${facts.until ?? ''}` : 'matches nothing'}`;
    case 'override':
      return `specs/levels.yaml: ${facts.rule} is no rule`;
    case 'missing':
      return `${facts.releases.join(', ')}: known by name, tables not read`;
    case 'not-examined':
      return `${facts.releases.join(', ')}: ${facts.what === 'host-state' ? 'host state' : 'who decides'} not examined`;
    case 'disagreement':
      return `${facts.what}: ${facts.left} against ${facts.right}`;
  }
}

/** What of KVM_SET_CPUID2 is not known. */
function openText({ unlisted, unfound }: Extract<FindingFacts, { readonly kind: 'set-cpuid2-open' }>): string {
  if (unlisted.length + unfound.length === 0) return 'not read for what it asks of KVM_SET_CPUID2';
  return [
    ...(unlisted.length === 0 ? [] : [`asks KVM_SET_CPUID2 where no question names it: ${unlisted.join(', ')}`]),
    ...(unfound.length === 0 ? [] : [`questions of specs/cpuid2.md that were not found: ${unfound.join(', ')}`]),
  ].join('; ');
}

/** `leaf 0xc, 0x16 and every other leaf that no table has: read as 0 under REDUCE_VE`. */
function zeroLeavesText(facts: Extract<FindingFacts, { readonly kind: 'zero-leaves' }>): string {
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

function configurableText(
  { verdict, backing, clobbers }: Extract<FindingFacts, { readonly kind: 'configurable' }>,
  policy: string | null,
): string {
  const on = policy === null || verdict === null ? '' : ` (KVM ${policy})`;
  const stand = backing === null ? '' : `, ${backingText(backing)}`;
  const host = clobbers.length === 0 ? '' : `, host MSR is clobbered: ${msrsText(clobbers)}`;
  return `configurable now${verdict === null ? '' : `, ${VERDICT_TEXT[verdict]}`}${stand}${on}${host}`;
}

const msrsText = (clobbers: readonly ClobberFact[]): string => [...new Set(clobbers.map(({ msr }) => msr))].join(', ');

function controlChange({ control, change }: Extract<FindingFacts, { readonly kind: 'control' }>): string {
  if (control === 'features0') return change === 'added' ? 'set now' : 'no longer set';
  return change === 'added' ? 'may now be set' : 'may no longer be set';
}

const gatesText = (gates: readonly GateId[]): string => gates.map(gateText).join(' and ');

function gateChangeText({ added, removed }: Extract<FindingFacts, { readonly kind: 'gate' }>): string {
  return [
    ...(removed.length === 0 ? [] : [`no longer gated by ${gatesText(removed)}`]),
    ...(added.length === 0 ? [] : [`now gated by ${gatesText(added)}`]),
  ].join('; ');
}

/** Each way from one decider to another once. */
const deciderSteps = ({ steps }: Extract<FindingFacts, { readonly kind: 'decider' }>): readonly string[] => {
  // Of several bits the name of the control is left out: the ways read the same then.
  const short = (text: string): string =>
    steps.length > 1 ? text.replace(/(FEATURE_PARAVIRT_CTRL)\.\w+/g, '$1') : text;
  return [...new Set(steps.map(({ from, to }) => `${short(deciderWords(from))} -> ${short(deciderWords(to))}`))];
};

/** A story of one way is told here; of several, the reasons tell each. */
function deciderHeadline(facts: Extract<FindingFacts, { readonly kind: 'decider' }>): string {
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

const stepsText = (steps: readonly ClassStep[]): string =>
  steps.map(({ from, to }) => `${CLASS_TEXT[from]} -> ${CLASS_TEXT[to]}`).join(', ');

/** What the facts add to the rule's reason. */
function factsText(facts: FindingFacts): string {
  switch (facts.kind) {
    case 'configurable':
      return [
        facts.steps.length === 0
          ? ''
          : `Before: ${[...new Set(facts.steps.map(({ from }) => CLASS_TEXT[from]))].join(', ')}.`,
        ...facts.clobbers.map(clobberText),
        facts.functional.length === 0
          ? ''
          : `Functional, no clobber: ${facts.functional.join(', ')} needs the VMM’s help (specs/clobbers.md).`,
        ...(facts.harmless ?? []).map(
          ({ feature, reason }) => `${feature} leaves nothing by specs/clobbers.md: ${reason}.`,
        ),
      ]
        .filter((part) => part !== '')
        .join(' ');
    case 'not-configurable':
      return `Now: ${[...new Set(facts.steps.map(({ to }) => CLASS_TEXT[to]))].join(', ')}.`;
    case 'class':
      return [
        `${stepsText(facts.steps)}.`,
        ...(facts.gates.length === 0 ? [] : [`Gated by ${facts.gates.map(gateText).join(', ')}.`]),
        ...facts.clobbers.map(clobberText),
      ].join(' ');
    case 'leaf':
      return [
        facts.guest.length === 0
          ? ''
          : `It injects #VE until the guest sets ${facts.guest.join(' and ')}; from then on the module answers it.`,
        facts.fixed1
          ? `It holds fixed-1 bits${facts.known ? '' : ', and neither the kernel’s names nor specs/leaves.md know the leaf'}.`
          : '',
      ]
        .filter((part) => part !== '')
        .join(' ');
    case 'decider':
      return deciderSteps(facts).length < 2
        ? ''
        : deciderSteps(facts)
            .map((step) => `${step}.`)
            .join(' ');
    case 'deciding-code':
      return `In full: ${facts.changes.map(changeText).join(', ')}.`;
    case 'required':
    case 'static-leaf':
      return facts.reasons.map((reason) => `${reason.charAt(0).toUpperCase()}${reason.slice(1)}.`).join(' ');
    case 'host-state':
      return facts.msrs
        .map(
          ({ msr, exit, openers, kvm }) =>
            `${facts.change === 'added' ? '' : 'In the release before: '}${msr} ${EXIT_TEXT[exit]}; ${openers.length === 0 ? 'every TD does it' : `opened by ${openers.join(', ')}`}${kvm === null || facts.change === 'removed' ? '' : `; ${CARE_TEXT[kvm]}`}.`,
        )
        .join(' ');
    case 'policy-control':
      return facts.clobbers.map(clobberText).join(' ');
    case 'set-cpuid2':
      return [
        facts.guards.length === 0
          ? 'No guard is known.'
          : `What guards it in other kernels is not there: ${facts.guards.join(', or ')}.`,
        ...facts.lost.map(clobberText),
      ].join(' ');
    case 'decision':
      return `Its reason was: ${facts.reason}.`;
    default:
      return '';
  }
}

/** ` (7.0.EBX[11,4])`: what opens it, where not every TD does it. */
function openedText(msrs: Extract<FindingFacts, { readonly kind: 'host-state' }>['msrs']): string {
  const openers = [...new Set(msrs.flatMap((each) => each.openers))];
  return openers.length === 0 ? '' : ` that has ${openers.join(' or ')}`;
}

const CARE_TEXT = {
  restores: 'KVM restores it',
  closes: 'KVM never opens it',
  nothing: 'KVM neither restores it nor keeps TDs from it',
} as const;

const EXIT_TEXT: Readonly<Record<ClobberFact['exit'], string>> = {
  none: 'keeps what was set for the TD: nothing brings the host’s value back',
  init: 'is left with another value than the host’s',
  restored: 'is restored by the module',
  unknown: 'is not settled by what was read',
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
