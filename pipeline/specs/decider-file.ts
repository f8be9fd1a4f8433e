import { parseBit } from '../model/bit-text.ts';
import type { Condition, DeciderRule, DeciderRules, Effect } from '../model/decider.ts';
import { DataError } from '../model/errors.ts';
import { bitsOf, FULL } from '../model/mask.ts';
import type { RegisterMasks } from '../model/module.ts';
import { REGISTERS } from '../model/place.ts';
import type { PlainCondition, PlainDeciders, PlainRule } from './decider-shape.ts';
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
  const rules: DeciderRule[] = [...(base?.rules ?? [])];
  const sources = [
    ...plain.sources,
    ...(base?.sources ?? []).filter(({ id }) => !plain.sources.some((s) => s.id === id)),
  ];
  for (const id of plain.without) {
    const at = rules.findIndex((rule) => rule.id === id);
    if (at === -1) throw wrong('without', `a rule of ${plain.like ?? 'no release'}`, id);
    rules.splice(at, 1);
  }
  for (const plainRule of plain.rules) {
    const rule = ruleOf(file, plainRule);
    if (!sources.some(({ id }) => id === rule.source))
      throw wrong(`rules ${rule.id}`, 'a source of this file', rule.source);
    const known = rules.findIndex(({ id }) => id === rule.id);
    const before = plainRule.before;
    const target = before === undefined ? -1 : rules.findIndex(({ id }) => id === before);
    if (before !== undefined && target === -1) throw wrong(`rules ${rule.id}`, 'a rule that it stands before', before);
    if (known !== -1) rules[known] = rule;
    else rules.splice(target === -1 ? rules.length : target, 0, rule);
  }
  return {
    release: plain.release,
    like: plain.like ?? null,
    reason: plain.reason,
    sources: sources.map((source) => ({ ...source, reason: source.reason ?? null })),
    rules,
  };
}

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
