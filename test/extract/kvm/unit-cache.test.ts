import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { openTree, type UnitCache } from '../../../pipeline/extract/kvm/open-tree.ts';
import { TDX_PATH } from '../../../pipeline/extract/kvm/paths.ts';
import { readPolicy } from '../../../pipeline/extract/kvm/policy.ts';
import { KnownError } from '../../../pipeline/model/errors.ts';
import { DENY, type KernelParts, kernelFiles, MASKING } from '../../helpers/kernel-tree.ts';

const XCR0 = '#define KVM_SUPPORTED_XCR0 (XFEATURE_MASK_FP | XFEATURE_MASK_SSE)\n';

/** HLE and RTM are kept back by a function each. */
const bitOf = (name: string, bit: string): string =>
  `void drop_${name}(struct kvm_cpuid_entry2 *entry)\n{\n\tif (entry->function == 7 && entry->index == 0)\n\t\tentry->ebx &= ~BIT(${bit});\n}\n`;
const REST = `static bool denied(const struct kvm_cpuid_entry2 *entry)
{
	return entry->function == 7 && entry->index == 0 && (entry->ebx & (BIT(4) | BIT(11)));
}
static void drop(struct kvm_cpuid_entry2 *entry)
{
	drop_hle(entry);
	drop_rtm(entry);
}
`;
const APART = `${bitOf('hle', '4')}${bitOf('rtm', '11')}${REST}`;
const swapped = (code: string): string => code.replace(/(void drop_hle[^}]*\}\n)(void drop_rtm[^}]*\}\n)/, '$2$1');
const X86 = 'arch/x86/kvm/x86.c';
const ELSEWHERE = `${bitOf('rtm', '11')}${REST}`;
const HLE_ELSEWHERE = `${XCR0}${'\n'.repeat(4)}${bitOf('hle', '4')}`;
const HOST = 'arch/x86/include/asm/kvm_host.h';
const ATTRIBUTE_IN_HOST = `${kernelFiles()[HOST]}#define OUR_ATTRIBUTE BIT_ULL(29)\n`;

/** A history in which each revision changes one file: what was read from the others must not stand for it. */
const REVISIONS: readonly (readonly [change: string, parts: KernelParts])[] = [
  ['the first', {}],
  ['tdx.c denies less', { filter: DENY.replace(' | __feature_bit(X86_FEATURE_RTM)', '') }],
  ['a line is put into a function that denies', { filter: DENY.replace('{\n\tentry->ebx', '{\n\n\tentry->ebx') }],
  ['what denies stands lower', { filter: `\n/* two lines */\n${DENY}` }],
  ['two functions deny bits of one register', { filter: APART }],
  ['they change places', { filter: swapped(APART) }],
  ['one of them is in x86.c', { filter: ELSEWHERE, files: { [X86]: HLE_ELSEWHERE } }],
  ['the other stands lower than that', { filter: `${'\n'.repeat(9)}${ELSEWHERE}`, files: { [X86]: HLE_ELSEWHERE } }],
  ['a header that comes first gives an attribute another bit', { files: { [HOST]: ATTRIBUTE_IN_HOST } }],
  ['tdx.c sets a flag', { values: `${MASKING}\n\t\tparams->config_flags |= 4;` }],
  ['a header moves a denied bit', { features: { HLE: ['CPUID_7_0_EBX', 9] } }],
  [
    'a header gives an attribute another bit',
    { files: { 'arch/x86/include/asm/shared/tdx.h': '#define OUR_ATTRIBUTE BIT_ULL(30)\n' } },
  ],
  ['KVM knows another bit', { capabilities: '\tkvm_cpu_cap_init(CPUID_1_EDX,\n\t\tF(PEAR), F(QUINCE),\n\t);' }],
  ['x86.c masks more of XFAM', { files: { 'arch/x86/kvm/x86.c': XCR0.replace(' | XFEATURE_MASK_SSE', '') } }],
  ['vmx.c leaves XSS open', { files: { 'arch/x86/kvm/vmx/vmx.c': 'static void vmx_set_cpu_caps(void)\n{\n}\n' } }],
  ['tdx.c cannot be read', { files: { [TDX_PATH]: 'static int set_up(void)\n{\n' } }],
  ['a header is gone', { without: ['arch/x86/include/asm/cpufeatures.h'] }],
];

/** All that is read of a revision, or its error; a file's blob is made of its content, as git's is. */
function printed(parts: KernelParts, cache?: UnitCache): string {
  const files = Object.entries(kernelFiles(parts))
    .filter(([path]) => !parts.without?.includes(path))
    .map(([path, text]) => [path, { text, blob: createHash('sha1').update(text).digest('hex') }] as const);
  try {
    const policy = readPolicy(openTree('example/linux', 'a'.repeat(40), new Map(files), cache), '7.2.1');
    // The blob of tdx.c tells every revision from the others, whatever was read of it.
    return inspect({ ...policy, source: null }, { depth: null, maxArrayLength: null, sorted: true });
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
    return `${error.name}: ${error.message}`;
  }
}

test('a cache decides nothing: forward and backward it gives the bytes that each revision gives alone', () => {
  const alone = new Map(REVISIONS.map(([change, parts]) => [change, printed(parts)]));
  // Each change shows, so that a fact of another revision would too.
  expect(new Set(alone.values()).size).toBe(REVISIONS.length);
  const cache: UnitCache = new Map();
  for (const [change, parts] of [...REVISIONS, ...REVISIONS.toReversed()])
    expect([change, printed(parts, cache)]).toEqual([change, alone.get(change)]);
  expect(cache.size).toBeGreaterThan(0);
});
