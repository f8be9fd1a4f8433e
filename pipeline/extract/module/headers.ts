import { DataError } from '../../model/errors.ts';
import type { FixedMasks } from '../../model/module.ts';
import type { Stmt } from '../c/ast.ts';
import { fail, skipBrackets } from '../c/cursor.ts';
import { evaluateMacro, type Scope } from '../c/evaluate.ts';
import { bodyOf, type CAggregate, type CFunction, readUnit, structMembers, type Unit } from '../c/unit.ts';
import { allStatements } from '../c/walk.ts';
import { readCpuidFlags } from './clobbers/cpuid-flags.ts';
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

/** The names that `tdx_features_enum0_t` gives to TDX_FEATURES0 bits; empty in releases without the type. */
export function readFeatureNames(header: SourceText): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  const part = featuresPart(header.text);
  const unit = readUnit(header.path, part ?? '');
  const aggregate = featuresAggregate(unit);
  if (aggregate === undefined) return names;
  let bit = 0;
  for (const member of structMembers(unit, aggregate)) {
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

/** TDX_FEATURES0 as the release's own code composes it, and the bits that depend on the platform (set here). */
export type Features0 = { readonly value: bigint; readonly conditional: readonly number[] };

/**
 * Reads the code that answers a read of TDX_FEATURES0: assignments to the members of a `tdx_features_enum0_t`.
 * `null` where the file has no such code.
 */
export function readFeatures0(source: SourceText, names: ReadonlyMap<number, string>): Features0 | null {
  const unit = readUnit(source.path, source.text);
  const bits = new Map([...names].map(([bit, name]) => [name, bit]));
  // Only a function that names the type can declare a variable of it.
  const declaring = [...unit.functions.values()].flat().filter((fn) => mentions(unit, fn, 'tdx_features_enum0_t'));
  const found = declaring.flatMap((fn) => featureBits(unit, bodyOf(unit, fn), bits));
  if (found.length === 0) return null;
  const value = found.reduce(
    (mask, { bit, set }) => (set === false ? mask & ~(1n << BigInt(bit)) : mask | (1n << BigInt(bit))),
    0n,
  );
  return { value, conditional: found.filter(({ set }) => set === null).map(({ bit }) => bit) };
}

function mentions(unit: Unit, fn: CFunction, name: string): boolean {
  const end = skipBrackets(unit.file, unit.tokens, fn.open);
  for (let at = fn.open; at < end; at += 1) if (unit.tokens[at]?.text === name) return true;
  return false;
}

/** Each assigned feature bit: set, cleared, or `null` where a run-time value decides. */
function featureBits(
  unit: Unit,
  body: readonly Stmt[],
  bits: ReadonlyMap<string, number>,
): readonly { readonly bit: number; readonly set: boolean | null }[] {
  const variables = new Set<string>();
  const found: { bit: number; set: boolean | null }[] = [];
  for (const statement of allStatements(body)) {
    if (statement.kind === 'decl' && statement.type.includes('tdx_features_enum0_t')) variables.add(statement.name);
    if (statement.kind !== 'expr' || statement.expr.kind !== 'assign' || statement.expr.target.kind !== 'member')
      continue;
    const { object, name } = statement.expr.target;
    if (object.kind !== 'id' || !variables.has(object.name) || name === 'raw') continue;
    const bit = bits.get(name);
    if (bit === undefined)
      return fail(
        unit.file,
        statement.at,
        'a feature that `tdx_features_enum0_t` names',
        `\`${name}\` is not among them`,
      );
    const { value } = statement.expr;
    found.push({ bit, set: value.kind === 'num' ? !/^0+$/.test(value.text) : null });
  }
  return found;
}
