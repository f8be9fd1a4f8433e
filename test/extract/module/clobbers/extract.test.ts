import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { TreeFile } from '../../../../pipeline/extract/module/clobbers/tree.ts';
import { KnownError } from '../../../../pipeline/model/errors.ts';
import { baseTree, clobbersOf, exitsOf, mutated } from './tree.ts';

const base = clobbersOf(baseTree());
const find = (msr: string) => base.msrs.filter((item) => item.msr === msr);

describe('the synthetic module', () => {
  test('each MSR has its exit in each context of features', () => {
    const all = [...new Set(base.msrs.map(({ msr }) => msr))].flatMap((msr) =>
      exitsOf(base, msr).map((exit) => `${msr} ${exit}`),
    );
    expect(all).toEqual([
      'IA32_ALPHA always: restored',
      'IA32_BETA always: init',
      'IA32_DELTA0 attributes.counters: init',
      'IA32_EPSILON_CONTROL cpuid_flags.pause_supported: none',
      'IA32_GAMMA xfam.branches: none',
      'IA32_SUPER always: none',
      'IA32_TSXISH !cpuid_flags.txn_supported: restored',
      'IA32_TSXISH cpuid_flags.txn_supported: init',
    ]);
  });

  test('a guard names the CPUID, attribute or XFAM bits that open it', () => {
    expect(find('IA32_EPSILON_CONTROL')[0]?.openers).toEqual([
      { kind: 'cpuid', leaf: 7, subleaf: 0, register: 'ecx', mask: 1 << 5, flag: 'pause_supported' },
    ]);
    expect(find('IA32_TSXISH')[1]?.openers).toEqual([
      { kind: 'cpuid', leaf: 7, subleaf: 0, register: 'ebx', mask: (1 << 4) | (1 << 11), flag: 'txn_supported' },
    ]);
    expect(find('IA32_DELTA0')[0]?.openers).toEqual([{ kind: 'attributes', bit: 63, name: 'counters' }]);
    expect(find('IA32_GAMMA')[0]?.openers).toEqual([{ kind: 'xfam', bit: 15, name: 'branches' }]);
  });

  test('a write names the line of the call that names the MSR', () => {
    expect(find('IA32_ALPHA')[0]?.entry).toEqual([{ path: 'src/paths/enter.c', line: 4, guards: [] }]);
    expect(find('IA32_ALPHA')[0]?.exitAt).toEqual([{ path: 'src/paths/leave.c', line: 14, guards: [] }]);
  });

  test('an index makes a range, the lookup table gives a class, an INIT its value', () => {
    expect(find('IA32_DELTA0')[0]?.range).toBe(true);
    expect(find('IA32_EPSILON_CONTROL')[0]?.class).toBe('PAUSE');
    expect(find('IA32_BETA')[0]?.exitValue).toBe('0x0');
  });

  test('an exit write of the TD’s own value brings nothing back, and says so', () => {
    expect(find('IA32_SUPER')[0]).toMatchObject({
      exit: 'none',
      exitAt: [],
      reason: expect.stringContaining('own value'),
    });
  });

  test('what is called and not defined is named', () => {
    expect(base.notes.join('\n')).toContain('map_td');
  });
});

