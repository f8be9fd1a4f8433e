import { quoteArgument } from '../cases/reviews.ts';
import type { ControlTopic, Cpuid2Kernel, MsrTopic, ReleaseTopic, Topic } from '../cases/topics.ts';
import { bitsText } from '../model/bit-names.ts';
import type { ClobberRow } from '../model/knowledge.ts';
import { hex, hex32 } from '../model/mask.ts';
import type { PartialPolicy, Policy } from '../model/policy.ts';
import { flagLines, guestLines, guestTopicJson, leafLines, leafTopicJson, runText } from './guest-topics.ts';
import { placeJson } from './machine.ts';
import { cpuid2Json, cpuid2Lines } from './vmm/cpuid2.ts';
import { wrap } from './wrap.ts';

/** A topic as text: the answer in the first line, then what it rests on. */
export function topicText(topic: Topic): string {
  const [first, ...rest] = linesOf(topic);
  return `${[...wrap(first ?? ''), ...rest].join('\n')}\n`;
}

function linesOf(topic: Topic): readonly string[] {
  switch (topic.kind) {
    case 'release':
      return releaseLines(topic.release, topic.build);
    case 'kernel':
      return kernelLines(topic.policy);
    case 'partial-kernel':
      return partialLines(topic.partial);
    case 'cpuid2':
      return cpuid2TopicLines(topic.kernels);
    case 'msr':
      return msrLines(topic.msr);
    case 'control':
      return controlLines(topic.control);
    case 'leaf':
      return leafLines(topic.leaf);
    case 'guest':
      return guestLines(topic.guest);
    case 'flag':
      return flagLines(topic.flag);
    case 'family':
      return [
        `${topic.name} is a family: ${topic.members.length} CPUID bits or fields, ${topic.rows.length} rows of host state`,
        ...topic.members.map((member) => `  ${`${bitsText(member, member.mask)}`.padEnd(24)} ${member.name}`),
        ...rowLines(topic.rows),
      ];
  }
}

/** How far something of a release was read. */
export const READ_TEXT: Readonly<Record<ReleaseTopic['deciders' | 'hostState'], string>> = {
  read: 'read',
  'partly-inferred': 'in part inferred',
  'not-examined': 'not examined',
  'not-read': 'not read',
};

function releaseLines(topic: ReleaseTopic, build: string | null): readonly string[] {
  const { release, known, source, follows, mrseam } = topic;
  const first =
    source === null
      ? `${release} is a release of the TDX module that is known by name only: its tables were not read`
      : `${release} is a release of the TDX module${follows === null ? '' : `; it follows ${follows}`}`;
  return [
    first,
    ...(build === null ? [] : wrap(`build ${build}: which source a build was made from is not published`, '  ')),
    ...(source === null
      ? []
      : wrap(`${source.repository}@${source.revision.slice(0, 12)} ${source.path}`, '  read in        ')),
    ...wrap(mrseam ?? 'not published', '  MRSEAM         '),
    ...wrap(featuresText(topic), '  TDX_FEATURES0  '),
    ...(known?.updatesFrom == null ? [] : wrap(`${known.updatesFrom}, TDs preserved`, '  updates from   ')),
    ...(source === null
      ? wrap((known?.seen ?? []).join('; '), '  seen in        ')
      : [`  deciders       ${READ_TEXT[topic.deciders]}`, `  host state     ${READ_TEXT[topic.hostState]}`]),
    ...(source === null
      ? []
      : [`  more           bitwatch review ${quoteArgument(release)}; bitwatch bits ${quoteArgument(release)}`]),
  ];
}

function featuresText({ features0, features0Conditional, publishedFeatures0 }: ReleaseTopic): string {
  if (features0 === null) return 'not known';
  const open =
    features0Conditional.length === 0
      ? ''
      : `; ${features0Conditional.length === 1 ? 'bit' : 'bits'} ${features0Conditional.join(', ')} only where the platform allows it`;
  if (publishedFeatures0 === null) return `${hex(features0)}${open}`;
  return `${hex(features0)} by its source, ${hex(publishedFeatures0)} by mapping_file.json: which one holds is not known${open}`;
}

function cpuid2TopicLines(kernels: readonly Cpuid2Kernel[]): readonly string[] {
  const lies = kernels.filter(({ verdicts }) =>
    verdicts.some(({ outcome, question }) => outcome === 'lie' && question.about === 'host'),
  );
  const versions = kernels.map(({ version }) => version).join(', ');
  const newest = kernels.at(-1);
  if (newest === undefined) return ['KVM_SET_CPUID2: no kernel was read for what it asks of it'];
  const answer =
    lies.length === 0
      ? `in no kernel read does a known answer decide on the host (${versions})`
      : `a VMM can lie about what decides on the host in ${lies.map(({ version }) => version).join(', ')}`;
  return [
    `KVM_SET_CPUID2 may differ from what KVM_TDX_INIT_VM was told: ${answer}`,
    `  lines of ${newest.version}; specs/cpuid2/ has those of the others`,
    ...cpuid2Lines(newest.verdicts, true),
    ...wrap('what else shared code of KVM asks on behalf of a TD was not examined', '  '),
  ];
}

