import type { ClobberFacts, EntrySite, Learnt, MsrTransition, Opener } from '../model/clobber.ts';
import { hex, hex32 } from '../model/mask.ts';
import { compareTexts } from '../model/order.ts';
import type { RegisterCheck } from '../model/register-mask.ts';
import { flow, quoted, textList } from './yaml-text.ts';

/** `specs/clobbers/<release>.yaml`: how one release leaves the MSRs that it writes on the way into a TD. */
export function clobbersToYaml(facts: ClobberFacts): string {
  const { source } = facts;
  const lines = [
    '# How one module release leaves the registers that it writes on the way into a TD. Lines are those of the revision; null is not known.',
    `release: ${quoted(facts.release)}`,
    'source:',
    `  repository: ${quoted(source.repository)}`,
    `  revision: ${quoted(source.revision)}`,
    `  path: ${quoted(source.path)}`,
    `  blob: ${source.blob === null ? 'null' : quoted(source.blob)}`,
    ...list(
      'flags',
      '',
      (facts.flags ?? []).map((flag) =>
        flow([
          ['flag', quoted(flag.flag)],
          ['path', quoted(flag.path)],
          ['line', `${flag.line}`],
          ['openers', openers(flag.openers)],
        ]),
      ),
    ),
    ...list('registerChecks', '', (facts.registerChecks ?? []).map(check)),
    ...(facts.msrs.length === 0 ? ['msrs: []'] : ['msrs:', ...sorted(facts.msrs).flatMap(transition)]),
    ...textList('notes', facts.notes),
  ];
  return `${lines.join('\n')}\n`;
}

const check = (item: RegisterCheck): string =>
  flow([
    ['interface', quoted(item.interface)],
    ['register', quoted(item.register)],
    ['mustBeSet', quoted(hex(item.mustBeSet))],
    ['mustBeClear', quoted(hex(item.mustBeClear))],
    [
      'conditional',
      `[${item.conditional
        .map((part) =>
          flow([
            ['condition', quoted(part.condition)],
            ['mustBeClear', quoted(hex(part.mustBeClear))],
          ]),
        )
        .join(', ')}]`,
    ],
    ['path', quoted(item.path)],
    ['line', `${item.line}`],
  ]);

const sorted = (msrs: readonly MsrTransition[]): readonly MsrTransition[] =>
  [...msrs].sort((a, b) => compareTexts(a.msr, b.msr) || compareTexts(a.guard ?? '', b.guard ?? ''));

const list = (key: string, indent: string, items: readonly string[]): readonly string[] =>
  items.length === 0 ? [`${indent}${key}: []`] : [`${indent}${key}:`, ...items.map((item) => `${indent}  - ${item}`)];

const orNull = (text: string | null): string => (text === null ? 'null' : quoted(text));

function transition(item: MsrTransition): readonly string[] {
  return [
    `  - msr: ${quoted(item.msr)}`,
    `    address: ${item.address === null ? 'null' : quoted(hex(item.address))}`,
    ...(item.range === true ? ['    range: true'] : []),
    ...(item.class === undefined ? [] : [`    class: ${quoted(item.class)}`]),
    `    guard: ${orNull(item.guard)}`,
    `    exit: ${item.exit}`,
    ...(item.exitValue === undefined ? [] : [`    exitValue: ${quoted(item.exitValue)}`]),
    ...(item.keepsBits === undefined ? [] : [`    keepsBits: ${quoted(item.keepsBits)}`]),
    ...(item.by === undefined ? [] : [`    by: ${item.by}`]),
    ...(item.learnt === undefined
      ? []
      : [`    learnt: {entry: ${learnt(item.learnt.entry)}, exit: ${learnt(item.learnt.exit)}}`]),
    `    reason: ${orNull(item.reason)}`,
    `    openers: ${openers(item.openers)}`,
    ...list('entry', '    ', item.entry.map(site)),
    ...list('exitAt', '    ', item.exitAt.map(site)),
  ];
}

const learnt = (way: Learnt): string =>
  flow([
    ['how', way.how],
    ...(way.how === 'inferred' ? [['from', `[${way.from.map(quoted).join(', ')}]`] as const] : []),
  ]);

const site = (entry: EntrySite): string =>
  flow([
    ['path', quoted(entry.path)],
    ['line', entry.line === null ? 'null' : `${entry.line}`],
    ['guards', `[${entry.guards.map(quoted).join(', ')}]`],
  ]);

const openers = (items: readonly Opener[]): string => `[${items.map(opener).join(', ')}]`;

function opener(item: Opener): string {
  if (item.kind !== 'cpuid')
    return flow([
      ['kind', item.kind],
      ['bit', `${item.bit}`],
      ['name', quoted(item.name)],
    ]);
  return flow([
    ['kind', 'cpuid'],
    ['leaf', quoted(hex(item.leaf))],
    ['subleaf', item.subleaf === null ? 'null' : quoted(hex(item.subleaf))],
    ['register', item.register],
    ['mask', quoted(hex32(item.mask))],
    ['flag', quoted(item.flag)],
  ]);
}