describe('mutations change the result as they change the meaning', () => {
  const LEAVE = 'src/paths/leave.c';
  const ALPHA = 'write_if_new(IA32_ALPHA_MSR_ADDR, local->host.alpha, local->ctx.tdvps->msrs.alpha);';
  const of = (path: string, from: string, to: string, msr = 'IA32_ALPHA') =>
    exitsOf(clobbersOf(mutated(path, from, to)), msr);

  test('the exit write dropped', () => expect(of(LEAVE, ALPHA, '')).toEqual(['always: none']));
  test('the exit write under another guard', () =>
    expect(of(LEAVE, ALPHA, `if (local->ctx.tdcs->ctl.attributes.counters) { ${ALPHA} }`)).toEqual([
      '!attributes.counters: none',
      'attributes.counters: restored',
    ]));
  test('the exit write behind an early return', () =>
    expect(of(LEAVE, ALPHA, `if (local->ctx.tdcs->ctl.attributes.counters) { return; } ${ALPHA}`)).toEqual([
      '!attributes.counters: restored',
      'attributes.counters: none',
    ]));
  test('a constant instead of the saved value', () =>
    expect(of(LEAVE, ALPHA, 'write_msr(IA32_ALPHA_MSR_ADDR, 0x40);')).toEqual(['always: init']));
  test('another field than the saved one', () =>
    expect(of(LEAVE, ALPHA, 'write_msr(IA32_ALPHA_MSR_ADDR, local->host.other);')).toEqual(['always: unknown']));
  test('the TD’s value instead of the saved one', () =>
    expect(of(LEAVE, ALPHA, 'write_msr(IA32_ALPHA_MSR_ADDR, local->ctx.tdvps->msrs.alpha);')).toEqual([
      'always: none',
    ]));
  test('a wrapper macro changes nothing', () =>
    expect(
      of(
        LEAVE,
        'static void load_host_state',
        '#define GIVE_BACK(msr, v) do { write_msr(msr, v); } while (0)\nstatic void load_host_state',
      ),
    ).toEqual(['always: restored']));
  test('a write through a wrapper macro is a write', () => {
    const tree = mutated(LEAVE, ALPHA, 'GIVE_BACK(IA32_ALPHA_MSR_ADDR, local->host.alpha);');
    const header = tree.get('src/access.h')?.text ?? '';
    tree.set('src/access.h', {
      text: `${header}\n#define GIVE_BACK(msr, v) do { write_msr((msr), (v)); } while (0)\n`,
      blob: null,
    });
    expect(exitsOf(clobbersOf(tree), 'IA32_ALPHA')).toEqual(['always: restored']);
  });
  test('a save that reads another MSR', () =>
    expect(
      of(
        'src/paths/enter.c',
        'local->host.alpha = read_msr(IA32_ALPHA_MSR_ADDR);',
        'local->host.alpha = read_msr(IA32_BETA_MSR_ADDR);',
      ),
    ).toEqual(['always: unknown']));
  test('a save behind the first write', () =>
    expect(
      of(
        'src/paths/enter.c',
        'enter_td(true, tdvps_ptr);',
        'local->host.alpha = read_msr(IA32_ALPHA_MSR_ADDR); enter_td(true, tdvps_ptr);',
      ),
    ).toEqual(['always: unknown']));
  test('an exit write that is skipped for another reason than an equal value says so', () => {
    const facts = clobbersOf(mutated(LEAVE, ALPHA, `if (reset_wanted(local)) { ${ALPHA} }`));
    expect(facts.msrs.find(({ msr }) => msr === 'IA32_ALPHA')?.reason).toContain('reset_wanted');
  });
  test('conditional compilation is part of the guard', () => {
    const facts = clobbersOf(mutated(LEAVE, ALPHA, `#ifdef WITH_ALPHA\n${ALPHA}\n#endif`));
    const found = facts.msrs.find(({ msr }) => msr === 'IA32_ALPHA');
    expect(found?.exitAt[0]?.guards).toEqual(['#if defined(WITH_ALPHA)']);
    expect(found?.reason).toContain('WITH_ALPHA');
  });
  test('a guard that is copied on the way in is still the feature’s', () =>
    expect(
      of(LEAVE, ALPHA, 'if (local->ctx.pause_copy) { write_msr(IA32_EPSILON_CONTROL, 0); }', 'IA32_EPSILON_CONTROL'),
    ).toEqual(['cpuid_flags.pause_supported: init']));
  describe('what is left is not settled by the C code', () => {
    const withMacros = (macros: string, write = ''): Map<string, TreeFile> => {
      const tree = mutated(LEAVE, ALPHA, `${ALPHA} ${write}`);
      const header = tree.get('include/regs.h')?.text ?? '';
      return tree.set('include/regs.h', { text: `${macros}\n${header}`, blob: null });
    };
    const left = (tree: Map<string, TreeFile>, msr: string) =>
      clobbersOf(tree)
        .msrs.filter((item) => item.msr === msr)
        .map(({ exit, exitValue, reason }) => [exit, exitValue, reason]);

    test.each(['SET', 'RESET'])('of a command MSR: X_%s beside an X', (command) => {
      const name = `IA32_BETA_${command}`;
      const tree = withMacros(`#define ${name}_MSR_ADDR 0x701`, `write_msr(${name}_MSR_ADDR, 0x40);`);
      expect(left(tree, name)).toEqual([
        ['unknown', undefined, 'a command on bits of IA32_BETA: what that is left with is not settled'],
      ]);
      expect(left(tree, 'IA32_BETA')).toEqual(left(baseTree(), 'IA32_BETA'));
    });

    test('but an MSR of such a name that stands alone is written like any', () => {
      const macros = '#define IA32_OMEGA_SET_MSR_ADDR 0x701\n#define IA32_BETA_SETS_MSR_ADDR 0x702';
      const tree = withMacros(
        macros,
        'write_msr(IA32_OMEGA_SET_MSR_ADDR, 0x40); write_msr(IA32_BETA_SETS_MSR_ADDR, 0x41);',
      );
      expect(left(tree, 'IA32_OMEGA_SET')).toEqual([['init', '0x40', null]]);
      expect(left(tree, 'IA32_BETA_SETS')).toEqual([['init', '0x41', null]]);
    });

    test.each(['VMX_GUEST_IA32_GAMMA_FULL_ENCODE', 'VMX_GUEST_GAMMA_ENCODE'])(
      'of an MSR that the VMCS holds: %s',
      (field) => {
        const tree = withMacros(`#define ${field} 0x2816`);
        expect(left(tree, 'IA32_GAMMA')).toEqual([['unknown', undefined, expect.stringContaining(`(${field})`)]]);
        // What the code itself writes on the way out is what is left, whatever the VMCS holds.
        const written = withMacros(`#define ${field.replace('GAMMA', 'BETA')} 0x2816`);
        expect(left(written, 'IA32_BETA')).toEqual(left(baseTree(), 'IA32_BETA'));
        expect(left(written, 'IA32_GAMMA')).toEqual([['none', undefined, null]]);
      },
    );
  });

  test('an address that is not settled is a note', () => {
    const facts = clobbersOf(mutated(LEAVE, ALPHA, 'write_msr(local->which, 0);'));
    expect(facts.notes.join('\n')).toContain('not settled by the syntax');
  });
});

