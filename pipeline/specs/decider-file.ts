import { parseBit } from '../model/bit-text.ts';
import type { Check, Condition, DeciderRule, DeciderRules, Effect, Limits } from '../model/decider-rules.ts';
import { DataError } from '../model/errors.ts';
import { bitsOf, FULL } from '../model/mask.ts';
import type { RegisterMasks } from '../model/module.ts';
import { REGISTERS } from '../model/place.ts';
import type { PlainCheck, PlainCondition, PlainDeciders, PlainRule } from './decider-shape.ts';
import { type PlainReader, readPlain } from './plain.ts';

/** One `specs/deciders/*.yaml` as it stands: what it adds to the rules of the release that it starts from. */
export type DeciderFile = { readonly file: string; readonly plain: PlainDeciders };

/** Reads one file. Throws a DataError with line and column. */
export async function readDeciderFile(file: string, text: string, reader: PlainReader): Promise<DeciderFile> {
  const load = async () => (await import('./decider-shape.ts')).checkDeciders;
  return { file, plain: await readPlain<PlainDeciders>('deciders', file, text, reader, load) };
}

/** The rules of every release, each with those of the release that it is like. Throws a DataError for one that is not there. */
export function resolveDeciders(files: readonly DeciderFile[]): ReadonlyMap<string, DeciderRules> {
  const byRelease = new Map(files.map((file) => [file.plain.release, file]));
  const resolved = new Map<string, DeciderRules>();
  const resolve = (release: string, from: DeciderFile | null, seen: readonly string[]): DeciderRules => {
    const known = resolved.get(release);
    if (known !== undefined) return known;
    const found = byRelease.get(release);
    if (found === undefined || seen.includes(release))
      throw new DataError({
        where: { file: from?.file ?? 'specs/deciders', at: 'like' },
        expected: 'another release that has a file here, and no circle',
        found: JSON.stringify(release),
      });
    const { plain } = found;
    const base = plain.like === undefined ? null : resolve(plain.like, found, [...seen, release]);
    const rules = extended(found, base);
    resolved.set(release, rules);
    return rules;
  };
  for (const { plain } of files) resolve(plain.release, null, []);
  return resolved;
}

function extended({ file, plain }: DeciderFile, base: DeciderRules | null): DeciderRules {
  const wrong = (at: string, expected: string, found: string): DataError =>
    new DataError({ where: { file, at }, expected, found: JSON.stringify(found) });
  const sources = [
    ...plain.sources.map((source) => ({ ...source, reason: source.reason ?? null })),
    ...(base?.sources ?? []).filter(({ id }) => !plain.sources.some((source) => source.id === id)),
  ];
  const sourced = <T extends { readonly id: string; readonly source: string }>(item: T): T => {
    if (!sources.some(({ id }) => id === item.source)) throw wrong(item.id, 'a source of this file', item.source);
    return item;
  };
  return {
    release: plain.release,
    like: plain.like ?? null,
    reason: plain.reason,
    sources,
    rules: changedList(
      base?.rules ?? [],
      plain.rules.map((each) => ({ item: sourced(ruleOf(file, each)), before: each.before })),
      plain.without,
      wrong,
    ),
    limits: limitsOf(plain, base, wrong),
    checks: changedList(
      base?.checks ?? [],
      plain.checks.map((each) => ({ item: sourced(checkOf(each)), before: each.before })),
      plain.withoutChecks,
      wrong,
    ),
    functions: plain.functions,
    unexamined: plain.unexamined,
  };
}

type Wrong = (at: string, expected: string, found: string) => DataError;

/** The base's list without some, with new ones at the end, or before one, or in the place of the one with the same id. */
function changedList<T extends { readonly id: string }>(
  base: readonly T[],
  added: readonly { readonly item: T; readonly before: string | undefined }[],
  removed: readonly string[],
  wrong: Wrong,
): readonly T[] {
  const list = [...base];
  for (const id of removed) {
    const at = list.findIndex((each) => each.id === id);
    if (at === -1) throw wrong('without', 'an id that the release it is like has', id);
    list.splice(at, 1);
  }
  for (const { item, before } of added) {
    const known = list.findIndex(({ id }) => id === item.id);
    const target = before === undefined ? list.length : list.findIndex(({ id }) => id === before);
    if (target === -1) throw wrong(item.id, 'an id that it stands before', before ?? '');
    if (known === -1) list.splice(target, 0, item);
    else list[known] = item;
  }
  return list;
}

