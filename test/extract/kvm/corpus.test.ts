import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../../pipeline/model/errors.ts';
import { REGISTERS } from '../../../pipeline/model/place.ts';
import type { Policy, PolicyMask } from '../../../pipeline/model/policy.ts';
import { kernelFiles, policyOf, WORDS } from '../../helpers/kernel-tree.ts';
import { ROOT } from '../../helpers/run.ts';

/** What a tree's filter means, worked out by hand; `*` is every sub-leaf, and what is not named is as its counterpart. */
type Expected = {
  readonly says: string;
  readonly generation?: Policy['generation'];
  readonly refused?: Readonly<Record<string, string>>;
  readonly hidden?: Readonly<Record<string, string>>;
  readonly taken?: Readonly<Record<string, string>>;
  readonly error?: string;
};

const FOLDER = join(ROOT, 'fixtures/kvm');
const cases = readdirSync(FOLDER)
  .sort()
  .map((name) => ({
    name,
    code: readFileSync(join(FOLDER, name, 'filter.c'), 'utf8'),
    expected: JSON.parse(readFileSync(join(FOLDER, name, 'expected.json'), 'utf8')) as Expected,
  }));
const read = (code: string): Policy =>
  policyOf({ filter: code, init: 'hide(entry);', refusal: 'if (refuses(entry)) return -EINVAL;' });

const text = (list: readonly PolicyMask[]): Readonly<Record<string, string>> => {
  const all = new Map<string, bigint>();
  for (const { leaf, subleaf, register, mask, everySubleafBut } of list) {
    const key = `${leaf.toString(16)}.${everySubleafBut === undefined ? (subleaf ?? 0).toString(16) : '*'}.${register}`;
    all.set(key, (all.get(key) ?? 0n) | BigInt(mask));
  }
  return Object.fromEntries([...all].map(([key, mask]) => [key, `0x${mask.toString(16)}`]));
};

test.each(cases)('$name: $expected.says', ({ code, expected }) => {
  if (expected.error !== undefined) {
    expect(() => read(code)).toThrow(DataError);
    expect(() => read(code)).toThrow(new RegExp(expected.error));
    return;
  }
  const policy = read(code);
  expect([policy.generation, text(policy.generation === 'allowlist' ? policy.allow : policy.deny)]).toEqual([
    expected.generation,
    expected.taken ?? expected.refused,
  ]);
  // Both sides agree but where the case says what is hidden besides.
  expect((policy.disagreements ?? []).length > 0).toBe(expected.hidden !== undefined);
});

test('at least 40 trees, half of them with a mistake, and at most 8 that cannot be read', () => {
  expect(cases.length).toBeGreaterThanOrEqual(40);
  expect(cases.filter(({ expected }) => expected.error !== undefined).length).toBeLessThanOrEqual(cases.length - 36);
});

const LEAVES = [
  [1, 0],
  [1, 1],
  [5, 0],
  [7, 0],
  [7, 1],
  [7, 2],
  [0x14, 0],
  [0x14, 3],
  [0x18, 0],
  [0x99, 5],
] as const;

