import { DataError } from '../../model/errors.ts';
import { bitsOf, or, without } from '../../model/mask.ts';
import { comparePlaces, type Place, REGISTERS, type Register } from '../../model/place.ts';
import type { Generation, PolicyMask } from '../../model/policy.ts';
import type { Expr, Stmt } from '../c/ast.ts';
import { bodyOf, type CFunction } from '../c/unit.ts';
import { allExpressions, allStatements, expressionsIn, expressionsOf } from '../c/walk.ts';
import { type Entry, type Program, runCondition, runFunction } from './interpret.ts';
import { blank, isUnheard, type LeafInput, leavesTold, UNHEARD } from './leaves.ts';
import { looksUp } from './masking.ts';

/** What KVM does to the entries that the module reports as configurable. */
export type Filter = {
  readonly generation: Generation;
  readonly deny: readonly PolicyMask[];
  readonly allow: readonly PolicyMask[];
  readonly adds: readonly PolicyMask[];
};

const ALL = 0xffffffffn;

/** The condition under which a TD's setup fails, with the name that stands for the entry in it. */
export type Refusal = {
  readonly test: Expr;
  readonly entry: string;
  readonly line: number;
  /** The function that it stands in. */
  readonly name: string;
};

/**
 * Derives the filter by running KVM's own functions on entries: for every leaf that the code names, each register with
 * all bits set and with each bit alone. Which functions they are follows from what they do: one copies the module's
 * configurable values into an entry, the other refuses entries of user space.
 */
export function readEntryFilter(program: Program, init: CFunction): Filter {
  const refusals = findRefusals(program);
  const leaves = leavesTold(program, init, refusals);
  const cleared = probe(program, leaves, (entry) => runFunction(program, init, entry).entry);
  checkSubleaves(program, init, cleared, isAllowing(cleared) ? Number(ALL) : 0);
  if (isAllowing(cleared)) {
    const allow = allowed(program, init, leaves, cleared);
    checkRefusal(program, init, leaves, cleared, refusals);
    return { generation: 'allowlist', deny: [], allow, adds: addsOf(program, init, leaves) };
  }
  const clear = masksOf(program, init, cleared);
  const refused = refusedMasks(program, refusals, leaves);
  checkAgreement(program, init, clear, refused);
  return {
    generation: clear.length === 0 ? 'none' : 'denylist',
    deny: clear,
    allow: [],
    adds: addsOf(program, init, leaves),
  };
}

/** What marks the functions that the filter is made of: where it starts, and where tables of capabilities are filled. */
export const FILTER_TEXT = /find_cpuid_entry|cpuid_config|supported_cpuid|_caps?_(?:init|set|mask)/;

/** The functions that fill an entry from the module's `cpuid_config_values`. */
export function findInits(program: Program): readonly CFunction[] {
  const hits = [...program.unit.functions.values()].flat().filter((fn) => {
    const names = new Set<string>();
    let writes = false;
    for (const expr of expressionsIn(bodyOf(program.unit, fn))) {
      if (expr.kind === 'member' || expr.kind === 'id') names.add(expr.name);
      if (expr.kind === 'assign' && expr.target.kind === 'member' && expr.target.name === 'eax') writes = true;
    }
    return writes && [...names].some((name) => /cpuid_config_values|cpuid_config$|cpuid_configs/.test(name));
  });
  return hits.filter((hit) => hasEntryParameter(program, hit));
}

/** The one function that fills an entry. A DataError where there is none or there are several. */
export function findInit(program: Program): CFunction {
  const [fn, ...more] = findInits(program);
  if (fn !== undefined && more.length === 0) return fn;
  throw new DataError({
    where: { file: program.path, line: more[0]?.line ?? 1 },
    expected: 'one function that copies the module’s configurable CPUID values into a kvm_cpuid_entry2',
    found: fn === undefined ? 'none' : [fn, ...more].map(({ name }) => name).join(', '),
  });
}

function hasEntryParameter(program: Program, fn: CFunction): boolean {
  const { tokens } = program.unit;
  for (let at = fn.open; at > 0 && tokens[at]?.text !== fn.name; at -= 1)
    if (tokens[at]?.text === 'kvm_cpuid_entry2') return true;
  return false;
}

/** `entry = kvm_find_cpuid_entry2(…)` followed by `if (f(entry)) return -EINVAL;` in the function that sets a TD up. */
export function findRefusals(program: Program): readonly Refusal[] {
  return [...program.unit.functions.values()].flat().flatMap((fn) => {
    const body = bodyOf(program.unit, fn);
    const entries = new Set<string>();
    const refusals: Refusal[] = [];
    for (const statement of allStatements(body)) {
      if (statement.kind === 'decl' && statement.init !== null && looksUp(statement.init)) entries.add(statement.name);
      for (const expr of expressionsOf(statement))
        for (const part of allExpressions(expr))
          if (part.kind === 'assign' && part.target.kind === 'id' && looksUp(part.value)) entries.add(part.target.name);
      if (statement.kind !== 'if' || !returnsError(statement.then)) continue;
      const entry = [...entries].find((name) => usesAsArgument(statement.test, name));
      if (entry !== undefined) refusals.push({ test: statement.test, entry, line: statement.at.line, name: fn.name });
    }
    return refusals;
  });
}

