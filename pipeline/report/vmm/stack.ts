import { findingMask, judgeQemu, type QemuFinding, type QemuRule } from '../../judge/qemu.ts';
import { type Quiet, quietRules } from '../../judge/qemu-quiet.ts';
import { type Ask, GETS, type Gets, type Stack, type StackFeature, stackFeatures } from '../../judge/stack.ts';
import { bitsText } from '../../model/bit-names.ts';
import { ATTRIBUTE_NAMES, XFAM_NAMES } from '../../model/control.ts';
import { deciderText } from '../../model/decider-text.ts';
import { bitMask, hex32 } from '../../model/mask.ts';
import { namedBits } from '../../model/names.ts';
import type { Evidence } from '../../model/source.ts';
import { deciderWords } from '../decider-words.ts';
import { placeJson } from '../machine.ts';
import { namedBitsText } from '../places.ts';
import { runsText } from '../status-words.ts';
import { wrap } from '../wrap.ts';
import { cpuid2Json, cpuid2Lines } from './cpuid2.ts';

const HEADS: Readonly<Record<Gets, string>> = {
  always: '1 in every TD',
  'after-ve': '1 where the leaf is answered, which injects #VE until the guest turns that off',
  'host-cpu': 'with -cpu host, where the host has it or the VMM alone decides',
  threads: 'with -cpu host where a package of the TD has more than one thread; else only where -cpu names it',
  told: 'with -cpu host only where QEMU is told so beside it, as by -overcommit cpu-pm=on',
  'by-name': 'only where -cpu names it',
  unsupported:
    'not, even where -cpu names it: KVM gives it to no ordinary VM, and QEMU goes by KVM_GET_SUPPORTED_CPUID',
  'never-asked': 'never with -cpu host: QEMU has no name for it',
  'kept-back': 'not: KVM keeps it back',
  gated: 'by ATTRIBUTES, XFAM or what else the TD has',
  shut: 'not: it waits for a bit of ATTRIBUTES or XFAM that this KVM or this QEMU never sets',
  host: 'as the host has it',
  guest: 'as the guest asks',
  never: '0 in every TD',
  ve: 'nothing: the leaf injects #VE',
  'no-leaf': 'the tables of the release have no such leaf',
  'not-examined': 'not known: the release’s code was not examined',
};

/** What a rule that found nothing held against each other, and what it would have found. */
const QUIET: Readonly<Record<QemuRule, { readonly looked: string; readonly none: string }>> = {
  'qemu-fixed1-extra': {
    looked: 'that QEMU takes for fixed',
    none: 'each is 1 in every TD, or decided by the guest',
  },
  'qemu-fixed1-missing': {
    looked: 'of the registers that QEMU’s check looks at',
    none: 'QEMU expects each that a TD has without anybody asking for it',
  },
  'qemu-gate-differs': {
    looked: 'that QEMU’s tables put behind a gate which KVM and the release can open',
    none: 'each has that gate in the module too',
  },
  'qemu-no-name': { looked: 'that the release offers and KVM passes', none: 'QEMU names each' },
  'qemu-attributes': { looked: 'of ATTRIBUTES that the release and KVM take', none: 'QEMU can ask for each' },
  'qemu-xfam': {
    looked: 'of XFAM that the release and KVM take',
    none: 'QEMU has a state component for each',
  },
};

function quietText({ rule, looked, unexamined, unread }: Quiet): string {
  const { looked: what, none } = QUIET[rule];
  if (unread !== null) return `nothing could be found: the ${unread} that the release takes were not read`;
  if (looked === 0) return `nothing to look at: no bit ${what}`;
  const open = unexamined === 0 ? '' : `, but of ${unexamined} who decides was not examined`;
  return `${looked} ${looked === 1 ? 'bit' : 'bits'} ${what}: ${none}${open}`;
}

const titleOf = ({ release, kvm, qemu }: Stack): string =>
  `TDX module ${release.module.release}, KVM ${kvm.policy.version}, QEMU ${qemu.version}`;

/** `bitwatch stack` in words: what a TD gets, then what does not fit. */
export function stackText(stack: Stack): string {
  const features = stackFeatures(stack);
  const findings = judgeQemu(stack);
  const refused = stack.kvm.runs.kind === 'no';
  const quiet = quietRules(stack, findings);
  return `${[
    titleOf(stack),
    ...wrap(runsText(stack.kvm.runs), '  KVM runs the module: ', '      '),
    ...sourcesOf(stack).flatMap(({ what, repository, revision, path }) =>
      wrap(`${repository}@${revision.slice(0, 12)} ${path}`, `  ${what.padEnd(7)} read in `),
    ),
    ...(refused ? [] : ['', 'A TD gets', ...GETS.flatMap((gets) => groupLines(features, gets))]),
    ...(findings.length === 0
      ? []
      : ['', 'What does not fit', ...findings.flatMap((each) => findingLines(stack, each))]),
    ...(refused ? [] : cpuid2Section(stack)),
    ...(refused || quiet.length === 0
      ? []
      : ['', 'Nothing to find', ...quiet.flatMap((each) => wrap(`${each.rule}: ${quietText(each)}`, '  ', '      '))]),
  ].join('\n')}\n`;
}