/** What was read of a kernel and what was not, a line each: nothing is judged under it. */
function partialLines({ version, about, source, read, notRead }: PartialPolicy): readonly string[] {
  return [
    `KVM ${version} was read in part, so nothing is judged under it`,
    ...wrap(about, '  '),
    `  read in ${source.repository}@${source.revision.slice(0, 12)} ${source.path}:`,
    ...read.flatMap(({ field, says, at }) => wrap(`${field}: ${says} (${at})`, '    ', '      ')),
    '  not read:',
    ...notRead.flatMap(({ field, because }) => wrap(`${field}: ${because}`, '    ', '      ')),
  ];
}

function kernelLines(policy: Policy): readonly string[] {
  const xfam = typeof policy.xfam === 'bigint' ? hex(policy.xfam) : policy.xfam.join(', ');
  return [
    `KVM ${policy.version} ${GENERATION_TEXT[policy.generation]}`,
    ...wrap(
      `${policy.source.repository}@${policy.source.revision.slice(0, 12)} ${policy.source.path}`,
      '  read in     ',
    ),
    ...(policy.upstream === undefined ? [] : wrap(policy.upstream.because, '  upstream    ')),
    ...policy.deny.map((entry) => `  denies      ${bitsText(entry, entry.mask)} (${entry.path}:${entry.line})`),
    ...policy.allow.map((entry) => `  allows      ${bitsText(entry, entry.mask)} (${entry.path}:${entry.line})`),
    `  attributes  ${hex(policy.attributes)}`,
    ...wrap(xfam, '  XFAM        '),
    ...wrap(policy.restores.map(({ msr }) => msr).join(', ') || 'no MSR', '  restores    '),
  ];
}

const GENERATION_TEXT = {
  mask: 'keeps CPUID bits by a mask',
  'supported-cpuid': 'gives a TD what it gives other VMs',
  none: 'doesn’t filter CPUID: every configurable bit is passed through',
  denylist: 'denies the bits that it lists and passes the others through',
  allowlist: 'allows the bits that it lists and refuses the others',
} as const satisfies Record<Policy['generation'], string>;

function msrLines({ msr, isMsr, rows, releases, examined, kernels, isClosed, isRun }: MsrTopic): readonly string[] {
  const left = releases.filter(({ exit }) => exit === 'none' || exit === 'init');
  const restoring = kernels.filter(({ restoredAt }) => restoredAt !== null);
  const names = (list: readonly { readonly release: string }[]): string =>
    [...new Set(list.map(({ release }) => release))].join(', ');
  const guards = [...new Set(left.map(({ guard }) => guard))];
  const where = (guard: string | null): string => {
    const own = names(left.filter((each) => each.guard === guard));
    return `${guard === null ? '' : ` under ${guard}`} in ${own === examined.join(', ') ? 'every release that was read' : runText(own.split(', '), examined)}`;
  };
  // A command holds nothing that could be left in it.
  const isCommand = releases.length > 0 && rows.length > 0 && rows.every(({ kind }) => kind === 'functional');
  const answer = isCommand
    ? 'written for the TD, and holds no value that the host could lose'
    : releases.length === 0
      ? 'no entry or exit code of a release that was read writes it itself'
      : left.length === 0
        ? 'the module leaves it as the host had it, in every release that was read'
        : `host ${isMsr ? 'MSR' : 'value'} is clobbered at TD exit${guards.map(where).join(', and')}`;
  const closedText = isClosed
    ? ', and none lets a TD have what opens it'
    : left.length > 0 && !isRun
      ? ', and none runs such a release'
      : '';
  return [
    `${isMsr ? 'MSR' : 'Register'} ${msr}: ${answer}; ${careText(rows, restoring)}${closedText}`,
    ...(isCommand ? [] : exitRuns(releases)).flatMap(({ first, last, text }) =>
      wrap(text, `  ${(first === last ? first : `${first} to ${last}`).padEnd(18)} `),
    ),
    ...restoring.flatMap(({ version, restoredAt }) => wrap(`restored at ${restoredAt}`, `  KVM ${version.padEnd(8)} `)),
    ...rows.flatMap(({ feature, kind, source }) => wrap(`${feature}: ${kind}; ${source}`, '  host state         ')),
  ];
}

/** That KVM has no line for an MSR does not say that the host loses it: extended state comes back with the host's own. */
function careText(rows: readonly ClobberRow[], restoring: MsrTopic['kernels']): string {
  if (restoring.length > 0) return `restored by KVM ${restoring.map(({ version }) => version).join(', ')}`;
  const isHandled = rows.length > 0 && rows.every(({ kind }) => kind !== 'clobber');
  return isHandled
    ? 'no KVM has a line of its own that restores it, and by specs/clobbers.md the host loses nothing'
    : 'no KVM restores it';
}

