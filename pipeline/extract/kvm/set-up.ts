import { DataError } from '../../model/errors.ts';
import { formatBits, or } from '../../model/mask.ts';
import { comparePlaces, REGISTERS, type Register } from '../../model/place.ts';
import type { PolicyMask } from '../../model/policy.ts';
import type { Expr, Stmt } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { bodyOf, type CFunction } from '../c/unit.ts';
import { allStatements, expressionsIn } from '../c/walk.ts';
import type { Filter } from './filter.ts';
import { runTurn } from './interpret.ts';
import { blank, isUnheard, type LeafInput, leavesCompared, UNHEARD } from './leaves.ts';
import { ALL, full } from './probe.ts';
import type { Program } from './program.ts';
import { type Compared, type Entry, type Slot, slotOf } from './values.ts';

/** The loop that sets a TD's CPUID values by the module's configurable leaves. */
export type SetUp = { readonly fn: CFunction; readonly body: readonly Stmt[] };

/** What the module reports for a leaf without sub-leaves: the code looks for sub-leaf 0. */
const NO_SUBLEAF = 0xffffffffn;

/** The loops that fill `cpuid_values[]` from entries of user space and the module's `cpuid_configs[]`. */
export function findSetUps(program: Program): readonly SetUp[] {
  return [...program.unit.functions.values()].flat().flatMap((fn) => {
    const body = bodyOf(program.unit, fn);
    const loops = [...allStatements(body)].filter((statement) => statement.kind === 'loop');
    return loops.flatMap((loop) => {
      const exprs = [...expressionsIn(loop.body)];
      const isSetUp =
        exprs.some(isConfig) &&
        exprs.some((expr) => isTableOf(expr, /^cpuid_values$/)) &&
        exprs.some((expr) => expr.kind === 'call' && /find_cpuid_entry/.test(nameOf(expr.callee)));
      return isSetUp ? [{ fn, body: loop.body }] : [];
    });
  });
}

const nameOf = (expr: Expr): string => (expr.kind === 'id' || expr.kind === 'member' ? expr.name : '');
const isTableOf = (expr: Expr, name: RegExp): boolean => expr.kind === 'index' && name.test(nameOf(expr.object));
const isConfig = (expr: Expr): boolean => isTableOf(expr, /^cpuid_configs?$/);

/**
 * What the older set-up does, by running its loop for every leaf that it tells apart: user space's values masked by what
 * the module reports (`mask`), or refused beyond it (`none`), and what it takes away or refuses besides.
 */
export function readSetUp(program: Program, setUp: SetUp): Filter {
  checkConfigs(program);
  const keys: Compared = { function: new Set(), index: new Set([0n]) };
  const leaves = leavesCompared(program, setUp.fn.line, keys, (entry) => {
    for (const config of [full(entry), blank(entry)]) {
      const { compared } = turn(program, setUp, entry, config);
      for (const value of compared.function) keys.function.add(value);
      for (const value of compared.index) keys.index.add(value);
    }
  });
  for (const leaf of leaves) checkNothingAdded(program, setUp, leaf);
  const isMasking = leaves.map((leaf) => beyondReport(program, setUp, leaf)).every((kind) => kind === 'masked');
  return {
    generation: isMasking ? 'mask' : 'none',
    deny: leaves
      .flatMap((leaf) => lostMasks(program, setUp, leaf))
      .sort((a, b) => comparePlaces(a, b) || a.line - b.line),
    allow: [],
    adds: [],
    notes: [],
  };
}

type Turn = { readonly isRefused: boolean; readonly value: Slot; readonly compared: Compared };

function turn(program: Program, { body }: SetUp, entry: Entry, config: Entry): Turn {
  // The parameters of a TD start zeroed.
  const value = slotOf(blank({ function: entry.function, index: entry.index }));
  const { isRefused, compared } = runTurn(program, body, { found: slotOf(entry), config: slotOf(config), value });
  return { isRefused, value, compared };
}

/** What happens to bits that the module does not report: all masked, or all refused; anything else is no known generation. */
function beyondReport(program: Program, setUp: SetUp, leaf: LeafInput): 'masked' | 'refused' {
  const outcomes = singles(leaf).map(({ register, bit, entry }) => {
    // All else is reported: a register that is masked by another one's bits shows.
    const unreported = { ...full(leaf), [register]: ALL & ~bit };
    const { isRefused, value } = turn(program, setUp, entry, unreported);
    if (isRefused) return turn(program, setUp, entry, full(leaf)).isRefused ? 'always refused' : 'refused';
    return REGISTERS.every((each) => value.entry[each] === 0n) ? 'masked' : 'passed on';
  });
  const kinds = new Set(outcomes);
  if (!kinds.has('passed on') && !kinds.has('refused') && kinds.has('masked')) return 'masked';
  if (!kinds.has('passed on') && !kinds.has('masked')) return 'refused';
  throw new DataError({
    where: { file: program.path, line: setUp.fn.line },
    expected: 'a set-up that masks or refuses what the module does not report as configurable',
    found: `${setUp.fn.name}(), which passes bits of leaf 0x${leaf.function.toString(16)} on`,
  });
}

type Single = { readonly register: Register; readonly bit: bigint; readonly entry: Entry };

