import { DataError } from '../../model/errors.ts';
import { formatBits, or } from '../../model/mask.ts';
import { comparePlaces, REGISTERS, type Register } from '../../model/place.ts';
import type { PolicyMask } from '../../model/policy.ts';
import type { Expr, Stmt } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { bodyOf, type CFunction, functionsNaming, type Unit } from '../c/unit.ts';
import { allStatements, expressionsIn } from '../c/walk.ts';
import type { Filter } from './filter.ts';
import { ALL, blank, type Entry, full, type Leaf, NO_SUBLEAF } from './inputs.ts';
import { namesLookUp } from './masking.ts';
import { ComparedLeaves, comparedLeaves, isUnheard, UNHEARD } from './probe.ts';
import type { Program } from './program.ts';
import { type Choices, explore, type Result, type Root } from './trial.ts';
import { ask } from './view.ts';
import { worldOf } from './world.ts';

/** The loop that sets a TD's CPUID values by the module's configurable leaves. */
export type SetUp = { readonly fn: CFunction; readonly body: readonly Stmt[] };

/** The loops that fill `cpuid_values[]` from entries of user space and the module's `cpuid_configs[]`. */
export function findSetUps(program: Program): readonly SetUp[] {
  const having = ask(program.unit, 'functions with a loop that sets a TD up', (unit) =>
    functionsNaming(unit, namesLookUp).filter((fn) => setUpsIn(unit, fn).length > 0),
  );
  return having.flatMap((fn) => setUpsIn(program.unit, fn));
}

function setUpsIn(unit: Unit, fn: CFunction): readonly SetUp[] {
  const loops = allStatements(bodyOf(unit, fn)).filter((statement) => statement.kind === 'loop');
  return loops.flatMap((loop) => {
    const exprs = expressionsIn(loop.body);
    const isSetUp =
      exprs.some(isConfig) &&
      exprs.some((expr) => isTableOf(expr, /^cpuid_values$/)) &&
      exprs.some((expr) => expr.kind === 'call' && /find_cpuid_entry/.test(nameOf(expr.callee)));
    return isSetUp ? [{ fn, body: loop.body }] : [];
  });
}

const nameOf = (expr: Expr): string => (expr.kind === 'id' || expr.kind === 'member' ? expr.name : '');
const isTableOf = (expr: Expr, name: RegExp): boolean => expr.kind === 'index' && name.test(nameOf(expr.object));
const isConfig = (expr: Expr): boolean => isTableOf(expr, /^cpuid_configs?$/);

/** A leaf of the module behind the one that is tried: a set-up goes over it as well. */
const BEHIND: Entry = { function: 0x87654321n, index: 0n, eax: 1n, ebx: 2n, ecx: 4n, edx: 8n };

/**
 * What the older set-up does, by running it for every leaf that it tells apart: user space's values masked by what the
 * module reports (`mask`), or refused beyond it (`none`), and what it takes away or refuses besides.
 */
export function readSetUp(program: Program, setUp: SetUp): Filter {
  checkConfigs(program);
  const root: Root = { world: worldOf(program.tree, program), unit: program.unit, fn: setUp.fn };
  const run: Turns = { program, root, given: new Map(), compared: new ComparedLeaves() };
  const leaves = comparedLeaves(run.compared, program.path, setUp.fn.line, (leaf) => {
    for (const config of [full(leaf), blank(leaf)])
      for (const user of [blank(leaf), full(leaf), ...singles(leaf).map(({ entry }) => entry)]) turn(run, user, config);
  });
  for (const leaf of leaves) checkNothingAdded(run, leaf);
  const isMasking = leaves.map((leaf) => beyondReport(run, leaf)).every((kind) => kind === 'masked');
  return {
    generation: isMasking ? 'mask' : 'none',
    deny: leaves.flatMap((leaf) => lostMasks(run, leaf)).sort((a, b) => comparePlaces(a, b) || a.line - b.line),
    allow: [],
    adds: [],
    disagreements: [],
    notes: [],
    attributes: null,
    xfam: null,
  };
}

type Turns = {
  readonly program: Program;
  readonly root: Root;
  readonly given: Choices;
  readonly compared: ComparedLeaves;
};

/** What the set-up does with one entry; where the host decides, what it does on each host must be the same. */
function turn({ program, root, given, compared }: Turns, user: Entry, config: Entry): Result {
  const index = user.index === NO_SUBLEAF ? 0n : user.index;
  // Older set-ups look for sub-leaf 0 of every leaf: an entry whose flags ask for no sub-leaf is found by each.
  const inputs = { config, user: { ...user, index }, second: BEHIND, isIndexed: false };
  const outcomes = explore(root, inputs, given, false);
  for (const { result } of outcomes) compared.note(user, result);
  const [first, ...more] = outcomes.map(({ result }) => result).filter(({ isRefused }) => !isRefused);
  const result = first ?? outcomes[0]?.result;
  const isSame = (other: Result): boolean =>
    REGISTERS.every((register) => other.registers[register] === result?.registers[register]);
  if (result === undefined || !more.every(isSame) || (!result.isRefused && !result.goesOn))
    throw new DataError({
      where: { file: program.path, line: root.fn.line },
      expected: 'a loop that goes over all leaves or ends with an error',
      found: `${root.fn.name}(), which does not`,
    });
  return result;
}