const isError = (expr: Expr | null): boolean => expr?.kind === 'unary' && expr.op === '-';

/** `return -EINVAL;`, or `ret = -EINVAL;` with a jump, whatever is said before. */
export const returnsError = (body: readonly Stmt[]): boolean =>
  body.some((each) => each.kind === 'return' && isError(each.value)) ||
  (body.some((each) => each.kind === 'expr' && each.expr.kind === 'assign' && isError(each.expr.value)) &&
    body.some((each) => each.kind === 'jump' && each.form === 'goto'));

/** True where the entry is handed on or looked into; `!entry` alone asks whether there is one. */
function usesAsArgument(test: Expr, name: string): boolean {
  for (const part of allExpressions(test)) {
    if (part.kind === 'call' && part.args.some((arg) => arg.kind === 'id' && arg.name === name)) return true;
    if (part.kind === 'member' && part.object.kind === 'id' && part.object.name === name) return true;
  }
  return false;
}

/** Which bits of each register a step takes away, by leaf. */
type Probe = ReadonlyMap<LeafInput, Readonly<Record<Register, number>>>;

function probe(program: Program, leaves: readonly LeafInput[], step: (entry: Entry) => Entry): Probe {
  return new Map(
    leaves.map((leaf) => {
      const full = step({ ...leaf, eax: ALL, ebx: ALL, ecx: ALL, edx: ALL });
      const taken = Object.fromEntries(
        REGISTERS.map((register) => [register, Number(ALL & ~full[register])]),
      ) as Record<Register, number>;
      for (const register of REGISTERS) checkSingly(program, leaf, register, taken[register], step);
      return [leaf, taken];
    }),
  );
}

/** A bit must be taken away alone as it is together with all others: else it is no mask of bits. */
function checkSingly(
  program: Program,
  leaf: LeafInput,
  register: Register,
  taken: number,
  step: (entry: Entry) => Entry,
): void {
  for (const bit of bitsOf(taken)) {
    const alone = step({ ...blank(leaf), [register]: 1n << BigInt(bit) });
    if (((alone[register] >> BigInt(bit)) & 1n) === 0n) continue;
    throw new DataError({
      where: { file: program.path },
      expected: 'a filter that treats each bit alone',
      found: `leaf 0x${leaf.function.toString(16)} ${register} bit ${bit}, cleared only together with others`,
    });
  }
}

/** An allowlist takes away what it has never heard of. */
function isAllowing(cleared: Probe): boolean {
  for (const [leaf, taken] of cleared)
    if (leaf.function === UNHEARD.function) return REGISTERS.every((register) => taken[register] === 0xffffffff);
  return false;
}

/** Sub-leaves that no code names must be as sub-leaf 0, or untouched: a mask for "all but some" has no place to stand at. */
function checkSubleaves(program: Program, init: CFunction, cleared: Probe, untouched: number): void {
  for (const [leaf, taken] of cleared) {
    if (leaf.index !== UNHEARD.index || isUnheard(leaf)) continue;
    const zero = [...cleared].find(([other]) => other.function === leaf.function && other.index === 0n)?.[1];
    for (const register of REGISTERS)
      if (taken[register] !== untouched && taken[register] !== zero?.[register])
        throw new DataError({
          where: { file: program.path, line: init.line },
          expected: `a filter that names the sub-leaves of leaf 0x${leaf.function.toString(16)} that it treats unlike sub-leaf 0`,
          found: `a mask of ${register} for all others`,
        });
  }
}

const placeOf = (leaf: LeafInput, register: Register): Place => ({
  leaf: Number(leaf.function),
  subleaf: Number(leaf.index),
  register,
});

/** What is taken away by leaf; a sub-leaf that no code names stands for all others and is told apart only where it differs. */
function masksOf(program: Program, init: CFunction, cleared: Probe): readonly PolicyMask[] {
  const masks: PolicyMask[] = [];
  for (const [leaf, taken] of cleared) {
    for (const register of REGISTERS) {
      if (taken[register] === 0) continue;
      if (leaf.function === UNHEARD.function)
        throw new DataError({
          where: { file: program.path, line: init.line },
          expected: 'a filter that names the leaves it denies',
          found: 'bits that are cleared in every leaf',
        });
      if (leaf.index === UNHEARD.index) continue;
      for (const part of byLine(program, init, leaf, register, taken[register]))
        masks.push({ ...placeOf(leaf, register), ...part, path: program.path });
    }
  }
  return masks.sort((a, b) => comparePlaces(a, b) || a.line - b.line);
}

