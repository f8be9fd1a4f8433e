import { describe, expect, test } from 'vitest';
import type { MsrTransition } from '../../../../pipeline/model/clobber.ts';
import { baseTree, clobbersOf } from './tree.ts';

const LEAVE = 'src/paths/leave.c';
const ENTER = 'src/paths/enter.c';

/** Registers that other instructions than WRMSR write, as a tree may have them. */
const ACCESS = `
static void put_field(uint64_t field, uint64_t value)
{
    flags_t f;
    _ASM_VOLATILE_ ("vmwriteq %1,%2\\n" "pushfq\\n" : "=r"(f.raw) : "r"(value), "r"(field) : "cc");
}
static void make_current(vmcs_t* vmcs) { flags_t f; _ASM_VOLATILE_ ("vmptrld %1\\n" : "=r"(f.raw) : "m"(vmcs) : "memory"); }
static void put_cr2(uint64_t cr2) { _ASM_VOLATILE_ ("mov %0, %%cr2" : : "r" (cr2)); }
static void put_dr0(uint64_t dr0) { _ASM_VOLATILE_ ("mov %0, %%dr0" : : "r" (dr0)); }
static void put_dr1(uint64_t dr1) { _ASM_VOLATILE_ ("mov %0, %%dr1" : : "r" (dr1)); }
static void put_dr2(uint64_t dr2) { _ASM_VOLATILE_ ("mov %0, %%dr2" : : "r" (dr2)); }
static void put_dr3(uint64_t dr3) { _ASM_VOLATILE_ ("mov %0, %%dr3" : : "r" (dr3)); }
static void put_xcr(uint64_t xcr, uint64_t value) { _ASM_VOLATILE_ ("xsetbv" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(xcr)); }
static uint64_t get_xcr(uint64_t xcr) { uint32_t low, high; _ASM_VOLATILE_ ("xgetbv" : "=a"(low), "=d"(high) : "c"(xcr)); return low; }
#define VMX_GUEST_DR7_ENCODE 0x681A
#define VMX_GUEST_RIP_ENCODE 0x681E
#define VMX_GUEST_IA32_DEBUGCTLMSR_FULL_ENCODE 0x2802
#define KEPT_BITS 0x5002
`;

type Texts = Partial<Record<'enter' | 'save' | 'load' | 'access', string>>;

/** The synthetic module with statements at the start of the way in, and before and after the last change of the current VMCS. */
function rows({ enter = '', save = '', load = '', access = '' }: Texts): readonly MsrTransition[] {
  const tree = new Map(baseTree());
  const change = (path: string, from: string, to: string): void => {
    const text = tree.get(path)?.text ?? '';
    if (!text.includes(from)) throw new Error(`${path}: no ${from}`);
    tree.set(path, { text: text.replace(from, () => `${from}\n${to}`), blob: null });
  };
  tree.set('src/other.h', { text: `${ACCESS}${access}`, blob: null });
  change(ENTER, 'local_t* local = get_local_data();\n    tdvps_t* tdvps_ptr = NULL;', enter);
  change(LEAVE, 'save_td_state(local);', `${save} make_current(local->seam); ${load}`);
  return clobbersOf(tree).msrs.filter(({ by }) => by !== undefined);
}
const told = (texts: Texts): readonly string[] =>
  rows(texts).map(({ msr, guard, exit, exitValue, keepsBits, by }) =>
    [msr, guard ?? 'always', exit, exitValue ?? '-', keepsBits ?? '-', by].join(' '),
  );

