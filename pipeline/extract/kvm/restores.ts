import { DataError } from '../../model/errors.ts';
import { compareTexts } from '../../model/order.ts';
import type { Restore } from '../../model/policy.ts';
import type { Expr } from '../c/ast.ts';
import { bodyOf, type CFunction, functionsNaming, initialiserOf, type Unit } from '../c/unit.ts';
import { allExpressions, expressionsIn } from '../c/walk.ts';

/** Writes of host state that do not name their MSR in an argument. */
const WRITERS: Readonly<Record<string, string | undefined>> = {
  update_debugctlmsr: 'MSR_IA32_DEBUGCTLMSR',
  wrpkru: 'PKRU',
  write_pkru: 'PKRU',
};
const MSR_WRITE = /^(native_)?(wrmsr|write_msr)(l|q|_safe|l_safe|q_safe)?$/;

/**
 * The host state that KVM restores after TDH.VP.ENTER: the MSRs of the array of user-return MSRs, and what the functions
 * write that run after the guest or before the switch to the host. Only a write of a saved host value counts.
 */
export function readRestores(unit: Unit): readonly Restore[] {
  const roots = [...unit.functions.values()]
    .flat()
    .filter(({ name }) => /^tdx_vcpu_run$|prepare_switch_to_host$/.test(name));
  if (roots.length === 0)
    throw new DataError({
      where: { file: unit.file, line: 1 },
      expected: 'the functions tdx_vcpu_run and tdx_prepare_switch_to_host',
      found: 'neither',
    });
  const found = [
    ...userReturnMsrs(unit),
    ...userReturnSlots(unit),
    ...roots.flatMap((root) => writesOf(unit, root, new Set())),
  ];
  const unique = new Map(found.map((restore) => [`${restore.msr} ${restore.by}`, restore]));
  return [...unique.values()].sort((a, b) => compareTexts(a.msr, b.msr) || compareTexts(a.by, b.by));
}

/** An array whose elements name an MSR in `.msr`: they are restored on the way back to user space. */
function userReturnMsrs(unit: Unit): readonly Restore[] {
  return [...unit.objects.values()].flatMap((object) => {
    if (!/uret_msrs/.test(object.name)) return [];
    const value = initialiserOf(unit, object);
    if (value.kind !== 'init') return [];
    return value.items.flatMap((item): readonly Restore[] => {
      const parts = item.value.kind === 'init' ? item.value.items : [item];
      const msr = parts.map((part) => part.value).find((part) => part.kind === 'id' && /^MSR_/.test(part.name));
      return msr?.kind === 'id' ? [{ msr: msr.name, by: object.name, path: unit.file, line: item.at.line }] : [];
    });
  });
}

/**
 * `slot = kvm_find_user_return_msr(MSR_X)` in one place and `kvm_user_return_update_cache(slot, …)` in another: what the
 * module changed comes back on the way to user space.
 */
function userReturnSlots(unit: Unit): readonly Restore[] {
  const calls = functionsNaming(unit, (name) => name.includes('user_return')).flatMap((fn) =>
    [...expressionsIn(bodyOf(unit, fn))].map((expr) => ({ fn, expr })),
  );
  const slots = new Map<string, string>();
  for (const { expr } of calls) {
    if (expr.kind !== 'assign' || expr.target.kind !== 'id' || expr.value.kind !== 'call') continue;
    const { callee, args } = expr.value;
    const [msr] = args;
    if (callee.kind === 'id' && /_user_return_msr$/.test(callee.name) && msr?.kind === 'id' && /^MSR_/.test(msr.name))
      slots.set(expr.target.name, msr.name);
  }
  return calls.flatMap(({ fn, expr }): readonly Restore[] => {
    if (
      expr.kind !== 'call' ||
      expr.callee.kind !== 'id' ||
      !/user_return.*update_cache$|^(__)?kvm_set_user_return_msr$/.test(expr.callee.name)
    )
      return [];
    const [slot] = expr.args;
    const msr = slot?.kind === 'id' ? slots.get(slot.name) : undefined;
    return msr === undefined ? [] : [{ msr, by: fn.name, path: unit.file, line: expr.at.line }];
  });
}

function writesOf(unit: Unit, fn: CFunction, seen: Set<string>): readonly Restore[] {
  if (seen.has(fn.name)) return [];
  seen.add(fn.name);
  const restores: Restore[] = [];
  for (const expr of expressionsIn(bodyOf(unit, fn))) {
    if (expr.kind !== 'call' || expr.callee.kind !== 'id') continue;
    const msr = writtenState(expr.callee.name, expr.args);
    if (msr !== null && expr.args.some(namesHost))
      restores.push({ msr, by: fn.name, path: unit.file, line: expr.at.line });
    for (const callee of unit.functions.get(expr.callee.name) ?? []) restores.push(...writesOf(unit, callee, seen));
  }
  return restores;
}

function writtenState(name: string, args: readonly Expr[]): string | null {
  const [first] = args;
  if (MSR_WRITE.test(name)) return first?.kind === 'id' ? first.name : null;
  if (name === 'xsetbv') return 'XCR0';
  return WRITERS[name] ?? null;
}

/** The value comes from where the host's was saved. */
function namesHost(expr: Expr): boolean {
  for (const part of allExpressions(expr))
    if ((part.kind === 'id' || part.kind === 'member') && /host/.test(part.name)) return true;
  return false;
}
