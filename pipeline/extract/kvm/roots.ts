import { DataError } from '../../model/errors.ts';
import type { Expr } from '../c/ast.ts';
import { bodyOf, type CFunction, functionsNaming, type Unit } from '../c/unit.ts';
import { allExpressions, allStatements, expressionsIn } from '../c/walk.ts';
import { hasParam } from './trial.ts';
import { ask } from './view.ts';

/** The functions that KVM_TDX_CAPABILITIES and KVM_TDX_INIT_VM lead to, as far up as they can be run. */
export type Roots = {
  /** Fills the entries that are reported; null where the tree has another form. */
  readonly shown: CFunction | null;
  /** Takes user space's entries, and gives the TD its values. */
  readonly setUp: CFunction;
};

const all = (unit: Unit): readonly CFunction[] => [...unit.functions.values()].flat();

/** Finds both by what they do. Throws a DataError where there is none, or more than one. */
export function findRoots(unit: Unit): Roots {
  const fills = ask(unit, 'functions that fill an entry', (own) =>
    functionsNaming(own, (name) => name === 'cpuid_config_values').filter((fn) => fillsEntry(own, fn)),
  );
  const caps = ask(unit, 'functions that are given capabilities', (own) =>
    all(own).filter((fn) => hasParam({ unit: own, fn }, 'kvm_tdx_capabilities')),
  ).filter((fn) => reaches(unit, fn, fills));
  const entries = fills.filter((fn) => hasParam({ unit, fn }, 'kvm_cpuid_entry2'));
  const [shown = null, ...more] = caps.length > 0 ? caps : entries;
  const inner = ask(unit, 'functions that take entries', (own) =>
    functionsNaming(own, (name) => name === 'cpuid_values').filter((fn) => takesEntries(own, fn)),
  );
  const outer = inner.map((fn) => outermost(unit, fn));
  const [setUp, ...others] = [...new Set(outer)];
  if (setUp === undefined || others.length > 0 || more.length > 0) {
    const found = [...(shown === null ? [] : [shown]), ...more, ...outer].map(
      ({ name, line }) => `${name}() (line ${line})`,
    );
    throw new DataError({
      where: { file: unit.file, line: others[0]?.line ?? more[0]?.line ?? shown?.line ?? 1 },
      expected: 'one way in which this KVM filters the configurable bits',
      found: setUp === undefined ? 'none: the tree matches no known generation' : found.join(', '),
      hint: 'declare the policy by hand in specs/kvm/ where the code is of another kind',
    });
  }
  checkAbove(unit, setUp);
  return { shown, setUp };
}

/** Copies the module's `cpuid_config_values` into the registers of an entry. */
function fillsEntry(unit: Unit, fn: CFunction): boolean {
  let [writes, reads] = [false, false];
  for (const expr of expressionsIn(bodyOf(unit, fn))) {
    if (expr.kind === 'assign' && expr.target.kind === 'member' && expr.target.name === 'eax') writes = true;
    if (expr.kind === 'member' && expr.name === 'cpuid_config_values') reads = true;
  }
  return writes && reads;
}

/** Looks entries up, or goes over them, and writes to `cpuid_values`. */
function takesEntries(unit: Unit, fn: CFunction): boolean {
  for (const expr of expressionsIn(bodyOf(unit, fn)))
    if (expr.kind === 'index' && expr.object.kind === 'member' && expr.object.name === 'cpuid_values') return true;
  return false;
}

const called = new WeakMap<CFunction, ReadonlySet<string>>();

function calledIn(unit: Unit, fn: CFunction): ReadonlySet<string> {
  const known = called.get(fn);
  if (known !== undefined) return known;
  const names = new Set<string>();
  for (const expr of expressionsIn(bodyOf(unit, fn)))
    if (expr.kind === 'call' && expr.callee.kind === 'id') names.add(expr.callee.name);
  called.set(fn, names);
  return names;
}

function reaches(unit: Unit, fn: CFunction, targets: readonly CFunction[]): boolean {
  const seen = new Set<CFunction>();
  const visit = (at: CFunction): boolean => {
    if (seen.has(at)) return false;
    seen.add(at);
    if (targets.includes(at)) return true;
    return [...calledIn(unit, at)].some((name) => (unit.functions.get(name) ?? []).some(visit));
  };
  return visit(fn);
}

const callersOf = (unit: Unit, fn: CFunction): readonly CFunction[] =>
  ask(unit, `functions that call ${fn.name}`, (own) =>
    functionsNaming(own, (name) => name === fn.name).filter((each) => calledIn(own, each).has(fn.name)),
  ).filter((each) => each !== fn);

/** The function above it that is given all that user space asks for, if there is one. */
function outermost(unit: Unit, fn: CFunction): CFunction {
  const [caller, ...more] = callersOf(unit, fn).filter((each) => hasParam({ unit, fn: each }, 'kvm_tdx_init_vm'));
  return caller === undefined || more.length > 0 ? fn : outermost(unit, caller);
}

/** What stands above cannot be run: it must not look into the entries of user space itself. */
function checkAbove(unit: Unit, root: CFunction, seen = new Set<CFunction>()): void {
  for (const caller of callersOf(unit, root)) {
    if (seen.has(caller)) continue;
    seen.add(caller);
    for (const statement of allStatements(bodyOf(unit, caller)))
      if (statement.kind === 'loop')
        for (const expr of expressionsIn([statement]))
          if (expr.kind === 'index' && expr.object.kind === 'member' && expr.object.name === 'entries')
            throw new DataError({
              where: { file: unit.file, line: expr.at.line },
              expected: `a check of user space’s entries in ${root.name}() or below it`,
              found: `one in ${caller.name}(), which cannot be run`,
            });
    checkAbove(unit, caller, seen);
  }
}

/** Whether a function, or one that it calls, names a member. */
export function mentionsMember(unit: Unit, fn: CFunction, name: string, seen = new Set<CFunction>()): boolean {
  if (seen.has(fn)) return false;
  seen.add(fn);
  for (const expr of expressionsIn(bodyOf(unit, fn))) if (isMember(expr, name)) return true;
  return [...calledIn(unit, fn)].some((each) =>
    (unit.functions.get(each) ?? []).some((inner) => mentionsMember(unit, inner, name, seen)),
  );
}

function isMember(expr: Expr, name: string): boolean {
  for (const part of allExpressions(expr)) if (part.kind === 'member' && part.name === name) return true;
  return false;
}
