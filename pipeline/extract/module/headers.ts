import { DataError } from '../../model/errors.ts';
import type { FixedMasks } from '../../model/module.ts';
import { evaluateMacro, type Scope } from '../c/evaluate.ts';
import { type CAggregate, readUnit, structMembers, type Unit } from '../c/unit.ts';
import { refuseRenames } from './renames.ts';
import type { SourceText } from './tables.ts';

/** The facts of the control structures' header that concern CPUID. */
export type ControlFacts = {
  readonly attributes: FixedMasks;
  readonly xfam: FixedMasks;
  /** Members of `cpuid_flags_t`, in order; `null` in releases without the struct. */
  readonly cpuidFlags: readonly string[] | null;
};

/** Reads `td_control_structures.h`: supported attributes, XFAM, tracked CPUID flags. */
export function readControlStructures(header: SourceText): ControlFacts {
  const unit = readUnit(header.path, header.text);
  const scope: Scope = { file: header.path, macro: (name) => unit.macros.get(name) };
  const value = (name: string): bigint => {
    const macro = unit.macros.get(name);
    if (macro === undefined)
      throw new DataError({
        where: { file: header.path, line: 1, column: 1 },
        expected: `a definition of ${name}`,
        found: 'none',
      });
    return BigInt.asUintN(64, evaluateMacro(macro, scope).value);
  };
  return {
    attributes: { fixed0: value('TDX_ATTRIBUTES_FIXED0'), fixed1: value('TDX_ATTRIBUTES_FIXED1') },
    xfam: { fixed0: value('TDX_XFAM_FIXED0'), fixed1: value('TDX_XFAM_FIXED1') },
    cpuidFlags: readCpuidFlags(unit),
  };
}

/** The members of the module's `cpuid_flags` struct in order, `null` where the unit does not define it. */
function readCpuidFlags(unit: Unit): readonly string[] | null {
  const aggregate = unit.aggregates.find(({ typedef, tag }) => typedef === 'cpuid_flags_t' || tag === 'cpuid_flags_s');
  if (aggregate === undefined) return null;
  const members = structMembers(unit, aggregate).map(({ name }) => name);
  refuseRenames(unit, members);
  return members.filter((name) => !/^(reserved|rsvd)/.test(name));
}

/** The names that `tdx_features_enum0_t` gives to TDX_FEATURES0 bits; empty in releases without the type. */
export function readFeatureNames(header: SourceText): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const part = featuresPart(header.text);
  const unit = readUnit(header.path, part ?? '');
  const aggregate = featuresAggregate(unit);
  if (aggregate === undefined) return names;
  let bit = 0;
  const members = structMembers(unit, aggregate);
  refuseRenames(
    unit,
    members.map(({ name }) => name),
  );
  for (const member of members) {
    // The union's plain view of the same 64 bits.
    if (member.width === null) continue;
    if (member.width === 1 && member.name !== '' && !/^(reserved|rsvd)/.test(member.name)) names.set(bit, member.name);
    bit += member.width;
    if (bit > 64)
      throw new DataError({
        where: { file: header.path, line: member.line, column: 1 },
        expected: '64 bits of TDX_FEATURES0',
        found: `${bit} bits up to \`${member.name}\``,
      });
  }
  return names;
}

/**
 * The definition of the type out of a header of a thousand unrelated ones, with its lines where they were: reading the rest
 * costs more than all other facts of a release. Null where the header does not name the type.
 */
function featuresPart(text: string): string | null {
  const end = text.search(/\btdx_features_enum0_t\s*;/);
  if (end === -1) return null;
  const start = text.lastIndexOf('typedef', end);
  const lines = text.slice(0, Math.max(start, 0)).split('\n').length - 1;
  return `${'\n'.repeat(lines)}${text.slice(Math.max(start, 0), text.indexOf(';', end) + 1)}`;
}

const featuresAggregate = (unit: Unit): CAggregate | undefined =>
  unit.aggregates.find(
    (aggregate) => aggregate.typedef === 'tdx_features_enum0_t' || aggregate.tag === 'tdx_features_enum0_u',
  );