/** Releases in order, neighbours that leave the MSR in the same ways as one run. */
function exitRuns(releases: MsrTopic['releases']) {
  const ways = new Map<string, string[]>();
  for (const { release, exit, guard } of releases) {
    const text = `${EXIT_TEXT[exit] ?? exit}${guard === null ? '' : ` (under ${guard})`}`;
    ways.set(release, [...new Set([...(ways.get(release) ?? []), text])]);
  }
  const runs: { readonly first: string; last: string; readonly text: string }[] = [];
  for (const [release, texts] of ways) {
    const text = texts.join('; ');
    const run = runs.at(-1);
    if (run?.text === text) run.last = release;
    else runs.push({ first: release, last: release, text });
  }
  return runs;
}

const EXIT_TEXT: Readonly<Record<string, string>> = {
  none: 'what was set for the TD stays',
  init: 'left with another value than the host’s',
  restored: 'the host’s value is restored',
  unknown: 'not settled by the code',
};

function controlLines({ field, bit, name, releases, kernels, gated, clears, rows }: ControlTopic): readonly string[] {
  const may = releases.filter((each) => each.may === 'set').map(({ release }) => release);
  const supporting = kernels.filter(({ supports }) => supports).map(({ version }) => version);
  const unread = releases.filter((each) => each.may === 'unread').map(({ release }) => release);
  const fixed = (value: 'always 1' | 'always 0') =>
    releases.filter((each) => each.may === value).map(({ release }) => release);
  const line = (label: string, list: readonly string[]): readonly string[] =>
    list.length === 0 ? [] : wrap(list.join(', '), `  ${label.padEnd(14)} `);
  return [
    `${field}.${name ?? bit} (bit ${bit}): ${supporting.length === 0 ? (gated.length + rows.length === 0 ? 'no KVM sets it' : 'no KVM sets it, so what it opens stays closed') : `set by KVM ${supporting.join(', ')} where user space asks`}`,
    ...line('a VMM may set', may),
    ...line('always 1', fixed('always 1')),
    ...line('always 0', fixed('always 0')),
    ...line('not read', unread),
    ...gated.map((each) => `  opens          ${bitsText(each, each.mask)}`),
    ...clears.map((each) => `  clears         ${bitsText(each, each.mask)}`),
    ...rowLines(rows),
  ];
}

const rowLines = (rows: readonly ClobberRow[]): readonly string[] =>
  rows.flatMap(({ feature, kind, msrs }) =>
    wrap(`${feature}: ${kind}${msrs.length === 0 ? '' : `, ${msrs.join(', ')}`}`, '  host state     '),
  );

/** A topic for `explain --json`. */
export function topicJson(topic: Topic) {
  const rowsOf = (rows: readonly ClobberRow[]) => rows.map(({ feature, kind, msrs }) => ({ feature, kind, msrs }));
  switch (topic.kind) {
    case 'release': {
      const { known, features0, publishedFeatures0, ...rest } = topic.release;
      const { updatesFrom = null, seen = [] } = known ?? {};
      return {
        kind: topic.kind,
        build: topic.build,
        ...rest,
        features0: features0 === null ? null : hex(features0),
        publishedFeatures0: publishedFeatures0 === null ? null : hex(publishedFeatures0),
        updatesFrom,
        seen,
      };
    }
    case 'partial-kernel':
      return { kind: topic.kind, ...topic.partial };
    case 'kernel': {
      const { version, generation, source, upstream = null } = topic.policy;
      return { kind: topic.kind, version, generation, source, upstream };
    }
    case 'cpuid2':
      return {
        kind: topic.kind,
        kernels: topic.kernels.map(({ version, verdicts }) => ({ version, questions: cpuid2Json(verdicts) })),
      };
    case 'msr':
      return { kind: topic.kind, ...topic.msr, rows: rowsOf(topic.msr.rows) };
    case 'control': {
      const { gated, clears, rows, ...rest } = topic.control;
      const masksOf = (list: typeof gated) => list.map((each) => ({ ...placeJson(each), mask: hex32(each.mask) }));
      return { kind: topic.kind, ...rest, opens: masksOf(gated), clears: masksOf(clears), rows: rowsOf(rows) };
    }
    case 'leaf':
      return { kind: topic.kind, ...leafTopicJson(topic.leaf) };
    case 'guest':
      return { kind: topic.kind, ...guestTopicJson(topic.guest) };
    case 'flag': {
      const { gated, ...rest } = topic.flag;
      const opens = gated.map((each) => ({ ...placeJson(each), mask: hex32(each.mask) }));
      return { kind: topic.kind, ...rest, opens };
    }
    case 'family':
      return {
        kind: topic.kind,
        name: topic.name,
        members: topic.members.map(({ name, mask, ...place }) => ({ ...placeJson(place), mask: hex32(mask), name })),
        rows: rowsOf(topic.rows),
      };
  }
}
