import type { Check, Condition, DeciderRule, DeciderRules, GuestControl, Limits } from '../model/decider-rules.ts';
import type { FixedMasks, LookupEntry, ModuleRelease, RegisterMasks } from '../model/module.ts';
import { leafId, REGISTERS, subleafOf } from '../model/place.ts';
import { hostKey, type Registers } from './case.ts';
import type { TdState } from './state.ts';

/** What a condition of the rules says about a TD, ready to be asked often. */
type Test = (td: TdState) => boolean;

/** One rule, ready to run on the four registers of a leaf. */
export type Step = {
  readonly rule: DeciderRule;
  readonly masks: Registers;
  /** All conditions of the rule hold. */
  readonly holds: Test;
};

/** One row of the lookup table with what the code does to it at TDH.MNG.INIT. */
export type Row = {
  readonly leaf: number;
  readonly subleaf: number | null;
  readonly faulting: boolean;
  readonly verifyMask: Registers;
  readonly verifyValue: Registers;
  readonly fixed0: Registers;
  readonly fixed1: Registers;
  /** What a VMM may configure; `null` where TD_PARAMS has no slot. */
  readonly slot: { readonly direct: Registers; readonly allow: Registers } | null;
  readonly xfam: readonly { readonly bit: number; readonly masks: Registers }[];
  readonly steps: readonly Step[];
};

/** A release, ready to run: its tables in the order of their slots, its rules, numbers and checks. */
export type Program = {
  readonly release: string;
  readonly rows: readonly Row[];
  /** The row that a leaf and sub-leaf select, -1 where there is none. */
  readonly find: (leaf: number, subleaf: number) => number;
  readonly guestSteps: (leaf: number, subleaf: number) => readonly Step[];
  readonly fixed0Leaves: ReadonlySet<number>;
  readonly attributes: FixedMasks;
  readonly xfam: FixedMasks;
  readonly limits: Limits;
  readonly checks: readonly Check[];
  readonly check: (id: string) => Check | undefined;
};

const NO_MASKS: FixedMasks = { fixed0: 0n, fixed1: 0n };

/** Makes the program of a release from its tables and the rules of its code. */
export function programOf(module: ModuleRelease, rules: DeciderRules): Program {
  const configurable = new Map(module.configurable.map((entry) => [leafId(entry), entry]));
  const xfam = new Map(module.xfamMasks.map((mask) => [leafId(mask), mask.bits]));
  const entries = [...module.lookup].sort((a, b) => a.slot - b.slot);
  const byLeaf = rowsByLeaf(entries);
  const find = (leaf: number, subleaf: number): number =>
    byLeaf.get(leaf)?.find((each) => each.subleaf === null || each.subleaf === subleaf)?.index ?? -1;
  const ready = (rule: DeciderRule): Step => stepOf(rule, find);
  const rows = entries.map((entry): Row => {
    const config = configurable.get(leafId(entry));
    return {
      leaf: entry.leaf,
      subleaf: entry.subleaf,
      faulting: entry.faulting,
      verifyMask: four(entry.verifyMask),
      verifyValue: four(entry.verifyValue),
      fixed0: four(entry.fixed0OrDynamic),
      fixed1: four(entry.fixed1),
      slot: config === undefined ? null : { direct: four(config.configDirect), allow: four(config.allowDirect) },
      xfam: [...(xfam.get(leafId(entry)) ?? [])].map(([bit, masks]) => ({ bit, masks: four(masks) })),
      steps: rules.rules.filter((rule) => rule.stage === 'init' && isOf(rule, entry)).map(ready),
    };
  });
  const checks = new Map(rules.checks.map((check) => [check.id, check]));
  return {
    release: module.release,
    rows,
    find,
    guestSteps: guestSteps(rules.rules.filter(({ stage }) => stage === 'guest').map(ready)),
    fixed0Leaves: new Set(module.fixed0Leaves),
    attributes: module.attributes ?? NO_MASKS,
    xfam: module.xfam ?? NO_MASKS,
    limits: rules.limits,
    checks: rules.checks,
    check: (id) => checks.get(id),
  };
}

