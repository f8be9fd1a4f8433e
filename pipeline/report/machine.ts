import type { MaskChange, ReleaseDiff } from '../model/change.ts';
import type { ClassedRelease, RegisterClasses } from '../model/class.ts';
import type { ClobberFacts } from '../model/clobber.ts';
import type { DecidedBits } from '../model/decider.ts';
import { conditionText, decisionText } from '../model/decider-text.ts';
import type { BitName } from '../model/field.ts';
import { hex, hex32 } from '../model/mask.ts';
import { configSlotsOf, type FixedMasks } from '../model/module.ts';
import { namedBits } from '../model/names.ts';
import { compareTexts } from '../model/order.ts';
import { type LeafKey, leafId, type Place, REGISTERS } from '../model/place.ts';
import type { Policy, PolicyMask } from '../model/policy.ts';

/** The machine formats: hex in lower case, masks of registers padded to 8 digits, leaves unpadded, no sub-leaf null. */
const leafJson = (key: LeafKey) => ({ leaf: hex(key.leaf), subleaf: key.subleaf === null ? null : hex(key.subleaf) });
export const placeJson = (place: Place) => ({ ...leafJson(place), register: place.register });
const fixedJson = (masks: FixedMasks | null) =>
  masks === null ? null : { fixed0: hex(masks.fixed0), fixed1: hex(masks.fixed1) };
const masksJson = (masks: ReadonlyMap<string, number>) =>
  Object.fromEntries([...masks].map(([name, mask]) => [name, hex32(mask)]));
const namesJson = (names: ReadonlyMap<number, string>) =>
  [...names].sort(([a], [b]) => a - b).map(([bit, name]) => ({ bit, name }));

/** `bitwatch.module/1`. */
export function moduleJson({ module, registers }: ClassedRelease) {
  const { repository, revision, path, blob } = module.source;
  return {
    schema: 'bitwatch.module/1',
    release: module.release,
    source: { repository, revision, path, blob, licence: module.source.licence },
    alsoRead: module.alsoRead,
    spreadsheetFormat: module.spreadsheetFormat,
    leaves: leavesJson(registers),
    fixed0Leaves: module.fixed0Leaves.map(hex),
    attributes: fixedJson(module.attributes),
    xfam: fixedJson(module.xfam),
    features0: module.features0 === null ? null : hex(module.features0),
    features0Conditional: module.features0Conditional,
    featureNames: namesJson(module.featureNames),
    cpuidFlags: module.cpuidFlags,
    configSlots: configSlotsOf(module),
    mrseam: module.mrseam,
    notes: module.notes,
  };
}

function leavesJson(registers: readonly RegisterClasses[]) {
  const leaves = new Map<string, RegisterClasses[]>();
  for (const register of registers) leaves.set(leafId(register), [...(leaves.get(leafId(register)) ?? []), register]);
  return [...leaves.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined
      ? []
      : [
          {
            ...leafJson(first),
            registers: Object.fromEntries(
              REGISTERS.flatMap((name) =>
                group
                  .filter((register) => register.register === name)
                  .map((register) => [name, registerJson(register)]),
              ),
            ),
          },
        ];
  });
}

function registerJson(register: RegisterClasses) {
  return {
    classes: masksJson(register.classes),
    gates: masksJson(register.gates),
    verified: { fixed1: hex32(register.verified.fixed1), fixed0: hex32(register.verified.fixed0) },
    ...(register.dynamic === 0 ? {} : { dynamic: hex32(register.dynamic) }),
    ...(register.deciders.length === 0 ? {} : { deciders: register.deciders.map(decidedJson) }),
  };
}

/** Where all conditions hold the bits are decided by `by`, else they are what the first that fails says. */
const decidedJson = ({ mask, decider }: DecidedBits) => ({
  mask: hex32(mask),
  by: decisionText(decider.by),
  conditions: decider.conditions.map(({ when, otherwise }) => ({
    holds: conditionText(when),
    else: otherwise === 've' ? 've' : `${otherwise}`,
  })),
});

const maskChangeJson = (change: MaskChange) => ({
  from: change.from === null ? null : hex(change.from),
  to: change.to === null ? null : hex(change.to),
  added: hex(change.added),
  removed: hex(change.removed),
});

