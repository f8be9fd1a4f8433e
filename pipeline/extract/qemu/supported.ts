import type { LeafKey, Register } from '../../model/place.ts';
import type { QemuMask, QemuSupport, QemuWord } from '../../model/qemu.ts';
import type { Expr, Stmt } from '../c/ast.ts';
import { fail } from '../c/cursor.ts';
import { evaluate, evaluate32, type Scope } from '../c/evaluate.ts';
import { bodyOf, type CFunction, type Unit } from '../c/unit.ts';
import { allStatements, inner } from '../c/walk.ts';

type Reading = { readonly unit: Unit; readonly scope: Scope };
/** Registers by the number that QEMU gives them. */
export const BY_NUMBER: readonly Register[] = ['eax', 'ecx', 'edx', 'ebx'];

/**
 * The bits that QEMU takes for supported beside what KVM_GET_SUPPORTED_CPUID reports: `ret |= …` below a test of function,
 * index and register. Of `ret |= host & MASK` the mask counts: where the host lacks a bit no TD has it by other rules.
 */
export function readSupported(reading: Reading): readonly QemuSupport[] {
  const fn = functionOf(reading.unit, 'kvm_arch_get_supported_cpuid');
  return allStatements(bodyOf(reading.unit, fn)).flatMap((statement) => {
    if (statement.kind !== 'if') return [];
    const tests = terms(statement.test, '&&');
    const leaf = numbersOf(reading, tests, 'function')[0];
    const registers = numbersOf(reading, tests, 'reg').map((number) => BY_NUMBER[number] ?? null);
    if (leaf === undefined || registers.length === 0) return [];
    const subleaf = numbersOf(reading, tests, 'index')[0] ?? null;
    return added(reading, statement.then, { isConditional: false }).flatMap((each) =>
      registers.flatMap((register) =>
        register === null
          ? fail(reading.unit.file, statement.at, 'a register R_EAX to R_EDX')
          : [{ ...placeOf({ leaf, subleaf }, register), ...each }],
      ),
    );
  });
}

const placeOf = (key: LeafKey, register: Register) => ({ leaf: key.leaf, subleaf: key.subleaf, register });

type Added = Pick<QemuSupport, 'mask' | 'path' | 'line' | 'isConditional'>;

// What a body adds to `ret`; below a further test only where that holds.
function added(
  reading: Reading,
  body: readonly Stmt[],
  { isConditional }: { readonly isConditional: boolean },
): readonly Added[] {
  return body.flatMap((statement) => {
    const own =
      statement.kind === 'expr'
        ? orInto(statement.expr, (target) => target.kind === 'id' && target.name === 'ret')
        : null;
    const mask = own === null ? null : constantPart(reading, own.value);
    const at = { path: reading.unit.file, line: statement.at.line };
    return [
      ...(mask === null ? [] : [{ mask, ...at, isConditional }]),
      ...inner(statement).flatMap((below) => added(reading, below, { isConditional: true })),
    ];
  });
}

/** The bits that QEMU sets itself where a package of the TD has more than one thread. */
export function readThreadBits(reading: Reading, words: ReadonlyMap<number, QemuWord>): readonly QemuMask[] {
  const fn = functionOf(reading.unit, 'x86_cpu_expand_features');
  return allStatements(bodyOf(reading.unit, fn)).flatMap((statement) => {
    if (statement.kind !== 'if' || !isAboveOne(statement.test)) return [];
    return statement.then.flatMap((each) => {
      const set = each.kind === 'expr' ? orInto(each.expr, isFeatureWord) : null;
      if (set === null || set.target.kind !== 'index') return [];
      const word = words.get(evaluate32(set.target.index, reading.scope));
      if (word === undefined) return fail(reading.unit.file, each.at, 'a word of `feature_word_info[]`');
      const { leaf, subleaf, register } = word;
      return [
        {
          leaf,
          subleaf,
          register,
          mask: evaluate32(set.value, reading.scope),
          path: reading.unit.file,
          line: each.at.line,
        },
      ];
    });
  });
}

const isFeatureWord = (target: Expr): boolean =>
  target.kind === 'index' && target.object.kind === 'member' && target.object.name === 'features';

// `x86_threads_per_pkg(…) > 1`
const isAboveOne = (test: Expr): boolean =>
  test.kind === 'binary' &&
  test.op === '>' &&
  test.left.kind === 'call' &&
  test.left.callee.kind === 'id' &&
  test.left.callee.name === 'x86_threads_per_pkg' &&
  test.right.kind === 'num' &&
  test.right.text === '1';

const orInto = (expr: Expr, is: (target: Expr) => boolean) =>
  expr.kind === 'assign' && expr.op === '|=' && is(expr.target) ? expr : null;

/** A mask, or the constant side of `host & MASK`. */
function constantPart(reading: Reading, value: Expr): number {
  if (value.kind !== 'binary' || value.op !== '&') return evaluate32(value, reading.scope);
  const isVariable = (side: Expr): boolean => side.kind === 'id' && /^[a-z_\d]+$/.test(side.name);
  return evaluate32(isVariable(value.left) ? value.right : value.left, reading.scope);
}

/** The numbers that a name is tested for: `name == A`, or `(name == A || name == B)`. */
function numbersOf({ scope }: Reading, tests: readonly Expr[], name: string): readonly number[] {
  for (const test of tests) {
    const sides = terms(test, '||').map((each) =>
      each.kind === 'binary' && each.op === '==' && each.left.kind === 'id' && each.left.name === name
        ? each.right
        : null,
    );
    const found = sides.filter((side) => side !== null);
    if (found.length === sides.length) return found.map((side) => Number(evaluate(side, scope).value));
  }
  return [];
}

const terms = (expr: Expr, op: string): readonly Expr[] =>
  expr.kind === 'binary' && expr.op === op ? [...terms(expr.left, op), ...terms(expr.right, op)] : [expr];

function functionOf(unit: Unit, name: string): CFunction {
  const fn = unit.functions.get(name)?.[0];
  const [first] = unit.tokens;
  if (fn !== undefined) return fn;
  if (first === undefined) throw new Error(`${unit.file} has no tokens`);
  return fail(unit.file, first, `the function \`${name}\``);
}
