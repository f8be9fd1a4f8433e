import { evaluate, type Scope } from '../c/evaluate.ts';
import type { EnumMember } from '../c/members.ts';
import { enumMembers, type Unit } from '../c/unit.ts';

const enums = new WeakMap<Unit, Map<string, readonly EnumMember[]>>();

/** The members of an enum by its tag, parsed once for each unit; none where the unit does not have it. */
function membersOf(unit: Unit, tag: string): readonly EnumMember[] {
  const known = enums.get(unit) ?? new Map<string, readonly EnumMember[]>();
  enums.set(unit, known);
  const aggregate = unit.aggregates.find((candidate) => candidate.form === 'enum' && candidate.tag === tag);
  const members = known.get(tag) ?? (aggregate === undefined ? [] : enumMembers(unit, aggregate));
  known.set(tag, members);
  return members;
}

/** Enumerators of the enums that number CPUID words, CPUID registers and XSAVE features. */
export function readConstants(units: readonly Unit[], macro: Scope['macro']): ReadonlyMap<string, bigint> {
  const constants = new Map<string, bigint>();
  for (const wanted of ['cpuid_leafs', 'kvm_only_cpuid_leafs', 'cpuid_regs_idx', 'xfeature']) {
    for (const unit of units) {
      let next = 0n;
      for (const member of membersOf(unit, wanted)) {
        if (member.value !== null)
          next = evaluate(member.value, { file: unit.file, macro, constant: (name) => constants.get(name) }).value;
        constants.set(member.name, next);
        next += 1n;
      }
    }
  }
  return constants;
}