/** The line that clears each bit. */
function byLine(
  program: Program,
  init: CFunction,
  leaf: LeafInput,
  register: Register,
  mask: number,
): readonly { readonly mask: number; readonly line: number }[] {
  const lines = new Map<number, number>();
  for (const bit of bitsOf(mask)) {
    const { lines: hit } = runFunction(program, init, { ...blank(leaf), [register]: 1n << BigInt(bit) });
    const line = hit.get(register) ?? init.line;
    lines.set(line, or(lines.get(line) ?? 0, Number(1n << BigInt(bit))));
  }
  return [...lines].map(([line, part]) => ({ mask: part, line }));
}

/** Bits that no input had and the entry has all the same. */
function addsOf(program: Program, init: CFunction, leaves: readonly LeafInput[]): readonly PolicyMask[] {
  const adds: PolicyMask[] = [];
  for (const leaf of leaves) {
    if (isUnheard(leaf) || leaf.index === UNHEARD.index) continue;
    const { entry, lines } = runFunction(program, init, blank(leaf));
    // Where no sub-leaf is asked for, sub-leaf 0 stands for the leaf.
    const other = runFunction(program, init, blank({ ...leaf, index: UNHEARD.index })).entry;
    for (const register of REGISTERS)
      if (entry[register] !== 0n && (leaf.index === 0n || entry[register] !== other[register]))
        adds.push({
          ...placeOf(leaf, register),
          mask: Number(entry[register]),
          path: program.path,
          line: lines.get(register) ?? init.line,
        });
  }
  return adds.sort(comparePlaces);
}

/** What survives an allowlist, per leaf that the code names. */
function allowed(
  program: Program,
  init: CFunction,
  leaves: readonly LeafInput[],
  cleared: Probe,
): readonly PolicyMask[] {
  return leaves.flatMap((leaf) =>
    leaf.index === UNHEARD.index || leaf.function === UNHEARD.function
      ? []
      : REGISTERS.flatMap((register): readonly PolicyMask[] => {
          const mask = without(0xffffffff, cleared.get(leaf)?.[register] ?? 0);
          return mask === 0 ? [] : [{ ...placeOf(leaf, register), mask, path: program.path, line: init.line }];
        }),
  );
}

/** Bits that make a TD's setup fail, each found by setting it alone. */
function refusedMasks(
  program: Program,
  refusals: readonly Refusal[],
  leaves: readonly LeafInput[],
): readonly (Place & { readonly mask: number })[] {
  return leaves.flatMap((leaf) =>
    leaf.index === UNHEARD.index
      ? []
      : REGISTERS.flatMap((register) => {
          let mask = 0;
          for (let bit = 0; bit < 32; bit += 1) {
            const entry = { ...blank(leaf), [register]: 1n << BigInt(bit) };
            if (refusals.some(({ test, entry: name }) => runCondition(program, test, name, entry)))
              mask = or(mask, Number(1n << BigInt(bit)));
          }
          return mask === 0 ? [] : [{ ...placeOf(leaf, register), mask }];
        }),
  );
}

/** What an allowlist hides from user space it must also refuse where the set-up looks at entries at all. */
function checkRefusal(
  program: Program,
  init: CFunction,
  leaves: readonly LeafInput[],
  cleared: Probe,
  refusals: readonly Refusal[],
): void {
  if (refusals.length === 0) return;
  for (const leaf of leaves) {
    for (const register of REGISTERS) {
      for (let bit = 0; bit < 32; bit += 1) {
        const entry = { ...blank(leaf), [register]: 1n << BigInt(bit) };
        const isRefused = refusals.some(({ test, entry: name }) => runCondition(program, test, name, entry));
        const isHidden = (((cleared.get(leaf)?.[register] ?? 0) >>> bit) & 1) === 1;
        if (isRefused === isHidden) continue;
        throw new DataError({
          where: { file: program.path, line: init.line },
          expected: `KVM_TDX_CAPABILITIES and KVM_TDX_INIT_VM to agree on leaf 0x${leaf.function.toString(16)}, sub-leaf ${leaf.index}, ${register} bit ${bit}`,
          found: isHidden ? 'a bit that is hidden and accepted' : 'a bit that is reported and refused',
        });
      }
    }
  }
}

/** What KVM hides from user space it must also refuse, and the other way round. */
function checkAgreement(
  program: Program,
  init: CFunction,
  clear: readonly PolicyMask[],
  refused: readonly (Place & { readonly mask: number })[],
): void {
  const text = (list: readonly (Place & { readonly mask: number })[]): string => {
    const masks = new Map<string, number>();
    for (const { leaf, subleaf, register, mask } of list) {
      const key = `${leaf.toString(16)}.${subleaf ?? '-'}.${register}`;
      masks.set(key, or(masks.get(key) ?? 0, mask));
    }
    return [...masks].map(([key, mask]) => `${key}:0x${mask.toString(16)}`).join(' ') || 'nothing';
  };
  const [hidden, rejected] = [text(clear), text(refused)];
  if (hidden !== rejected)
    throw new DataError({
      where: { file: program.path, line: init.line },
      expected: `KVM_TDX_CAPABILITIES and KVM_TDX_INIT_VM to agree (the first hides ${hidden})`,
      found: `the second refuses ${rejected}`,
    });
}