/** `bitwatch.diff/1`: one entry per register and class pair. */
export function diffJson(diff: ReleaseDiff, names: readonly BitName[]) {
  return {
    schema: 'bitwatch.diff/1',
    from: diff.from,
    to: diff.to,
    changes: diff.changes.map((change) => ({
      ...placeJson(change),
      from: change.from,
      to: change.to,
      mask: hex32(change.mask),
      bits: namedBits(names, change, change.mask),
    })),
    gates: diff.gates.map((change) => ({
      ...placeJson(change),
      gate: change.gate,
      added: hex32(change.added),
      removed: hex32(change.removed),
      bits: namedBits(names, change, (change.added | change.removed) >>> 0),
    })),
    leaves: { added: diff.leaves.added.map(leafJson), removed: diff.leaves.removed.map(leafJson) },
    fixed0Leaves: { added: diff.fixed0Leaves.added.map(hex), removed: diff.fixed0Leaves.removed.map(hex) },
    attributes: { fixed0: maskChangeJson(diff.attributes.fixed0), fixed1: maskChangeJson(diff.attributes.fixed1) },
    xfam: { fixed0: maskChangeJson(diff.xfam.fixed0), fixed1: maskChangeJson(diff.xfam.fixed1) },
    features0: { ...maskChangeJson(diff.features0), moved: diff.features0.moved, renamed: diff.features0.renamed },
    cpuidFlags: diff.cpuidFlags,
    configSlots: diff.configSlots,
    coverage: diff.coverage,
  };
}

/** Facts with a 64-bit mask, printed in hex. */
const maskedJson = <T extends object>(fact: T) =>
  'mask' in fact ? { ...fact, mask: typeof fact.mask === 'bigint' ? hex(fact.mask) : null } : fact;

/** `bitwatch.policy/1`. */
export function policyJson(policy: Policy, names: readonly BitName[]) {
  const masks = (entries: readonly PolicyMask[]) =>
    entries.map((entry) => ({
      ...placeJson(entry),
      mask: hex32(entry.mask),
      bits: namedBits(names, entry, entry.mask),
      path: entry.path,
      line: entry.line,
      ...(entry.everySubleafBut === undefined ? {} : { everySubleafBut: entry.everySubleafBut.map(hex) }),
    }));
  return {
    schema: 'bitwatch.policy/1',
    version: policy.version,
    source: policy.source,
    upstream: policy.upstream ?? null,
    base: policy.base ?? null,
    generation: policy.generation,
    deny: masks(policy.deny),
    allow: masks(policy.allow),
    adds: masks(policy.adds),
    attributes: hex(policy.attributes),
    xfam: typeof policy.xfam === 'bigint' ? hex(policy.xfam) : policy.xfam,
    restores: [...new Set(policy.restores.map((restore) => restore.msr))].sort(compareTexts),
    restoredAt: policy.restores,
    configLimit: policy.configLimit,
    disagreements:
      policy.disagreements?.map(({ everySubleafBut, ...each }) => ({
        ...each,
        ...(everySubleafBut === undefined ? {} : { everySubleafBut: everySubleafBut.map(hex) }),
        leaf: each.leaf === null ? null : hex(each.leaf),
        subleaf: each.subleaf === null ? null : hex(each.subleaf),
        mask: hex32(each.mask),
      })) ?? null,
    requires: policy.requires?.map(maskedJson) ?? null,
    configFlags: policy.configFlags?.map(maskedJson) ?? null,
    vmcall: policy.vmcall === undefined ? null : maskedJson(policy.vmcall),
    known: masks(policy.known),
    notes: policy.notes,
  };
}

/** `bitwatch.clobbers/1`. */
export function clobbersJson(facts: ClobberFacts) {
  return {
    schema: 'bitwatch.clobbers/1',
    release: facts.release,
    source: facts.source,
    msrs: facts.msrs.map((transition) => ({
      ...transition,
      address: transition.address === null ? null : hex(transition.address),
      openers: transition.openers.map((opener) =>
        opener.kind === 'cpuid'
          ? { kind: opener.kind, flag: opener.flag, ...placeJson(opener), mask: hex32(opener.mask) }
          : opener,
      ),
    })),
    registerChecks: (facts.registerChecks ?? []).map((check) => ({
      ...check,
      mustBeSet: hex(check.mustBeSet),
      mustBeClear: hex(check.mustBeClear),
      conditional: check.conditional.map((part) => ({ ...part, mustBeClear: hex(part.mustBeClear) })),
    })),
    notes: facts.notes,
  };
}

/** JSON of any of these, with a final line break; characters that a terminal or an eye would obey are escaped. */
export const jsonText = (value: unknown): string =>
  `${JSON.stringify(value, null, 2).replace(
    /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )}\n`;
