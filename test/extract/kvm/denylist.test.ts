import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DataError } from '../../../pipeline/model/errors.ts';
import { DENY, type KernelParts, MASKING, masks, policyOf } from '../../helpers/kernel-tree.ts';

const TSX = { '7.0.ebx': '0x810' };
const denied = (parts: KernelParts): Readonly<Record<string, string>> => {
  const policy = policyOf(parts);
  expect(policy.generation).toBe('denylist');
  expect(policy.allow).toEqual([]);
  return masks(policy.deny);
};
const filterOf = (condition: string, clear: string): string => `
static bool denied(const struct kvm_cpuid_entry2 *entry)
{
	${condition}
}
static void drop(struct kvm_cpuid_entry2 *entry)
{
	if (denied(entry))
		${clear}
}
`;

test.each<[string, string, Readonly<Record<string, string>>]>([
  ['as written', DENY, TSX],
  [
    'a bit more in the macro',
    DENY.replace('| __feature', '| __feature_bit(X86_FEATURE_QUINCE) | __feature'),
    { '7.0.ebx': '0x80810' },
  ],
  ['renamed', DENY.replaceAll('uses_tsx', 'whatever').replaceAll('DENIED_TSX', 'OTHER'), TSX],
  ['one line', DENY.replace(/\n(?!#|static bool uses)/g, ' ').replace('RTM)) ', 'RTM))\n'), TSX],
  [
    'a macro over lines',
    DENY.replace('(__feature_bit(X86_FEATURE_HLE) |', '( \\\n\t__feature_bit(X86_FEATURE_HLE) \\\n |'),
    TSX,
  ],
  ['raw bits', DENY.replace(/^#define .*$/m, '#define DENIED_TSX (BIT(4) | (u32)GENMASK(11, 11))'), TSX],
  [
    'a range of bits',
    DENY.replace(/^#define .*$/m, '#define DENIED_TSX ((__u32)GENMASK(11, 9))'),
    { '7.0.ebx': '0xe00' },
  ],
  [
    'functions in another order',
    `static bool denied(const struct kvm_cpuid_entry2 *entry);\n${DENY.split(/(?=^static )/m)
      .reverse()
      .join('')}`.replace(/^/, ''),
    TSX,
  ],
  [
    'nested conditions with an early return',
    filterOf(
      'if (entry->function != 7) return false; if (entry->index == 0) { if (entry->ebx & BIT(4)) return true; } return false;',
      'entry->ebx &= ~(1U << 4);',
    ),
    { '7.0.ebx': '0x10' },
  ],
  [
    'a switch on the function',
    filterOf(
      'switch (entry->function) { case 7: return !entry->index && (entry->ecx & BIT(5)); default: return false; }',
      'entry->ecx &= ~(u32)BIT(5);',
    ),
    { '7.0.ecx': '0x20' },
  ],
  [
    'an accessor of features',
    filterOf(
      'return entry->function == 7 && entry->index == 0 && cpuid_entry_has(entry, X86_FEATURE_WAITPKG);',
      'cpuid_entry_clear(entry, X86_FEATURE_WAITPKG);',
    ),
    { '7.0.ecx': '0x20' },
  ],
  [
    'a second predicate that the first calls',
    filterOf('return uses(entry);', 'entry->ebx &= ~__feature_bit(X86_FEATURE_RTM);') +
      'static bool uses(const struct kvm_cpuid_entry2 *e)\n{\n\treturn e->function == 7 && e->index == 0 && (e->ebx & __feature_bit(X86_FEATURE_RTM));\n}\n',
    { '7.0.ebx': '0x800' },
  ],
])('the denylist follows the meaning of the code: %s', (_, filter, expected) => {
  expect(denied({ filter })).toEqual(expected);
});

test('what VMX adds to the capabilities KVM gives to ordinary VMs too; what it clears on a host it does not take away', () => {
  const vmx = `static void vmx_set_cpu_caps(void)
{
	if (cpu_has_it())
		kvm_cpu_cap_check_and_set(X86_FEATURE_RTM);
	if (!cpu_has_that())
		kvm_cpu_cap_clear(X86_FEATURE_PEAR);
	kvm_caps.supported_xss = 0;
}
`;
  const path = 'arch/x86/kvm/vmx/vmx.c';
  expect(masks(policyOf().known)).toEqual({ '1.0.edx': '0x4' });
  const { known } = policyOf({ files: { [path]: vmx } });
  expect(masks(known)).toEqual({ '1.0.edx': '0x4', '7.0.ebx': '0x800' });
  expect(known.map((each) => each.path)).toEqual(['arch/x86/kvm/cpuid.c', path]);
});

test('no clearing and no refusal is a generation of its own', () => {
  const policy = policyOf({ filter: '', init: '', refusal: '' });
  expect([policy.generation, policy.deny, policy.allow]).toEqual(['none', [], []]);
});

test.each<[string, KernelParts, readonly unknown[]]>([
  ['hides but does not refuse', { refusal: '' }, ['hidden-not-refused', 'ebx', 0x810, 11, {}]],
  ['refuses but does not hide', { init: '' }, ['shown-but-refused', 'ebx', 0x810, 48, TSX]],
  [
    'refuses more than it hides',
    { refusal: 'if (denied(entry) || (entry->function == 1 && entry->edx & BIT(3))) return -EINVAL;' },
    ['shown-but-refused', 'edx', 8, 48, { ...TSX, '1.0.edx': '0x8' }],
  ],
])('what one command does and the other does not is told, and what is refused is denied: %s', (_, parts, told) => {
  const { disagreements, deny } = policyOf(parts);
  const [kind, register, mask, line, denies] = told;
  expect(disagreements?.[0]).toMatchObject({ kind, register, mask });
  expect([disagreements?.[0]?.shown.line, disagreements?.[0]?.setUp.line]).toContain(line);
  expect(masks(deny)).toEqual(denies);
});

test.each<[string, KernelParts, RegExp]>([
  [
    'bits that count only together',
    { filter: DENY.replace('(entry->ebx & DENIED_TSX)', '(entry->ebx & DENIED_TSX) == DENIED_TSX') },
    /each bit alone/,
  ],
  ['an unknown feature', { filter: DENY.replace('FEATURE_HLE', 'FEATURE_MEDLAR') }, /tdx\.c:\d+:\d+: .*MEDLAR/],
  [
    'a mask joined to what the module says',
    { init: 'entry->eax = (u32)conf->cpuid_config_values[idx][0] & ~2; drop(entry);' },
    /tdx\.c:\d+: .*a mask of every leaf/,
  ],
  [
    'one in a variable',
    { init: 'u64 both = conf->cpuid_config_values[idx][1] & 7; entry->edx = both >> 32; drop(entry);' },
    /a mask of every leaf/,
  ],
  ['an unknown function', { init: 'drop(entry); prune(entry);' }, /tdx\.c:\d+:\d+: .*prune/],
  ['a merge marker', { filter: `${DENY}\n<<<<<<< ours\n` }, /tdx\.c:\d+:1: .*merge marker/],
  [
    'an unknown capability macro',
    { capabilities: '\tkvm_cpu_cap_init(CPUID_1_EDX, NOVEL_F(PEAR));' },
    /cpuid\.c:3:\d+: .*F, SF/,
  ],
  [
    'an unknown capability',
    { capabilities: '\tkvm_cpu_cap_init(CPUID_1_EDX, F(MEDLAR));' },
    /cpuid\.c:3:\d+: .*MEDLAR/,
  ],
])('code that is not understood is an error, not a policy: %s', (_, parts, message) => {
  expect(() => policyOf(parts)).toThrow(DataError);
  expect(() => policyOf(parts)).toThrow(message);
});

test('any set of bits comes out as it went in', () => {
  const registers = ['eax', 'ebx', 'ecx', 'edx'] as const;
  const mask = fc.integer({ min: 1, max: 0xffffffff });
  fc.assert(
    fc.property(
      fc.uniqueArray(
        fc.tuple(fc.constantFrom(1, 7, 0x14), fc.constantFrom(0, 1), fc.constantFrom(...registers), mask),
        { minLength: 1, maxLength: 4, selector: ([leaf, index, register]) => `${leaf}.${index}.${register}` },
      ),
      (places) => {
        const tests = places.map(
          ([leaf, index, register, bits]) =>
            `(e->function == ${leaf} && e->index == ${index} && (e->${register} & 0x${bits.toString(16)}))`,
        );
        const clears = places.map(
          ([, , register, bits], at) => `\tif ${tests[at]}\n\t\te->${register} &= ~0x${bits.toString(16)}U;`,
        );
        const filter = `static bool denied(const struct kvm_cpuid_entry2 *e)\n{\n\treturn ${tests.join(' ||\n\t\t')};\n}\nstatic void drop(struct kvm_cpuid_entry2 *e)\n{\n${clears.join('\n')}\n}\n`;
        expect(denied({ filter })).toEqual(
          Object.fromEntries(
            places.map(([leaf, index, register, bits]) => [
              `${leaf.toString(16)}.${index}.${register}`,
              `0x${bits.toString(16)}`,
            ]),
          ),
        );
      },
    ),
    { numRuns: 15 },
  );
});

test('a macro that both branches of an #if define is an error unless it has one value', () => {
  const filter = (other: string) =>
    DENY.replace(/^(#define DENIED_TSX .*)$/m, `#ifdef CONFIG_OURS\n$1\n#else\n#define DENIED_TSX ${other}\n#endif`);
  expect(denied({ filter: filter('(BIT(4) | BIT(11))') })).toEqual(TSX);
  expect(() => policyOf({ filter: filter('0') })).toThrow(DataError);
  expect(() => policyOf({ filter: filter('0') })).toThrow(
    /tdx\.c:5: .*DENIED_TSX.* one where defined\(CONFIG_OURS\) here, and one where !\(defined\(CONFIG_OURS\)\) another in line 7/,
  );
  const attributes =
    '#ifdef CONFIG_OURS\n#define KVM_SUPPORTED_TDX_TD_ATTRS 1\n#else\n#define KVM_SUPPORTED_TDX_TD_ATTRS 3\n#endif\n';
  expect(() => policyOf({ filter: attributes + DENY })).toThrow(/KVM_SUPPORTED_TDX_TD_ATTRS that means the same/);
});

test('what stands under an #ifdef of its own counts, and the policy says where it does', () => {
  const filter = DENY.replace(/^(static bool uses_tsx[^}]*\n}\n)/m, '#ifdef CONFIG_OURS\n$1#endif\n');
  const policy = policyOf({ filter });
  expect([masks(policy.deny), policy.notes]).toEqual([
    TSX,
    ['uses_tsx is taken to be there, which it is only where defined(CONFIG_OURS)'],
  ]);
  expect(policyOf().notes).toEqual([]);
});

test('what a denylist hides and the set-up takes away, without an error, is denied', () => {
  expect(denied({ refusal: '', values: MASKING })).toEqual(TSX);
  const forgotten = policyOf({ refusal: '', values: MASKING.replace('& own.ebx', '') });
  expect([forgotten.deny, forgotten.disagreements]).toMatchObject([[], [{ kind: 'hidden-not-refused', mask: 0x810 }]]);
});

test('a denial without a test of the sub-leaf is one of every sub-leaf, and says so', () => {
  const own = filterOf('return entry->function == 0x14 && (entry->ebx & BIT(4));', 'entry->ebx &= ~BIT(4);');
  expect(policyOf({ filter: own }).deny).toMatchObject([{ leaf: 0x14, subleaf: 0, everySubleafBut: [] }]);
  expect(policyOf().deny.every((entry) => entry.everySubleafBut === undefined)).toBe(true);
  const other = 'drop(entry); if (entry->function != 7 && entry->index == 5) entry->eax = 0;';
  expect(() => policyOf({ init: other })).toThrow(/a mask of every leaf/);
});

test('a third denial, of leaf 1, whose comment names the functions of the others', () => {
  const filter = `${DENY.replace('return uses_tsx(entry);', 'return uses_tsx(entry) || uses_mwait(entry);')
    .replace('\t\tdrop_tsx(entry);\n', '\t\tdrop_tsx(entry);\n\tif (uses_mwait(entry))\n\t\tdrop_mwait(entry);\n')
    .replace(
      'static bool denied',
      `/* Like uses_tsx() and drop_tsx(): denied() and drop() call both; kvm_find_cpuid_entry2() finds the entry. */
static bool uses_mwait(const struct kvm_cpuid_entry2 *entry)
{
	return entry->function == 1 && (entry->ecx & __feature_bit(X86_FEATURE_MWAIT));
}
static void drop_mwait(struct kvm_cpuid_entry2 *entry)
{
	entry->ecx &= ~__feature_bit(X86_FEATURE_MWAIT);
}
static bool denied`,
    )}`;
  const features = { MWAIT: ['CPUID_1_ECX', 3] } as const;
  const { deny, disagreements } = policyOf({ filter, features });
  expect(masks(deny)).toEqual({ '1.0.ecx': '0x8', '7.0.ebx': '0x810' });
  expect(disagreements).toEqual([]);
  // Cleared and not refused: the near miss.
  const open = filter.replace(' || uses_mwait(entry)', '');
  expect(policyOf({ filter: open, features }).disagreements).toMatchObject([
    { kind: 'hidden-not-refused', leaf: 1, register: 'ecx', mask: 8 },
  ]);
});
