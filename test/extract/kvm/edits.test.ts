import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Filter } from '../../../pipeline/extract/kvm/filter.ts';
import { openTree, type UnitCache } from '../../../pipeline/extract/kvm/open-tree.ts';
import { KVM_PATHS, TDX_PATH } from '../../../pipeline/extract/kvm/paths.ts';
import { filterOf } from '../../../pipeline/extract/kvm/policy.ts';
import { KnownError } from '../../../pipeline/model/errors.ts';
import { REGISTERS, type Register } from '../../../pipeline/model/place.ts';
import type { PolicyMask } from '../../../pipeline/model/policy.ts';
import { type Choice, edited, functionText } from '../../helpers/kernel-edits.ts';

/** The functions of the real tdx.c that decide, in the order of the file. */
const NAMES = [
  'tdx_get_guest_phys_addr_bits',
  'tdx_set_guest_phys_addr_bits',
  'has_tsx',
  'clear_tsx',
  'has_waitpkg',
  'clear_waitpkg',
  'tdx_clear_unsupported_cpuid',
  'tdx_unsupported_cpuid',
  'td_init_cpuid_entry2',
  'setup_tdparams_cpuids',
];
/** Those that edits are made in: the address bits themselves are asked for elsewhere too. */
const EDITED = NAMES.slice(1);
const NONE = 0xffffffff;
/** Leaf and sub-leaf as the module reports them; NONE for a leaf without sub-leaves. */
const LEAVES: readonly (readonly [number, number])[] = [
  [1, NONE],
  [4, 0],
  [4, 2],
  [5, NONE],
  [7, 0],
  [7, 1],
  [7, 2],
  [0x14, 0],
  [0x14, 1],
  [0x99, 0],
  [0x99, 1],
  [0x99, 0x77],
  [0x12345, NONE],
  [0x80000008, NONE],
];

/** What gcc's code does with each bit of each register of a leaf. */
type Real = { readonly shown: number; readonly taken: number; readonly added: number; readonly steady: boolean };

const PRELUDE = `#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef unsigned char u8; typedef signed char s8; typedef unsigned short u16; typedef unsigned int u32; typedef u32 __u32;
typedef int s32; typedef unsigned long long u64; typedef long long s64;
struct kvm_cpuid_entry2 { u32 function, index, flags, eax, ebx, ecx, edx, padding[3]; };
struct kvm_cpuid2 { u32 nent, padding; struct kvm_cpuid_entry2 entries[4]; };
struct tdx_sys_info_td_conf { u64 cpuid_config_leaves[4]; u64 cpuid_config_values[4][2]; u16 num_cpuid_config; };
struct tdx_sys_info { struct tdx_sys_info_td_conf td_conf; };
struct tdx_cpuid_value { u32 eax, ebx, ecx, edx; };
struct td_params { struct tdx_cpuid_value cpuid_values[4]; };
static struct tdx_sys_info info, *tdx_sysinfo = &info;
#define BIT(n) (1ul << (n))
#define GENMASK(h, l) ((~0ul << (l)) & (~0ul >> (63 - (h))))
#define __feature_bit(x) (1u << ((x) & 31))
#define swap(a, b) do { u32 _t = (a); (a) = (b); (b) = _t; } while (0)
#define lockdep_assert_irqs_enabled() do { } while (0)
#define WARN_ON_ONCE(x) (x)
#define cpuid_function_is_indexed(x) false
#define KVM_CPUID_FLAG_SIGNIFCANT_INDEX 1
#define KVM_CPUID_INDEX_NOT_SIGNIFICANT -1ull
#define KVM_TDX_CPUID_NO_SUBLEAF ((__u32)-1)
#define EINVAL 22
`;