/** What KVM asks of its own copy of the CPUID, which a VMM gives apart from the module's. */
const cpuid2Section = ({ cpuid2 }: Stack): readonly string[] => [
  '',
  'What KVM asks of KVM_SET_CPUID2, which may differ from KVM_TDX_INIT_VM',
  ...(cpuid2 === null ? ['  this kernel was not read for it'] : cpuid2Lines(cpuid2, false)),
];

/** Where each part was read. */
const sourcesOf = ({ release, kvm, qemu }: Stack) =>
  [
    { what: 'module', ...release.module.source },
    { what: 'KVM', ...kvm.policy.source },
    { what: 'QEMU', ...qemu.source },
  ].map(({ what, repository, revision, path, blob }) => ({ what, repository, revision, path, blob }));

function groupLines(features: readonly StackFeature[], gets: Gets): readonly string[] {
  const group = features.filter((each) => each.gets === gets);
  if (group.length === 0) return [];
  const names = group.map((each) => {
    const name = each.name ?? bitsText(each, bitMask(each.bit));
    return gets === 'kept-back' ? `${name} (${each.verdict})` : name;
  });
  return [...wrap(`${HEADS[gets]} (${group.length})`, '  '), ...wrap(names.join(', '), '      ')];
}

function findingLines(stack: Stack, found: QemuFinding): readonly string[] {
  return [
    ...wrap(`${found.level.padEnd(7)} ${found.rule}: ${findingText(stack, found)}`, '  ', '          '),
    ...wrap(found.evidence.map(shortPlace).join(', '), '          '),
  ];
}

const shortPlace = ({ path, line }: Evidence): string => `${path}:${line}`;

/** What a rule found, in one sentence. */
function findingText(stack: Stack, found: QemuFinding): string {
  const what = whatText(stack, found);
  const { version } = stack.qemu;
  const { release } = stack.release.module;
  switch (found.how) {
    case 'settable':
      return `QEMU ${version} takes ${what} for fixed and asks for it in every TD with -cpu host; ${release} lets it be 0 (-cpu host,-NAME leaves it out)`;
    case 'depends':
      return `QEMU ${version} takes ${what} for fixed; under ${release} it depends, and where it is 0 QEMU warns, or fails with enforce`;
    case 'never':
      return `QEMU ${version} takes ${what} for supported${found.gate === null ? '' : ` under ${found.gate}`}; no TD of ${release} has it: QEMU warns where it asks for it, or fails with enforce`;
    case 've':
      return `QEMU ${version} takes ${what} for supported; under ${release} the leaf injects #VE in the TD, and whether KVM reports a value to QEMU’s check was not read`;
    case 'no-leaf':
      return `QEMU ${version} takes ${what} for supported${found.gate === null ? '' : ` under ${found.gate}`}; the tables of ${release} have no such leaf, and QEMU’s check passes over a leaf that KVM does not report`;
    case 'always':
      return found.gate === null
        ? `${release} gives ${what} to every TD and QEMU ${version} does not know: it warns that TDX forces it, or fails with enforce`
        : `QEMU ${version} ties ${what} to ${found.gate}; ${release} gives it to every TD`;
    case 'host':
      return `${release} gives ${what} to a TD where the host has it, and QEMU ${version} takes it for unsupported: there it warns that TDX forces it, or fails with enforce`;
    case 'other-gate':
      return `QEMU ${version} ties ${what} to ${found.gate}; ${release} decides it otherwise`;
    case 'no-name':
      return `${release} offers ${what} and KVM ${stack.kvm.policy.version} passes it; QEMU ${version} has no name for it, so -cpu host never sets it`;
    case 'not-asked':
      return found.rule === 'qemu-attributes'
        ? `the release and KVM take ATTRIBUTES ${what}, and QEMU ${version} cannot ask for it`
        : `the release and KVM take XFAM ${what}, and QEMU ${version} has no state component for it: no TD has what it opens`;
  }
}

function whatText(stack: Stack, found: QemuFinding): string {
  if (found.place === null) {
    const names = found.rule === 'qemu-attributes' ? ATTRIBUTE_NAMES : XFAM_NAMES;
    return found.bits.map((bit) => names.get(bit) ?? `bit ${bit}`).join(', ');
  }
  const mask = findingMask(found);
  return namedBitsText({ ...found.place, mask, bits: namedBits(stack.names, found.place, mask) });
}

const askJson = ({ name, isAutomatic, isChecked, isFixed1, support, isOfThreads, gates }: Ask) => ({
  name,
  automatic: isAutomatic,
  checked: isChecked,
  fixed1: isFixed1,
  support,
  ofThreads: isOfThreads,
  gates,
});

/** One feature of a stack, as `stack` and `explain` print it. */
const featureJson = (feature: StackFeature) => ({
  ...placeJson(feature),
  bit: feature.bit,
  name: feature.name,
  decider: feature.decider === null ? null : deciderText(feature.decider),
  verdict: feature.verdict,
  qemu: askJson(feature.ask),
  gets: feature.gets,
  evidence: feature.evidence,
});

