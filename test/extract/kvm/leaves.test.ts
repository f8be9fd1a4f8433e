import { describe, expect, test } from 'vitest';
import { DataError } from '../../../pipeline/model/errors.ts';
import { NO_CACHE } from '../../../pipeline/specs/plain.ts';
import { policyToYaml, readPolicyFile } from '../../../pipeline/specs/policy-file.ts';
import { DENY, masks, policyOf } from '../../helpers/kernel-tree.ts';

const BIT = '(e->ebx & BIT(4))';
const filterOf = (body: string, before = ''): string => `${before}
static bool denied(const struct kvm_cpuid_entry2 *e)
{
	${body}
}
static void drop(struct kvm_cpuid_entry2 *e)
{
	if (denied(e))
		e->ebx &= ~BIT(4);
}
`;

describe('the leaves that a filter tells apart are found by running it', () => {
  test.each([
    ['a local copy', `u32 fn = e->function; return fn == 7 && e->index == 0 && ${BIT};`, ''],
    ['a constant on the left', `return 0x7 == e->function && 0 == e->index && ${BIT};`, ''],
    ['a cast', `return (u32)e->function == 7 && !e->index && ${BIT};`, ''],
    [
      'a switch on a copy',
      `u32 fn = e->function; switch (fn) { case 7: return !e->index && ${BIT}; } return false;`,
      '',
    ],
    [
      'an argument',
      `return is(e->function, e->index) && ${BIT};`,
      'static bool is(u32 fn, u32 index)\n{\n\treturn fn == 7 && index == 0;\n}\n',
    ],
    [
      'a bit that is asked for first',
      `if (!${BIT}) return false; if (e->index) return false; return e->function == 7;`,
      '',
    ],
  ])('%s', (_, body, before) => {
    const policy = policyOf({ filter: filterOf(body, before) });
    expect([policy.generation, masks(policy.deny)]).toEqual(['denylist', { '7.0.ebx': '0x10' }]);
  });

  test('every leaf of a range of cases', () => {
    const filter = filterOf(`switch (e->function) { case 5 ... 8: return e->index == 0 && ${BIT}; } return false;`);
    expect(Object.keys(masks(policyOf({ filter }).deny))).toEqual(['5.0.ebx', '6.0.ebx', '7.0.ebx', '8.0.ebx']);
  });

  test.each([
    [
      'a range',
      `return e->function >= 5 && e->function <= 9 && e->index == 0 && ${BIT};`,
      /tdx\.c:\d+:\d+: .*equality/,
    ],
    ['a sub-leaf range', `return e->function == 7 && e->index > 1 && ${BIT};`, /tdx\.c:\d+:\d+: .*equality/],
    ['arithmetic', `return e->function - 7 == 0 && !e->index && ${BIT};`, /tdx\.c:\d+:\d+: .*equality/],
    ['a joined key', `return ((u64)e->function << 32 | e->index) == 0x700000000ULL && ${BIT};`, /equality/],
    ['a part of a key', `return (u8)e->function == 7 && ${BIT};`, /tdx\.c:\d+:\d+: .*whole/],
    ['wide cases', `switch (e->function) { case 0 ... 0x7fffffff: return ${BIT}; } return false;`, /at most 64/],
    ['all sub-leaves but one', `return e->function == 7 && e->index && ${BIT};`, /names the sub-leaves of leaf 0x7/],
  ])('%s, of which not every leaf could be tried, is an error and never "nothing denied"', (_, body, message) => {
    expect(() => policyOf({ filter: filterOf(body) })).toThrow(DataError);
    expect(() => policyOf({ filter: filterOf(body) })).toThrow(message);
  });
});

describe('a refusal is found by what it does', () => {
  test.each([
    'if (denied(entry)) { pr_warn("no"); return -EINVAL; }',
    'if (denied(entry)) { int ret = -EINVAL; return ret; }',
  ])('%s', (refusal) => {
    expect(masks(policyOf({ refusal }).deny)).toEqual({ '7.0.ebx': '0x810' });
  });

  test('a second one that refuses more is no agreement', () => {
    const more =
      'if (denied(entry)) return -EINVAL; if (entry->function == 1 && (entry->edx & BIT(3))) { return -EINVAL; }';
    expect(policyOf({ refusal: more }).disagreements).toMatchObject([
      { kind: 'shown-but-refused', leaf: 1, register: 'edx', mask: 8 },
    ]);
  });
});

test.each([
  ['entry->function == 1', 1, 'every sub-leaf', { everySubleafBut: [] }],
  ['entry->function == 1 && entry->index == 0', 1, 'sub-leaf 0 alone', {}],
  ['entry->function == 7 && entry->index != 1', 7, 'every sub-leaf but 1', { everySubleafBut: [1] }],
])('a disagreement behind `%s` is one of leaf %s: %s', (test, leaf, _, every) => {
  const refusal = `if (denied(entry) || (${test} && (entry->edx & BIT(3)))) return -EINVAL;`;
  const found = policyOf({ refusal }).disagreements?.filter(({ subleaf }) => subleaf === 0);
  expect(found?.map(({ kind, leaf: own, mask, everySubleafBut }) => ({ kind, own, mask, everySubleafBut }))).toEqual([
    { kind: 'shown-but-refused', own: leaf, mask: 8, ...every },
  ]);
});

test('where a disagreement on every sub-leaf holds is written and read again', async () => {
  const policy = policyOf({ refusal: 'if (denied(entry) || (entry->function == 1 && entry->edx)) return -EINVAL;' });
  const read = await readPolicyFile('one.yaml', await policyToYaml(policy), NO_CACHE);
  expect(read.disagreements).toEqual(policy.disagreements);
  expect(policy.disagreements?.some(({ everySubleafBut }) => everySubleafBut?.length === 0)).toBe(true);
});

test('a bit that is added in one sub-leaf is told', () => {
  const init = 'drop(entry); if (entry->function == 7 && entry->index == 1) entry->eax |= 2;';
  expect(masks(policyOf({ filter: DENY, init }).adds)).toEqual({ '7.1.eax': '0x2' });
});

test('a bit that is added in one sub-leaf is still denied in another', () => {
  const init = 'drop(entry); if (entry->function == 7 && entry->index == 1) entry->ebx |= 0x10;';
  const policy = policyOf({ filter: DENY, init });
  expect([masks(policy.adds), masks(policy.deny)]).toEqual([{ '7.1.ebx': '0x10' }, { '7.0.ebx': '0x810' }]);
});

test('a sub-leaf that is denied alike keeps the denial where a bit is added everywhere', () => {
  const filter = filterOf('return e->function == 7 && (e->ebx & BIT(4)) && (e->index == 3 || e->index != 3);');
  const init = 'drop(entry); if (entry->function == 7) entry->ebx |= 0x20;';
  const policy = policyOf({ filter, init });
  const everywhere = (list: typeof policy.deny) =>
    list.map(({ leaf, subleaf, mask, everySubleafBut }) => ({ leaf, subleaf, mask, everySubleafBut }));
  expect(everywhere(policy.adds)).toEqual([{ leaf: 7, subleaf: 0, mask: 0x20, everySubleafBut: [] }]);
  expect(everywhere(policy.deny)).toEqual([{ leaf: 7, subleaf: 0, mask: 0x10, everySubleafBut: [] }]);
});