describe('what is no module', () => {
  test('the absence of a path’s end is an error', () => {
    expect(() => clobbersOf(new Map())).toThrow(KnownError);
    expect(() => clobbersOf(mutated('src/dispatch.c', 'TDH_VP_ENTER_LEAF', 'TDH_VP_LEAVE_LEAF'))).toThrow(
      /TDH_VP_ENTER_LEAF/,
    );
    expect(() => clobbersOf(mutated('src/dispatch.c', 'asm_seamret_to_vmm', 'asm_back'))).toThrow(/SEAMRET/);
  });

  test('damaged sources give facts or a known error', () => {
    const paths = [...baseTree().keys()];
    fc.assert(
      fc.property(
        fc.constantFrom(...paths),
        fc.nat(),
        fc.nat(60),
        fc.string({ maxLength: 8 }),
        (path, at, length, junk) => {
          const tree = baseTree();
          const text = tree.get(path)?.text ?? '';
          const start = at % (text.length + 1);
          tree.set(path, { text: text.slice(0, start) + junk + text.slice(start + length), blob: null });
          try {
            expect(clobbersOf(tree).release).toBe('9.0');
          } catch (error) {
            expect(error).toBeInstanceOf(KnownError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

test('a derivation that doubles at each step is given up with its line', () => {
  const path = 'src/paths/enter.c';
  const source = baseTree().get(path)?.text ?? '';
  const within = (before: string, more: string): Map<string, TreeFile> => {
    const open = source.indexOf('{', source.indexOf('tdh_vp_enter')) + 1;
    return baseTree().set(path, {
      text: `${before}${source.slice(0, open)} ${more} ${source.slice(open)}`,
      blob: null,
    });
  };
  const values = `uint64_t z = tdvps_ptr->a; ${'z = z + z; '.repeat(60)} write_msr(IA32_DELTA0_MSR_ADDR, z);`;
  const calls = Array.from({ length: 37 }, (_, at) => `static void d${at + 1}(void) { d${at}(); d${at}(); }\n`).join(
    '',
  );
  const first = 'static void d0(void) { write_msr(IA32_DELTA0_MSR_ADDR, 2); }\n';
  for (const files of [within('', values), within(first + calls, 'd37();')]) {
    const before = process.cpuUsage();
    expect(() => clobbersOf(files)).toThrow(
      /^src\/paths\/enter\.c:\d+: expected source that can be followed in 400000 steps/,
    );
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(5000);
  }
  expect(() => clobbersOf(within(first, 'd0();'))).not.toThrow();
});