/** `bitwatch.stack/1`. */
export function stackJson(stack: Stack) {
  const findings = judgeQemu(stack);
  return {
    schema: 'bitwatch.stack/1',
    module: stack.release.module.release,
    kvm: stack.kvm.policy.version,
    qemu: stack.qemu.version,
    runs: { answer: stack.kvm.runs.kind, because: runsText(stack.kvm.runs) },
    sources: sourcesOf(stack),
    features: stack.kvm.runs.kind === 'no' ? [] : stackFeatures(stack).map(featureJson),
    findings: findings.map((found) => ({
      rule: found.rule,
      level: found.level,
      how: found.how,
      place: found.place === null ? null : { ...placeJson(found.place), mask: hex32(findingMask(found)) },
      bits: found.bits,
      gate: found.gate,
      because: findingText(stack, found),
      evidence: found.evidence,
    })),
    /** Null where the kernel was not read for it. */
    cpuid2: stack.cpuid2 === null ? null : cpuid2Json(stack.cpuid2),
    quiet: quietRules(stack, findings).map((each) => ({ rule: each.rule, because: quietText(each) })),
  };
}

/** Why a TD has a bit or not: host, module, KVM, QEMU, then what comes of it. `host` is null where no host is named. */
export function whyText(stack: Stack, feature: StackFeature, host: boolean | null): string {
  const { release, kvm, qemu } = stack;
  const at = bitsText(feature, bitMask(feature.bit));
  return `${[
    ...wrap(`${at}${feature.name === null ? '' : ` ${feature.name}`}: ${conclusion(feature, host)}`),
    ...(host === null ? [] : wrap(host ? 'has it' : 'does not have it', '  host         ')),
    ...wrap(
      feature.decider === null ? HEADS[feature.gets] : deciderWords(feature.decider),
      `  ${release.module.release.padEnd(12)} `,
    ),
    ...wrap(
      kvm.runs.kind === 'no' ? runsText(kvm.runs) : (feature.verdict ?? 'not asked: no VMM may set it'),
      `  KVM ${kvm.policy.version.padEnd(8)} `,
    ),
    ...wrap(askText(feature.ask), `  QEMU ${qemu.version.padEnd(7)} `),
    ...wrap(feature.evidence.map(shortPlace).join(', ') || 'no line', '  evidence     '),
  ].join('\n')}\n`;
}

function askText({ name, isAutomatic, isChecked, isFixed1, isOfThreads, gates }: Ask): string {
  const parts = [
    name === null
      ? `no name${isChecked ? '' : ', no feature word'}`
      : `${name}${isAutomatic ? ', set by -cpu host where supported' : ', not set by -cpu host'}`,
    ...(isFixed1 ? ['taken for fixed to 1'] : []),
    ...(isOfThreads ? ['set where a package has more than one thread'] : []),
    ...(gates.length > 0 ? [`supported under ${gates.join(', ')}`] : []),
  ];
  return parts.join('; ');
}

/** What a TD of this stack gets, with -cpu host. */
function conclusion({ gets, decider, ask, verdict }: StackFeature, host: boolean | null): string {
  const needsHost = decider?.by.kind === 'vmm-and-host' || decider?.by.kind === 'host';
  if (host === false && needsHost && gets !== 'never') return 'no TD on this host has it: the host lacks it';
  switch (gets) {
    case 'host-cpu':
      return `a TD has it with -cpu host${needsHost && host === null ? ', where the host has it' : ''}`;
    case 'threads':
      return `a TD has it with -cpu host where its package has more than one thread, else only with -cpu host,+${ask.name}`;
    case 'told':
      return `a TD has it with -cpu host only where QEMU is told so beside it, as by -overcommit cpu-pm=on${needsHost && host === null ? ', and where the host has it' : ''}`;
    case 'unsupported':
      return 'no TD that QEMU starts has it: KVM gives it to no ordinary VM, and QEMU goes by KVM_GET_SUPPORTED_CPUID';
    case 'by-name':
      return `a TD has it only with -cpu host,+${ask.name}`;
    case 'never-asked':
      return 'no TD that QEMU starts with -cpu host has it: QEMU has no name for it';
    case 'shut':
      return 'no TD has it: it waits for a bit of ATTRIBUTES or XFAM that this KVM or this QEMU never sets';
    case 'kept-back':
      return `no TD has it: KVM keeps it back (${verdict})`;
    default:
      return HEADS[gets];
  }
}

/** `bitwatch.why/1`: `onHost` is null where no host was named, or its file does not list the leaf. */
export const whyJson = (
  stack: Stack,
  answers: readonly { readonly feature: StackFeature; readonly onHost: boolean | null }[],
) => ({
  schema: 'bitwatch.why/1',
  module: stack.release.module.release,
  kvm: stack.kvm.policy.version,
  qemu: stack.qemu.version,
  runs: { answer: stack.kvm.runs.kind, because: runsText(stack.kvm.runs) },
  bits: answers.map(({ feature, onHost }) => ({
    ...featureJson(feature),
    onHost,
    answer: conclusion(feature, onHost),
  })),
});