/** The numbers that the file names, the others as the release that it is like has them. */
function limitsOf({ limits }: PlainDeciders, base: DeciderRules | null, wrong: Wrong): Limits {
  const own = ownLimits(limits);
  const old = base?.limits;
  const limit = <K extends keyof Limits>(name: K): Limits[K] => {
    // Null is a value of its own: the host's last leaf.
    const value = own[name] === undefined ? old?.[name] : own[name];
    if (value === undefined) throw wrong('limits', name, 'nothing');
    return value;
  };
  return {
    configFlags: limit('configFlags'),
    maxVcpus: limit('maxVcpus'),
    maxL2Vms: limit('maxL2Vms'),
    lastBaseLeaf: limit('lastBaseLeaf'),
    lastExtendedLeaf: limit('lastExtendedLeaf'),
    minMaxpa: limit('minMaxpa'),
    tdControls: limit('tdControls'),
    families: limit('families'),
    archCapabilities: limit('archCapabilities'),
  };
}

type OwnLimits = { readonly [K in keyof Limits]: Limits[K] | undefined };

const ownLimits = (limits: PlainDeciders['limits']): OwnLimits => ({
  configFlags: read(limits.configFlags, BigInt),
  maxVcpus: limits.maxVcpus,
  maxL2Vms: limits.maxL2Vms,
  lastBaseLeaf: read(limits.lastBaseLeaf, Number),
  lastExtendedLeaf: limits.lastExtendedLeaf === null ? null : read(limits.lastExtendedLeaf, Number),
  minMaxpa: limits.minMaxpa,
  tdControls: limits.tdControls,
  families: limits.families?.map(Number),
  archCapabilities: read(limits.archCapabilities, ({ one, zero, config }) => ({
    one: BigInt(one),
    zero: BigInt(zero),
    config: BigInt(config),
  })),
});

const read = <T, R>(value: T | undefined, as: (value: T) => R): R | undefined =>
  value === undefined ? undefined : as(value);

const checkOf = (plain: PlainCheck): Check => ({
  id: plain.id,
  call: plain.call,
  status: BigInt(plain.status),
  code: plain.code,
  operand: plain.operand ?? null,
  operandName: plain.operandName ?? null,
  why: plain.why,
  source: plain.source,
  lines: plain.lines ?? null,
});

function ruleOf(file: string, plain: PlainRule): DeciderRule {
  return {
    id: plain.id,
    stage: plain.stage,
    leaf: Number(plain.leaf),
    ...(plain.subleaf === undefined ? {} : { subleaf: Number(plain.subleaf) }),
    masks: masksOf(plain.masks),
    effect: effectOf(file, plain),
    source: plain.source,
    lines: plain.lines ?? null,
  };
}

function masksOf(plain: PlainRule['masks']): RegisterMasks {
  const masks: { eax?: number; ebx?: number; ecx?: number; edx?: number } = {};
  for (const register of REGISTERS) {
    const text = plain === 'all' ? undefined : plain[register];
    if (plain === 'all') masks[register] = FULL;
    else if (text !== undefined) masks[register] = Number(text);
  }
  return masks;
}

function effectOf(file: string, plain: PlainRule): Effect {
  const all = (list: readonly PlainCondition[]): readonly Condition[] => list.map((each) => conditionOf(file, each));
  switch (plain.do) {
    case 'zero':
    case 'one':
    case 'xfam-masks':
      return { do: plain.do };
    case 'clear':
    case 'set':
    case 've':
      return { do: plain.do, unless: all(plain.unless) };
    case 'follow':
      return { do: 'follow', condition: conditionOf(file, plain.condition) };
    case 'choose':
      return { do: 'choose', when: conditionOf(file, plain.when), yes: Number(plain.yes), no: Number(plain.no) };
    case 'compute':
      return { do: 'compute', what: plain.what, when: all(plain.when ?? []), open: plain.open === true };
  }
}

function conditionOf(file: string, plain: PlainCondition): Condition {
  if ('xfam' in plain) return { kind: 'xfam', bits: plain.xfam };
  if ('attributes' in plain) return { kind: 'attributes', bits: plain.attributes };
  if ('configFlags' in plain) return { kind: 'config-flags', bits: plain.configFlags };
  if ('guest' in plain) return { kind: 'guest', control: plain.guest };
  if ('paravirt' in plain) return { kind: 'paravirt', bit: plain.paravirt };
  if ('xfd' in plain) return { kind: 'xfd' };
  if ('not' in plain) return { kind: 'not', of: conditionOf(file, plain.not) };
  if ('any' in plain) return { kind: 'any', of: plain.any.map((each) => conditionOf(file, each)) };
  const selection = parseBit(plain.cpuid);
  const [bit, ...others] = selection === null ? [] : bitsOf(selection.mask);
  if (selection === null || bit === undefined || others.length > 0)
    throw new DataError({
      where: { file, at: 'cpuid' },
      expected: 'one bit such as 7.1.EAX[8]',
      found: JSON.stringify(plain.cpuid),
    });
  return { kind: 'cpuid', place: selection.place, bit };
}