/** What happens to bits that the module does not report: all masked, or all refused; anything else is no known generation. */
function beyondReport(run: Turns, leaf: Leaf): 'masked' | 'refused' {
  const outcomes = singles(leaf).map(({ register, bit, entry }) => {
    // All else is reported: a register that is masked by another one's bits shows.
    const unreported = { ...full(leaf), [register]: ALL & ~bit };
    const { isRefused, registers } = turn(run, entry, unreported);
    if (isRefused) return turn(run, entry, full(leaf)).isRefused ? 'always refused' : 'refused';
    return REGISTERS.every((each) => registers[each] === 0n) ? 'masked' : 'passed on';
  });
  const kinds = new Set(outcomes);
  if (!kinds.has('passed on') && !kinds.has('refused') && kinds.has('masked')) return 'masked';
  if (!kinds.has('passed on') && !kinds.has('masked')) return 'refused';
  throw new DataError({
    where: { file: run.program.path, line: run.root.fn.line },
    expected: 'a set-up that masks or refuses what the module does not report as configurable',
    found: `${run.root.fn.name}(), which passes bits of leaf 0x${leaf.function.toString(16)} on`,
  });
}

type Single = { readonly register: Register; readonly bit: bigint; readonly entry: Entry };

const singles = (leaf: Leaf): readonly Single[] =>
  REGISTERS.flatMap((register) =>
    Array.from({ length: 32 }, (_, position): Single => {
      const bit = 1n << BigInt(position);
      return { register, bit, entry: { ...blank(leaf), [register]: bit } };
    }),
  );

/** Bits that the module reports and the set-up refuses or takes away. */
function lostMasks(run: Turns, leaf: Leaf): readonly PolicyMask[] {
  if (leaf.index === NO_SUBLEAF) return [];
  const together = turn(run, full(leaf), full(leaf));
  return REGISTERS.flatMap((register): readonly PolicyMask[] => {
    const lines = new Map<number, number>();
    for (let bit = 0; bit < 32; bit += 1) {
      const entry = { ...blank(leaf), [register]: 1n << BigInt(bit) };
      const alone = turn(run, entry, entry);
      const isLost = alone.isRefused || alone.registers[register] === 0n;
      const isLostTogether = together.isRefused || ((together.registers[register] >> BigInt(bit)) & 1n) === 0n;
      if (isLost !== isLostTogether && !together.isRefused) failTogether(run, leaf, register, bit);
      if (!isLost) continue;
      const at = alone.isRefused ? alone.refusedAt : alone.changedAt[register];
      const line = at?.line ?? run.root.fn.line;
      lines.set(line, or(lines.get(line) ?? 0, Number(1n << BigInt(bit))));
    }
    return [...lines].map(([line, mask]) => maskAt(run, leaf, register, mask, line));
  });
}

// biome-ignore lint/complexity/useMaxParams: a run, a mask in its three parts, and the line that shows it.
function maskAt({ program, root }: Turns, leaf: Leaf, register: Register, mask: number, line: number): PolicyMask {
  if (isUnheard(leaf) || leaf.index === UNHEARD.index)
    throw new DataError({
      where: { file: program.path, line: root.fn.line },
      expected: 'a set-up that names the leaves and sub-leaves it masks by itself',
      found: `${register}${formatBits(mask)}, taken away from ${isUnheard(leaf) ? 'every leaf' : 'every sub-leaf'}`,
    });
  return { leaf: Number(leaf.function), subleaf: Number(leaf.index), register, mask, path: program.path, line };
}

function failTogether({ program, root }: Turns, leaf: Leaf, register: string, bit: number): never {
  throw new DataError({
    where: { file: program.path, line: root.fn.line },
    expected: 'a set-up that treats each bit alone',
    found: `leaf 0x${leaf.function.toString(16)} ${register} bit ${bit}, treated otherwise together with others`,
  });
}

/** A bit that user space did not set would be set for every TD: nothing here says so. */
function checkNothingAdded(run: Turns, leaf: Leaf): void {
  const { isRefused, registers } = turn(run, blank(leaf), full(leaf));
  if (!isRefused && REGISTERS.every((register) => registers[register] === 0n)) return;
  throw new DataError({
    where: { file: run.program.path, line: run.root.fn.line },
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