const isOf = (rule: DeciderRule, entry: LookupEntry): boolean =>
  rule.leaf === entry.leaf && (rule.subleaf === undefined || rule.subleaf === entry.subleaf);

const four = (masks: RegisterMasks): Registers => [masks.eax ?? 0, masks.ebx ?? 0, masks.ecx ?? 0, masks.edx ?? 0];

type LeafRow = { readonly subleaf: number | null; readonly index: number };

function rowsByLeaf(entries: readonly LookupEntry[]): ReadonlyMap<number, readonly LeafRow[]> {
  const byLeaf = new Map<number, LeafRow[]>();
  for (const [index, { leaf, subleaf }] of entries.entries())
    byLeaf.set(leaf, [...(byLeaf.get(leaf) ?? []), { subleaf, index }]);
  return byLeaf;
}

/** The guest's rules by the leaf and sub-leaf that it asks; a rule without a sub-leaf is for all. */
function guestSteps(steps: readonly Step[]): Program['guestSteps'] {
  const known = new Map<string, readonly Step[]>();
  const leaves = new Set(steps.map(({ rule }) => rule.leaf));
  return (leaf, subleaf) => {
    if (!leaves.has(leaf)) return [];
    const key = hostKey(leaf, subleaf);
    const found = known.get(key);
    if (found !== undefined) return found;
    const here = steps.filter(
      ({ rule }) => rule.leaf === leaf && (rule.subleaf === undefined || rule.subleaf === subleaf),
    );
    known.set(key, here);
    return here;
  };
}

type Find = (leaf: number, subleaf: number) => number;

function stepOf(rule: DeciderRule, find: Find): Step {
  const { effect } = rule;
  const conditions =
    effect.do === 'clear' || effect.do === 'set' || effect.do === 've'
      ? effect.unless
      : effect.do === 'follow'
        ? [effect.condition]
        : effect.do === 'choose'
          ? [effect.when]
          : effect.do === 'compute'
            ? effect.when
            : [];
  const tests = conditions.map((condition) => testOf(condition, find));
  return { rule, masks: four(rule.masks), holds: (td) => tests.every((test) => test(td)) };
}

function testOf(condition: Condition, find: Find): Test {
  switch (condition.kind) {
    case 'xfam': {
      const { bits } = condition;
      return (td) => bits.every((bit) => td.xfamBits[bit]);
    }
    case 'attributes': {
      const { bits } = condition;
      return (td) => bits.every((bit) => td.attributeBits[bit]);
    }
    case 'config-flags': {
      const { bits } = condition;
      return (td) => bits.every((bit) => td.flagBits[bit]);
    }
    case 'cpuid': {
      const { place, bit } = condition;
      const index = find(place.leaf, subleafOf(place)) * 4 + REGISTERS.indexOf(place.register);
      return (td) => index >= 0 && (((td.values[index] ?? 0) >>> bit) & 1) === 1;
    }
    case 'guest': {
      const { control } = condition;
      return (td) => guestHas(td, control);
    }
    case 'paravirt': {
      const mask = 1n << BigInt(condition.bit);
      return (td) => (td.guest.featureParavirtCtrl & mask) !== 0n;
    }
    case 'xfd':
      return (td) => (BigInt(td.platform.xfdFaulting) & td.params.xfam) !== 0n;
    case 'not': {
      const test = testOf(condition.of, find);
      return (td) => !test(td);
    }
    case 'any': {
      const tests = condition.of.map((each) => testOf(each, find));
      return (td) => tests.some((test) => test(td));
    }
  }
}

function guestHas({ guest, controls }: TdState, control: GuestControl): boolean {
  switch (control) {
    case 'CR4.OSXSAVE':
      return guest.osxsave;
    case 'CR4.PKE':
      return guest.pke;
    case 'LONG_MODE':
      return guest.mode64;
    case 'TSX_CPUID_CLEAR':
      return (guest.tsxCtrl & 2) !== 0;
    default:
      return controls.has(control);
  }
}