describe('state that no WRMSR writes', () => {
  test('CR2 and the debug registers by MOV, alike ones as a range', () => {
    const all = [0, 1, 2, 3].map((n) => `put_dr${n}(tdvps_ptr->dr);`).join(' ');
    const reset = [0, 1, 2, 3].map((n) => `put_dr${n}(0);`).join(' ');
    const found = rows({ enter: `put_cr2(tdvps_ptr->cr2); ${all}`, load: `put_cr2(0); ${reset}` });
    expect(
      found.map(({ msr, exit, exitValue, range, entry, exitAt }) => [
        msr,
        exit,
        exitValue,
        range,
        entry.length,
        exitAt.length,
      ]),
    ).toEqual([
      ['CR2', 'init', '0x0', undefined, 1, 1],
      ['DR0', 'init', '0x0', true, 4, 4],
    ]);
    // One that is left otherwise is told apart from the others.
    expect(told({ enter: all, load: reset.replace('put_dr3(0)', 'put_dr3(8)') })).toEqual([
      'DR0 always init 0x0 - mov',
      'DR1 always init 0x0 - mov',
      'DR2 always init 0x0 - mov',
      'DR3 always init 0x8 - mov',
    ]);
    expect(told({ enter: 'put_cr2(tdvps_ptr->cr2);' })).toEqual(['CR2 always none - - mov']);
  });

  test('XCR0 comes back only where it was read before the first write', () => {
    const own = 'put_xcr(0, local->ctx.xfam & 0x602FF);';
    expect(told({ enter: 'put_xcr(0, tdvps_ptr->xcr0);', load: own })).toEqual(['XCR0 always none - - xsetbv']);
    const saved = { enter: 'local->host.xcr0 = get_xcr(0); put_xcr(0, tdvps_ptr->xcr0);' };
    expect(told({ ...saved, load: `${own} put_xcr(0, local->host.xcr0);` })).toEqual([
      'XCR0 always restored - - xsetbv',
    ]);
    expect(told({ ...saved, load: 'put_xcr(0, local->host.xcr1);' })).not.toEqual(['XCR0 always restored - - xsetbv']);
    // Another XCR is not XCR0.
    expect(told({ enter: 'put_xcr(1, tdvps_ptr->xcr0);' })).toEqual([]);
  });

  test('what SEAMRET loads from the VMCS that is current last, not from another', () => {
    expect(told({ load: 'put_field(VMX_GUEST_DR7_ENCODE, 0x400);' })).toEqual(['DR7 always init 0x400 - vmcs']);
    expect(told({ save: 'put_field(VMX_GUEST_DR7_ENCODE, 0x400);' })).toEqual([]);
    // Where SEAMRET goes on is no state that a TD leaves.
    expect(told({ load: 'put_field(VMX_GUEST_RIP_ENCODE, 0x400);' })).toEqual([]);
    const masked =
      'uint64_t v; get_field(VMX_GUEST_IA32_DEBUGCTLMSR_FULL_ENCODE, &v); v = v & KEPT_BITS; put_field(VMX_GUEST_IA32_DEBUGCTLMSR_FULL_ENCODE, v);';
    expect(told({ load: masked })).toEqual(['IA32_DEBUGCTL always init 0x0 0x5002 vmcs']);
    // Masked bits of the TD's value are not the host's.
    const foreign = masked.replace('v & KEPT_BITS', 'local->ctx.tdvps->debug & KEPT_BITS');
    expect(told({ load: foreign })).toEqual(['IA32_DEBUGCTL always unknown - - vmcs']);
    expect(
      told({ load: 'if (local->ctx.tdcs->ctl.attributes.counters) { put_field(VMX_GUEST_DR7_ENCODE, 1); }' }),
    ).toEqual(['DR7 attributes.counters init 0x1 - vmcs']);
  });
});

test('an MSR that the way out does not write has the host’s value again where SEAMRET loads it from an untouched field', () => {
  const access =
    '#define VMX_GUEST_IA32_ALPHA_FULL_ENCODE 0x2808\n#define VMX_GUEST_EPSILON_CONTROL_FULL_ENCODE 0x280A\n';
  expect(told({ load: 'put_field(VMX_GUEST_DR7_ENCODE, 1);', access })).toEqual([
    'DR7 always init 0x1 - vmcs',
    'IA32_EPSILON_CONTROL cpuid_flags.pause_supported restored - - vmcs',
  ]);
  // In a tree whose VMCS nobody writes it is not settled.
  expect(told({ access })).toEqual([]);
});

test('the dispatcher of the synthetic module has none of it', () => {
  expect(baseTree().get('src/dispatch.c')?.text).not.toMatch(/vmwrite|xsetbv|cr2/);
  expect(rows({})).toEqual([]);
});
