import type { FlagBits, MsrTransition, WrittenBy } from '../../../model/clobber.ts';
import { hex } from '../../../model/mask.ts';
import type { Expr } from '../../c/ast.ts';
import { assemblyOf, callGraph, findPrimitives, type Primitive, XCRS } from './call-graph.ts';
import { asWrites, type MsrView, type Write } from './exit-kind.ts';
import { bare, show } from './expression.ts';
import type { Paths } from './paths.ts';
import { collectStores } from './stores.ts';
import { trace } from './trace.ts';
import { transitionsOf, VMCS_LOADS } from './transitions.ts';
import { type Bodies, constantOf, type Tree } from './tree.ts';

/** Registers that MOV names, and what stands for VMPTRLD; no encoding of a VMCS field is as large. */
const MOVES: ReadonlyMap<string, number> = new Map(
  ['cr2', 'dr0', 'dr1', 'dr2', 'dr3', 'dr6'].map((name, index) => [name, 0x10000000 + index] as const),
);
const CURRENT_VMCS = 0x20000000;

type Derivation = {
  readonly tree: Tree;
  readonly bodies: Bodies;
  readonly paths: Paths;
  readonly flags: readonly FlagBits[];
  readonly msrPrimitives: ReadonlyMap<string, Primitive>;
  readonly rootArguments: MsrView['rootArguments'];
};

type Addressed = Write & { readonly address: Expr; readonly by: string };

/**
 * What a TD leaves in registers that no WRMSR writes: CR2 and the debug registers by MOV, XCR0 by XSETBV, and the guest fields of
 * the VMCS that SEAMRET loads, which is the one that is made current last on the way out.
 */
export function deriveBeside({
  tree,
  bodies,
  paths,
  flags,
  msrPrimitives,
  rootArguments,
}: Derivation): readonly MsrTransition[] {
  const { primitives: xcrs } = findPrimitives(tree, XCRS);
  const own = new Map([...xcrs, ...otherPrimitives(tree)]);
  const primitives = new Map([...msrPrimitives, ...own]);
  const context = { tree, bodies, graph: callGraph(tree, primitives), primitives };
  const isOwn = ({ by }: Addressed): boolean => own.has(by);
  const [entry, exit] = [trace(context, paths.entry).events, trace(context, paths.exit).events];
  const [ins, outs] = [asWrites(entry).filter(isOwn), asWrites(exit).filter(isOwn)];
  const stores = collectStores(tree, bodies, entry, exit);
  const at = (writes: readonly Addressed[], number: number, isXcr: boolean): readonly Write[] =>
    writes.filter(
      (write) => xcrs.has(write.by) === isXcr && Number(constantOf(tree, bare(write.address)) ?? -1n) === number,
    );
  const rows = (name: string, by: WrittenBy, number: number): readonly MsrTransition[] => {
    const isXcr = by === 'xsetbv';
    const view: MsrView = {
      tree,
      primitives: isXcr ? xcrs : own,
      stores,
      msr: { name, address: number, isRange: false },
      rootArguments,
    };
    return transitionsOf(view, flags, at(ins, number, isXcr), at(outs, number, isXcr)).map((row) => ({
      ...row,
      address: null,
      by,
    }));
  };
  const seam = afterLastVmcs(tree, outs);
  return [
    ...asRanges([...MOVES].flatMap(([name, number]) => rows(name.toUpperCase(), 'mov', number))),
    ...rows('XCR0', 'xsetbv', 0),
    ...guestFields(tree).flatMap(([name, number]) => {
      const writes = at(seam, number, false);
      const view: MsrView = {
        tree,
        primitives: own,
        stores,
        msr: { name, address: number, isRange: false },
        rootArguments,
      };
      return transitionsOf(view, flags, [], writes).map(
        (row): MsrTransition => ({ ...row, ...keptBits(tree, writes), address: null, by: 'vmcs' }),
      );
    }),
  ];
}

/** The address registers as one row, `DR0` of a range, where all are left alike. */
function asRanges(rows: readonly MsrTransition[]): readonly MsrTransition[] {
  const [first, ...others] = rows.filter(({ msr }) => /^DR[0-3]$/.test(msr));
  const shape = ({ exit, exitValue, guard, reason }: MsrTransition): string =>
    JSON.stringify([exit, exitValue ?? null, guard, reason]);
  if (first === undefined || others.length !== 3 || others.some((row) => shape(row) !== shape(first))) return rows;
  const all = [first, ...others];
  const range: MsrTransition = {
    ...first,
    range: true,
    entry: all.flatMap(({ entry }) => entry),
    exitAt: all.flatMap(({ exitAt }) => exitAt),
  };
  return [...rows.filter(({ msr }) => !/^DR[0-3]$/.test(msr)), range];
}

/**
 * MSRs and what lies beside them: SEAMRET loads an MSR from the VMCS after the last WRMSR, with what the way out wrote there, or
 * with the host's value that SEAMCALL left in the field.
 */