/** What runs an edit's functions: `fill` and `set_up` are its own, and leaf 0x80000008 stands before or behind the leaf. */
const RUNNER = `
static const u32 leaves[][2] = { LEAVES };
typedef void (*fill_t)(struct kvm_cpuid_entry2 *, unsigned char);
typedef int (*set_up_t)(struct kvm_cpuid2 *, struct td_params *);
static void run(int edit, fill_t fill, set_up_t set_up)
{
	for (int l = 0; l < sizeof(leaves) / sizeof(leaves[0]); l++) {
		u32 shown[4] = { 0 }, taken[4] = { 0 }, added[4] = { 0 }, odd[4] = { 0 };
		u64 key = ((u64)leaves[l][1] << 32) | leaves[l][0];
		bool is_width = leaves[l][0] == 0x80000008;
		struct kvm_cpuid_entry2 blank = { 0 };

		memset(&info, 0, sizeof(info));
		info.td_conf.num_cpuid_config = 1;
		info.td_conf.cpuid_config_leaves[0] = key;
		fill(&blank, 0);
		for (int r = 0; r < 4; r++) added[r] = (&blank.eax)[r];
		for (int r = 0; r < 4; r++) for (int b = 0; b < 32; b++) {
			struct kvm_cpuid_entry2 own = { 0 };
			u64 *values = info.td_conf.cpuid_config_values[0];

			values[0] = values[1] = 0;
			values[r / 2] = (u64)1 << (b + 32 * (r % 2));
			fill(&own, 0);
			if ((&own.eax)[r] & (1u << b)) shown[r] |= 1u << b;
			for (int o = 0; o < 4; o++) if ((&own.eax)[o] & ~added[o] & ~(o == r ? 1u << b : 0)) odd[r] |= 1u << b;
		}
		for (int order = 0; order < 2; order++) for (int r = 0; r < 4; r++) for (int b = 0; b < 32; b++) {
			struct kvm_cpuid2 cpuid = { .nent = is_width ? 1 : 2 };
			struct td_params params = { 0 };
			int at = is_width ? 0 : order, other = 1 - at;
			bool is_taken;

			memset(&info, 0, sizeof(info));
			info.td_conf.num_cpuid_config = cpuid.nent;
			info.td_conf.cpuid_config_leaves[at] = key;
			info.td_conf.cpuid_config_values[at][0] = info.td_conf.cpuid_config_values[at][1] = ~0ull;
			cpuid.entries[at] = (struct kvm_cpuid_entry2){ leaves[l][0], blank.index, leaves[l][1] != ~0u };
			if (is_width)
				cpuid.entries[at].eax = 48 << 16;
			else {
				info.td_conf.cpuid_config_leaves[other] = 0xffffffff80000008;
				info.td_conf.cpuid_config_values[other][0] = 48 << 16;
				cpuid.entries[other] = (struct kvm_cpuid_entry2){ 0x80000008, 0, 0, 48 << 16 };
			}
			(&cpuid.entries[at].eax)[r] |= 1u << b;
			is_taken = !set_up(&cpuid, &params) && ((&params.cpuid_values[at].eax)[r] & (1u << b));
			if (order == 0) taken[r] |= (u32)is_taken << b;
			else if (is_taken != !!(taken[r] & (1u << b))) odd[r] |= 1u << b;
		}
		for (int r = 0; r < 4; r++) printf("%d %d %d %u %u %u %u\\n", edit, l, r, shown[r], taken[r], added[r], odd[r]);
	}
	fflush(stdout);
}
`;

const repository = process.env.BITWATCH_KERNEL_REPO;
const revision = process.env.BITWATCH_KERNEL_REVISION ?? '210b82c35000b63a0fa95d42feccddea97681b97';
const EDITS = Number(process.env.BITWATCH_KVM_EDITS ?? 200);
const SEED = Number(process.env.BITWATCH_KVM_SEED ?? 13);
const AT_ONCE = 50;

function kernelTexts(): ReadonlyMap<string, string> {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', repository ?? '.', ...args], { encoding: 'latin1', maxBuffer: 1 << 26 });
  const present = new Set(git('ls-tree', '-r', '--name-only', revision, '--', ...KVM_PATHS).split('\n'));
  return new Map(
    KVM_PATHS.filter((path) => present.has(path)).map((path) => [path, git('show', `${revision}:${path}`)]),
  );
}

/** The part of tdx.c that decides on CPUID: what stands before, and the functions that lead to the set-up. */
function deciding(text: string): string {
  const last = functionText(text, 'init_kvm_tdx_caps');
  const head = text.slice(0, text.indexOf(last) + last.length);
  const rest = ['setup_tdparams_eptp_controls', 'setup_tdparams_cpuids', 'setup_tdparams'];
  return [head, ...rest.map((name) => functionText(text, name))].join('\n');
}

/** Edits of the file's functions, one to three each, without those that change nothing. */
function makeEdits(text: string): readonly string[] {
  const number = fc.nat({ max: 9999 });
  const choice: fc.Arbitrary<Choice> = fc.tuple(number, number, number, number);
  const lists = fc.sample(fc.array(fc.tuple(fc.nat({ max: 999 }), choice), { minLength: 1, maxLength: 3 }), {
    seed: SEED,
    numRuns: EDITS,
  });
  return lists.map((list) =>
    list.reduce((now, [which, own]) => {
      const before = functionText(now, EDITED[which % EDITED.length] ?? '');
      return before === '' ? now : now.replace(before, () => edited(before, own));
    }, text),
  );
}

