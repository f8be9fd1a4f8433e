import type { Cpuid2Ask, Cpuid2Facts, Cpuid2Place, Cpuid2Question, Cpuid2Site } from '../../model/cpuid2.ts';
import { compareTexts } from '../../model/order.ts';
import type { Expr, Stmt } from '../c/ast.ts';
import { bodyOf, type CFunction, readUnit, type Unit } from '../c/unit.ts';
import { allExpressions, allStatements, expressionsIn, expressionsOf } from '../c/walk.ts';

const ROOM = 'arch/x86/kvm/';
const TDX_FILE = 'vmx/tdx.c';
/** Names by which KVM asks what KVM_SET_CPUID2 said of a vCPU. */
const ASK =
  /^(?:guest_cpu_cap_has|guest_cpuid_\w+|guest_pv_has|guest_has_\w+_msr|guest_can_use|cpuid_(?:maxphyaddr|query_max\w*)|kvm_find_cpuid_entry(?:_index)?|kvm_vcpu_is_(?:legal|illegal)_\w+|kvm_apic_set_base|reserved_gpa_bits|guest_supported_\w+|pv_cpuid|cpu_caps)$/;

/** The files that the questions name, with KVM's own file for TDs. */
export const cpuid2Paths = (questions: readonly Cpuid2Question[]): readonly string[] => [
  ...new Set(
    [TDX_FILE, ...questions.flatMap(({ asks, guards }) => [...asks, ...guards.flat()].map(({ path }) => path))].map(
      (path) => ROOM + path,
    ),
  ),
];

/**
 * Where one kernel asks each question, and what keeps the answer from a TD. A guard counts where a condition that leaves the
 * function names it, in the function that asks only before it does. A DataError for a file that is no C.
 */
export function readCpuid2(
  files: ReadonlyMap<string, string>,
  questions: readonly Cpuid2Question[],
): Pick<Cpuid2Facts, 'asks' | 'unlisted'> {
  const units = new Map<string, Unit>();
  const unitOf = (path: string): Unit | null => {
    const text = files.get(ROOM + path);
    const known = units.get(path) ?? (text === undefined ? undefined : readUnit(ROOM + path, text));
    if (known !== undefined) units.set(path, known);
    return known ?? null;
  };
  const asks = questions.flatMap((question): readonly Cpuid2Ask[] => {
    const at = firstOf(question.asks, (site) => askedAt(unitOf, site));
    if (at === null) return [];
    const guard = firstOf(question.guards, (all) => wholeGuard(unitOf, all, at));
    return [{ question: question.id, at, guard }];
  });
  return { asks, unlisted: unlistedIn(unitOf(TDX_FILE), questions) };
}

type UnitOf = (path: string) => Unit | null;

function firstOf<S, T>(alternatives: readonly S[], find: (each: S) => T | null): T | null {
  for (const each of alternatives) {
    const found = find(each);
    if (found !== null) return found;
  }
  return null;
}

const functionsOf = (unit: Unit | null, name: string): readonly CFunction[] => unit?.functions.get(name) ?? [];
const names = (expr: Expr, word: string): boolean =>
  (expr.kind === 'id' || expr.kind === 'member') && expr.name === word;
const mentions = (expr: Expr, word: string): boolean => [...allExpressions(expr)].some((part) => names(part, word));

/** The first place in the function where the word stands. */
function askedAt(unitOf: UnitOf, { path, function: name, word }: Cpuid2Site): Cpuid2Place | null {
  const unit = unitOf(path);
  for (const fn of functionsOf(unit, name))
    for (const expr of unit === null ? [] : expressionsIn(bodyOf(unit, fn)))
      if (names(expr, word)) return { path: ROOM + path, function: name, line: expr.at.line };
  return null;
}

/** The first of sites that have to stand together; null where one is missing. */
function wholeGuard(unitOf: UnitOf, sites: readonly Cpuid2Site[], ask: Cpuid2Place): Cpuid2Place | null {
  const found = sites.map((site) => guardedAt(unitOf, site, ask));
  return found.includes(null) ? null : (found[0] ?? null);
}

function guardedAt(unitOf: UnitOf, site: Cpuid2Site, ask: Cpuid2Place): Cpuid2Place | null {
  if (site.isCall) return askedAt(unitOf, site);
  const unit = unitOf(site.path);
  for (const fn of functionsOf(unit, site.function)) {
    const body = unit === null ? [] : bodyOf(unit, fn);
    const found = [...allStatements(body)].find(
      (statement) => statement.kind === 'if' && leaves(statement.then) && mentions(statement.test, site.word),
    );
    if (found === undefined) continue;
    const place = { path: ROOM + site.path, function: site.function, line: found.at.line };
    const isSame = place.path === ask.path && place.function === ask.function;
    if (!isSame || place.line < ask.line) return place;
  }
  return null;
}

/** Whether a branch ends the function: its last statement returns, or jumps to where it ends. */
function leaves(body: readonly Stmt[]): boolean {
  const last = body.at(-1);
  if (last?.kind === 'block') return leaves(last.body);
  return last?.kind === 'return' || (last?.kind === 'jump' && last.form === 'goto');
}

/** Asks of KVM's own file for TDs in functions for which no question names the word. */
function unlistedIn(unit: Unit | null, questions: readonly Cpuid2Question[]): Cpuid2Facts['unlisted'] {
  if (unit === null) return [];
  const listed = new Set(
    questions
      .flatMap(({ asks, guards }) => [...asks, ...guards.flat()])
      .filter(({ path }) => path === TDX_FILE)
      .map(({ function: name, word }) => `${name} ${word}`),
  );
  const found = [...unit.functions.values()]
    .flat()
    .flatMap((fn) =>
      [...allStatements(bodyOf(unit, fn))].flatMap((statement) =>
        expressionsOf(statement).flatMap((whole) =>
          [...allExpressions(whole)].flatMap((expr) =>
            (expr.kind === 'id' || expr.kind === 'member') &&
            ASK.test(expr.name) &&
            !listed.has(`${fn.name} ${expr.name}`)
              ? [{ path: unit.file, function: fn.name, line: expr.at.line, word: expr.name }]
              : [],
          ),
        ),
      ),
    );
  return found.sort((a, b) => a.line - b.line || compareTexts(a.word, b.word));
}