export function withBeside(msrs: readonly MsrTransition[], beside: readonly MsrTransition[]): readonly MsrTransition[] {
  const fields = beside.filter(({ by }) => by === 'vmcs');
  const loaded = msrs.map((row): MsrTransition => {
    if (row.exit !== 'unknown' || row.exitAt.length > 0 || fields.length === 0 || !isOfVmcs(row)) return row;
    const own = fields.filter(({ msr }) => msr === row.msr);
    const field = own.find(({ guard }) => guard === row.guard);
    if (field === undefined) {
      const guard = guardBeside(row.guard, own);
      const reason = 'the VMCS field that SEAMRET loads keeps the host’s value';
      return guard === undefined ? row : { ...row, guard, exit: 'restored', by: 'vmcs', reason };
    }
    const { exit, exitValue, keepsBits, by, reason, exitAt } = field;
    return {
      ...row,
      exit,
      ...(exitValue === undefined ? {} : { exitValue }),
      ...(keepsBits === undefined ? {} : { keepsBits }),
      ...(by === undefined ? {} : { by }),
      reason,
      exitAt,
    };
  });
  const told = new Set(loaded.map(({ msr, guard }) => `${msr} ${guard ?? ''}`));
  const known = new Map(msrs.map(({ msr, address }) => [msr, address]));
  return [
    ...loaded,
    ...beside
      .filter(({ msr, guard }) => !told.has(`${msr} ${guard ?? ''}`))
      .map((row) => ({ ...row, address: known.get(row.msr) ?? row.address })),
  ];
}

/** Where the field is left alone: wherever the MSR is written, or where the one feature is off under which the field is written. */
function guardBeside(guard: string | null, fields: readonly MsrTransition[]): string | null | undefined {
  const [field, ...others] = fields;
  if (field === undefined) return guard;
  const isPlain = guard === null && others.length === 0 && field.guard !== null && /^\w[\w.]*$/.test(field.guard);
  return isPlain ? `!${field.guard}` : undefined;
}

const isOfVmcs = ({ reason }: MsrTransition): boolean => reason?.includes(VMCS_LOADS) === true;

/** VMWRITE with its field and value, VMPTRLD, and MOV to a register. */
function otherPrimitives(tree: Tree): ReadonlyMap<string, Primitive> {
  const found = new Map<string, Primitive>();
  for (const [name, functions] of tree.functions)
    for (const fn of functions) {
      const text = assemblyOf(fn, ['vmwrite', 'vmptrld', 'mov']);
      const { params } = fn.fn;
      const [, value = '', field = ''] = /"r"\s*\(\s*(\w+)\s*\)\s*,\s*"r"\s*\(\s*(\w+)\s*\)/.exec(text) ?? [];
      const [, register = '', moved = ''] = /"mov %0, %%(\w+)"\s*:\s*:\s*"r"\s*\(\s*(\w+)/.exec(text) ?? [];
      const number = MOVES.get(register);
      if (/\bvmwriteq? %1,\s*%2/.test(text) && params.includes(value) && params.includes(field))
        found.set(name, { kind: 'write', address: params.indexOf(field), value: params.indexOf(value) });
      else if (/\bvmptrld\b/.test(text) && params.length > 0)
        found.set(name, { kind: 'write', address: -1, value: 0, register: CURRENT_VMCS });
      else if (number !== undefined && params.includes(moved))
        found.set(name, { kind: 'write', address: -1, value: params.indexOf(moved), register: number });
    }
  return found;
}

/** The writes behind the last change of the current VMCS: SEAMRET loads what they leave. */
function afterLastVmcs(tree: Tree, writes: readonly Addressed[]): readonly Addressed[] {
  const last = writes.findLastIndex(({ address }) => Number(constantOf(tree, bare(address)) ?? -1n) === CURRENT_VMCS);
  return last === -1 ? [] : writes.slice(last + 1);
}

/** The guest fields of a VMCS by the register that they hold, such as `VMX_GUEST_IA32_DEBUGCTLMSR_FULL_ENCODE`. */
function guestFields(tree: Tree): readonly (readonly [string, number])[] {
  return [...tree.macros.keys()].sort().flatMap((macro) => {
    const [, field] = /^VMX_GUEST_(\w+?)(?:_FULL)?_ENCODE$/.exec(macro) ?? [];
    if (field === undefined || field.endsWith('_HIGH')) return [];
    const register = registerOf(tree, field);
    // Where SEAMRET goes on, and what it finds pending there, is no state that a TD leaves.
    if (!/^(?:IA32_|DR7$)/.test(register)) return [];
    const name = { kind: 'id', name: macro, at: { kind: 'id', text: macro, line: 1, column: 1 } } as const;
    const number = constantOf(tree, name);
    return number === null ? [] : [[register, Number(number)] as const];
  });
}

/** `IA32_DEBUGCTLMSR` is IA32_DEBUGCTL, `LBR_CTL` is IA32_LBR_CTL where the tree has an MSR of that name, `DR7` is itself. */
function registerOf(tree: Tree, field: string): string {
  const plain = field.replace(/CTLMSR$/, 'CTL').replace(/CONTROL$/, 'CTRL');
  const msr = `IA32_${plain.replace(/^IA32_/, '')}`;
  return plain !== field || field.startsWith('IA32_') || tree.macros.has(`${msr}_MSR_ADDR`) ? msr : plain;
}

/**
 * `value & MASK`, of a local that only VMREAD can have filled, leaves the masked bits as the VMCS had them, which are the host's,
 * and clears the others; of anything else it is not settled.
 */
function keptBits(tree: Tree, writes: readonly Write[]): Partial<MsrTransition> {
  const last = writes.at(-1);
  const value = last === undefined ? null : bare(last.value);
  if (value?.kind !== 'binary' || value.op !== '&') return {};
  const [left, right] = [constantOf(tree, value.left), constantOf(tree, value.right)];
  const [mask, kept, named] = right === null ? [left, value.right, value.left] : [right, value.left, value.right];
  if (mask === null || bare(kept).kind !== 'id') return {};
  const reason = `SEAMRET loads the host’s value with the bits of ${show(named)} only`;
  return { exit: 'init', exitValue: '0x0', keepsBits: hex(mask), reason };
}