/** What gcc's code does, by edit, leaf and register; edits that gcc refuses are not there. */
function compiled(texts: ReadonlyMap<string, string>, edits: readonly string[]): ReadonlyMap<number, readonly Real[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bitwatch-edits-'));
  const find = functionText(texts.get('arch/x86/kvm/cpuid.c') ?? '', 'kvm_find_cpuid_entry2');
  const macro = /^#define TDX_FEATURE_TSX.*$/m.exec(texts.get(TDX_PATH) ?? '')?.[0] ?? '';
  const features = (texts.get('arch/x86/include/asm/cpufeatures.h') ?? '').replace(/^#include.*$/gm, '');
  const leaves = LEAVES.map(([leaf, subleaf]) => `{ ${leaf}u, ${subleaf}u }`).join(', ');
  const found = new Map<number, Real[]>();
  try {
    writeFileSync(
      join(directory, 'prelude.h'),
      `${PRELUDE}${features}\n${macro}\n${find}\n${RUNNER.replace('LEAVES', leaves)}`,
    );
    const build = (name: string, wanted: readonly number[]): void => {
      const all = wanted.map((at) => {
        const own = NAMES.map((each) => functionText(edits[at] ?? '', each)).join('\n');
        return NAMES.reduce((code, each) => code.replaceAll(new RegExp(`\\b${each}\\b`, 'g'), `${each}_${at}`), own);
      });
      const calls = wanted.map((at) => `\trun(${at}, td_init_cpuid_entry2_${at}, setup_tdparams_cpuids_${at});`);
      writeFileSync(
        join(directory, `${name}.c`),
        `#include "prelude.h"\n${all.join('\n')}\nint main(void)\n{\n${calls.join('\n')}\n\treturn 0;\n}\n`,
      );
      execFileSync('gcc', ['-w', '-O0', '-fwrapv', '-o', name, `${name}.c`], { cwd: directory, stdio: 'pipe' });
      for (const line of execFileSync(join(directory, name), { encoding: 'utf8', timeout: 60_000 }).split('\n')) {
        const [edit, , , shown, taken, added, odd] = line.split(' ').map(Number);
        if (edit === undefined || shown === undefined || taken === undefined || added === undefined) continue;
        const list = found.get(edit) ?? [];
        list.push({ shown, taken, added, steady: odd === 0 });
        found.set(edit, list);
      }
    };
    for (let from = 0; from < edits.length; from += AT_ONCE) {
      const wanted = edits.flatMap((_, at) => (at >= from && at < from + AT_ONCE ? [at] : []));
      try {
        build(`all${from}`, wanted);
      } catch {
        // One of them is no C: each by itself.
        for (const at of wanted) {
          found.delete(at);
          try {
            build(`one${at}`, [at]);
          } catch {
            found.delete(at);
          }
        }
      }
    }
    return found;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function maskAt(list: readonly PolicyMask[], leaf: number, subleaf: number, register: Register): bigint {
  const index = subleaf === NONE ? 0 : subleaf;
  return list
    .filter(
      (each) =>
        each.leaf === leaf &&
        each.register === register &&
        ((each.subleaf ?? 0) === index ||
          (each.everySubleafBut !== undefined && !each.everySubleafBut.includes(index) && each.subleaf === 0)),
    )
    .reduce((mask, each) => mask | BigInt(each.mask), 0n);
}

/** What is read of a leaf's register against what gcc's code does: what differs, in words, or nothing. */
function differences(policy: Filter, [leaf, subleaf]: readonly [number, number], register: Register, real: Real) {
  const all = 0xffffffffn;
  const adds = maskAt(policy.adds, leaf, subleaf, register);
  const taken =
    policy.generation === 'allowlist'
      ? maskAt(policy.allow, leaf, subleaf, register)
      : all & ~maskAt(policy.deny, leaf, subleaf, register);
  const own = { taken: BigInt(real.taken) & ~adds, shown: BigInt(real.shown) & ~adds, added: BigInt(real.added) };
  // A note says where all sub-leaves that no code names are as sub-leaf 0.
  const isAlike = policy.notes.some((each) => each.includes(`of leaf 0x${leaf.toString(16)} differ in ${register} `));
  const isAt = (each: {
    readonly leaf: number | null;
    readonly subleaf: number | null;
    readonly register: string | null;
  }) =>
    each.leaf === leaf && (each.subleaf === (subleaf === NONE ? 0 : subleaf) || isAlike) && each.register === register;
  const listed = policy.disagreements ?? [];
  const isNamed = listed.some((each) => isAt(each));
  const of = (kind: string): bigint =>
    listed.filter((each) => each.kind === kind && isAt(each)).reduce((mask, each) => mask | BigInt(each.mask), 0n);
  // A disagreement on every leaf that no code names has no place of its own.
  const isEvery = listed.some((each) => each.leaf === null);
  const words: string[] = [];
  const note = (what: string, read: bigint, is: bigint): void => {
    if (read !== is)
      words.push(
        `0x${leaf.toString(16)}.${subleaf.toString(16)}.${register} ${what}: read 0x${read.toString(16)}, is 0x${is.toString(16)}`,
      );
  };
  note('taken', taken & ~adds, own.taken);
  note('added', adds, own.added);
  if (!isEvery || isNamed) {
    note('hidden and taken', of('hidden-not-refused'), own.taken & ~own.shown);
    note('shown and refused', of('shown-but-refused'), own.shown & ~own.taken);
  }
  if (!real.steady) words.push(`0x${leaf.toString(16)}.${register} goes to other bits, or depends on the order`);
  return words;
}

test.skipIf(repository === undefined)(
  `${EDITS} edits of the real filter are read as gcc compiles them, or refused (skipped without BITWATCH_KERNEL_REPO)`,
  { timeout: 3_600_000 },
  () => {
    const texts = kernelTexts();
    const whole = texts.get(TDX_PATH) ?? '';
    const original = deciding(whole);
    const filterIn = (text: string, blob: string): Filter => {
      const files = new Map([...texts].map(([path, own]) => [path, { text: own, blob: path }] as const));
      return filterOf(openTree('linux', revision, files.set(TDX_PATH, { text, blob }), cache));
    };
    const cache: UnitCache = new Map();
    // What is left out decides nothing.
    expect(masksOf(filterIn(original, 'deciding'))).toEqual(masksOf(filterIn(whole, 'whole')));
    const edits = [original, ...makeEdits(original)];
    const real = compiled(texts, edits);
    const counts = { read: 0, refused: 0 };
    const reasons = new Map<string, number>();
    const wrong: string[] = [];
    for (const [at, text] of edits.entries()) {
      const facts = real.get(at);
      if (facts === undefined) continue;
      let policy: Filter;
      try {
        policy = filterIn(text, `edit ${at}`);
      } catch (error) {
        if (!(error instanceof KnownError)) throw error;
        counts.refused += 1;
        const reason = error.message.replace(/^\S+ /, '').replace(/[`0-9].*/, '');
        reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
        continue;
      }
      counts.read += 1;
      const words = LEAVES.flatMap((leaf, l) =>
        REGISTERS.flatMap((register, r) => {
          const own = facts[l * 4 + r];
          return own === undefined ? ['not run'] : differences(policy, leaf, register, own);
        }),
      );
      if (words.length > 0) wrong.push(`edit ${at}: ${words.slice(0, 6).join('; ')}\n${changesOf(original, text)}`);
    }
    if (process.env.BITWATCH_KVM_TELL !== undefined)
      console.log(
        counts,
        [...reasons].sort((a, b) => b[1] - a[1]),
        `${wrong.length} wrong\n${wrong.join('\n')}`,
      );
    expect(wrong).toEqual([]);
    // The unedited file is among them, and most edits are C.
    expect(real.size).toBeGreaterThan(EDITS / 2);
    expect(counts.read).toBeGreaterThan(real.size / 4);
  },
);

const masksOf = ({ deny, allow, adds, ...rest }: Filter): unknown => ({
  ...rest,
  lists: [deny, allow, adds].map((list) => list.map(({ path, line, ...own }) => own)),
});

/** The lines that an edit changed. */
function changesOf(before: string, after: string): string {
  const known = new Set(before.split('\n'));
  const now = after.split('\n');
  const left = new Set(now);
  const gone = before.split('\n').filter((line) => !left.has(line));
  return [
    ...gone.map((line) => `- ${line}`),
    ...now.filter((line) => !known.has(line)).map((line) => `+ ${line}`),
  ].join('\n');
}