const singles = (leaf: LeafInput): readonly Single[] =>
  REGISTERS.flatMap((register) =>
    Array.from({ length: 32 }, (_, position): Single => {
      const bit = 1n << BigInt(position);
      return { register, bit, entry: { ...blank(leaf), [register]: bit } };
    }),
  );

/** Bits that the module reports and the set-up refuses or takes away. */
function lostMasks(program: Program, setUp: SetUp, leaf: LeafInput): readonly PolicyMask[] {
  const together = turn(program, setUp, full(leaf), full(leaf));
  return REGISTERS.flatMap((register): readonly PolicyMask[] => {
    const lines = new Map<number, number>();
    for (let bit = 0; bit < 32; bit += 1) {
      const entry = { ...blank(leaf), [register]: 1n << BigInt(bit) };
      const alone = turn(program, setUp, entry, entry);
      const isLost = alone.isRefused || alone.value.entry[register] === 0n;
      const isLostTogether = together.isRefused || ((together.value.entry[register] >> BigInt(bit)) & 1n) === 0n;
      if (isLost !== isLostTogether && !together.isRefused) failTogether(program, setUp, leaf, register, bit);
      if (!isLost) continue;
      const line = alone.value.lines.get(register) ?? setUp.fn.line;
      lines.set(line, or(lines.get(line) ?? 0, Number(1n << BigInt(bit))));
    }
    if (lines.size === 0 || leaf.index === NO_SUBLEAF) return [];
    return [...lines].map(([line, mask]) => maskAt(program, setUp, leaf, register, mask, line));
  });
}

function maskAt(
  program: Program,
  { fn }: SetUp,
  leaf: LeafInput,
  register: Register,
  mask: number,
  line: number,
): PolicyMask {
  if (isUnheard(leaf) || leaf.index === UNHEARD.index)
    throw new DataError({
      where: { file: program.path, line: fn.line },
      expected: 'a set-up that names the leaves and sub-leaves it masks by itself',
      found: `${register}${formatBits(mask)}, taken away from ${isUnheard(leaf) ? 'every leaf' : 'every sub-leaf'}`,
    });
  return { leaf: Number(leaf.function), subleaf: Number(leaf.index), register, mask, path: program.path, line };
}

function failTogether(program: Program, { fn }: SetUp, leaf: LeafInput, register: string, bit: number): never {
  throw new DataError({
    where: { file: program.path, line: fn.line },
    expected: 'a set-up that treats each bit alone',
    found: `leaf 0x${leaf.function.toString(16)} ${register} bit ${bit}, treated otherwise together with others`,
  });
}

/** A bit that user space did not set would be set for every TD: nothing here says so. */
function checkNothingAdded(program: Program, setUp: SetUp, leaf: LeafInput): void {
  const { isRefused, value } = turn(program, setUp, blank(leaf), full(leaf));
  if (!isRefused && REGISTERS.every((register) => value.entry[register] === 0n)) return;
  throw new DataError({
    where: { file: program.path, line: setUp.fn.line },
    expected: 'a set-up that only passes on what user space set',
    found: `leaf 0x${leaf.function.toString(16)}, where an entry without bits is ${isRefused ? 'refused' : 'changed'}`,
  });
}

/** The module's leaves must reach the set-up as the module reports them: no mask where they are stored, no other hands. */
function checkConfigs(program: Program): void {
  for (const fn of [...program.unit.functions.values()].flat()) {
    const body = bodyOf(program.unit, fn);
    const names = configNames(body);
    for (const expr of expressionsIn(body)) {
      if (expr.kind === 'assign' && isRegisterOf(expr.target, names) && (expr.op !== '=' || !isCopy(expr.value)))
        fail(program.path, expr.at, 'a copy of what the module reports', 'KVM changes the configurable bits here');
      if (
        expr.kind === 'call' &&
        !/^(memcpy|copy_to_user)$/.test(nameOf(expr.callee)) &&
        expr.args.some(isConfigOf(names))
      )
        fail(program.path, expr.at, 'the module’s leaves used in place', `${nameOf(expr.callee)}() may change them`);
    }
  }
}

/** Variables that point into `cpuid_configs[]`. */
function configNames(body: readonly Stmt[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const statement of allStatements(body))
    if (statement.kind === 'decl' && statement.init !== null && isPointer(statement.init)) names.add(statement.name);
  for (const expr of expressionsIn(body))
    if (expr.kind === 'assign' && expr.target.kind === 'id' && isPointer(expr.value)) names.add(expr.target.name);
  return names;
}

const isPointer = (expr: Expr): boolean => expr.kind === 'unary' && expr.op === '&' && isConfig(expr.operand);
const isConfigOf =
  (names: ReadonlySet<string>) =>
  (expr: Expr): boolean =>
    isPointer(expr) || (expr.kind === 'id' && names.has(expr.name));
const isRegisterOf = (target: Expr, names: ReadonlySet<string>): boolean =>
  target.kind === 'member' &&
  REGISTERS.some((register) => register === target.name) &&
  (isConfig(target.object) || (target.object.kind === 'id' && names.has(target.object.name)));

/** A value or the half of one, taken as it is. */
const isCopy = (expr: Expr): boolean =>
  expr.kind === 'cast'
    ? isCopy(expr.operand)
    : expr.kind === 'binary'
      ? expr.op === '>>' && isCopy(expr.left) && expr.right.kind === 'num'
      : expr.kind === 'id' || expr.kind === 'member' || expr.kind === 'index';