/** What gcc makes of the same functions: hidden and refused bits of each leaf, each bit alone. */
function compiled(): ReadonlyMap<string, readonly string[]> | null {
  const directory = mkdtempSync(join(tmpdir(), 'bitwatch-corpus-'));
  try {
    const readable = cases.filter(({ expected }) => expected.error === undefined);
    const names = Object.keys(WORDS);
    const files = kernelFiles();
    writeFileSync(
      join(directory, 'prelude.h'),
      `#include <stdbool.h>
#include <stdio.h>
#include <string.h>
typedef unsigned int u32; typedef unsigned char u8; typedef int s32; typedef unsigned long long u64;
struct kvm_cpuid_entry2 { u32 function, index, flags, eax, ebx, ecx, edx, padding[3]; };
struct cpuid_reg { u32 function; u32 index; int reg; };
enum { CPUID_EAX, CPUID_EBX, CPUID_ECX, CPUID_EDX };
enum { ${names.join(', ')}, NR_CPUID_WORDS };
${files['arch/x86/include/asm/cpufeatures.h']}
${files['arch/x86/kvm/reverse_cpuid.h']}
#define feature_bit(name) (1u << (X86_FEATURE_##name & 31))
#define BIT(n) (1ul << (n))
#define ARRAY_SIZE(x) (sizeof(x) / sizeof((x)[0]))
#define WARN_ON_ONCE(x) ({ !!(x); })
#define pr_debug(...) do { } while (0)
#define fallthrough __attribute__((__fallthrough__))
#define EINVAL 22
#define EPERM 1
`,
    );
    const objects = readable.map(({ name, code }, at) => {
      const fill = /static void (fill_\w+)\(void\)/.exec(code)?.[1];
      writeFileSync(
        join(directory, `case${at}.c`),
        `#include "prelude.h"
${code}
void run_${at}(void)
{
	static const u32 leaves[][2] = { ${LEAVES.map(([leaf, index]) => `{ ${leaf}, ${index} }`).join(', ')} };
	int l, r, b, i;
	${fill === undefined ? '' : `${fill}();`}
	printf("case ${name}\\n");
	for (l = 0; l < ARRAY_SIZE(leaves); l++)
		for (r = 0; r < 4; r++) {
			u32 hidden = 0, refused = 0;
			for (b = 0; b < 32; b++) {
				struct kvm_cpuid_entry2 e = { leaves[l][0], leaves[l][1], 1 }, f;
				(&e.eax)[r] = 1u << b;
				f = e;
				refused |= (u32)!!refuses(&e) << b;
				hide(&f);
				for (i = 0; i < 4; i++) if ((&f.eax)[i] != (&e.eax)[i]) hidden |= 1u << b;
			}
			printf("%x.%x.%d %x %x\\n", leaves[l][0], leaves[l][1], r, hidden, refused);
		}
}
`,
      );
      return `case${at}.c`;
    });
    writeFileSync(
      join(directory, 'main.c'),
      `${objects.map((_, at) => `void run_${at}(void);`).join('\n')}\nint main(void) { ${objects.map((_, at) => `run_${at}();`).join(' ')} return 0; }\n`,
    );
    try {
      execFileSync('gcc', ['-w', '-O0', '-o', 'all', 'main.c', ...objects], { cwd: directory, stdio: 'pipe' });
    } catch (error) {
      if ((error as { code?: string }).code === 'ENOENT') return null;
      throw error;
    }
    const lines = execFileSync(join(directory, 'all'), { encoding: 'utf8' }).split('\n');
    const found = new Map<string, string[]>();
    let own: string[] = [];
    for (const line of lines) {
      if (line.startsWith('case ')) {
        own = [];
        found.set(line.slice(5), own);
      } else if (line !== '') own.push(line);
    }
    return found;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The mask of a list at a place. */
function maskAt(list: readonly PolicyMask[], leaf: number, index: number, register: string): number {
  let mask = 0n;
  for (const entry of list) {
    const isSubleaf =
      (entry.subleaf ?? 0) === index ||
      (entry.everySubleafBut !== undefined && !entry.everySubleafBut.includes(index) && entry.subleaf === 0);
    if (entry.leaf === leaf && entry.register === register && isSubleaf) mask |= BigInt(entry.mask);
  }
  return Number(mask);
}

const gcc = compiled();
describe.skipIf(gcc === null)('the compiler agrees (skipped without gcc)', () => {
  test.each(cases.filter(({ expected }) => expected.error === undefined))('$name', ({ name, code }) => {
    const { generation, deny, allow } = read(code);
    const refused = LEAVES.flatMap(([leaf, index]) =>
      REGISTERS.map((register, at) => {
        const own = generation === 'allowlist' ? allow : deny;
        const mask = BigInt(maskAt(own, leaf, index, register));
        const all = generation === 'allowlist' ? BigInt.asUintN(32, ~mask) : mask;
        return `${leaf.toString(16)}.${index.toString(16)}.${at} ${all.toString(16)}`;
      }),
    );
    expect(refused).toEqual(gcc?.get(name)?.map((line) => line.replace(/^(\S+) \S+ (\S+)$/, '$1 $2')));
  });
});
