import { describe, expect, test } from 'vitest';
import { bitsText, namesText } from '../../pipeline/model/bit-names.ts';
import { parseBit } from '../../pipeline/model/bit-text.ts';
import { openerName } from '../../pipeline/model/clobber.ts';
import {
  CannotCreateError,
  ClosedPipeError,
  DataError,
  IoError,
  NoInputError,
  UnavailableError,
  UsageError,
} from '../../pipeline/model/errors.ts';
import { compareGates, gateId, gateOf } from '../../pipeline/model/gate.ts';
import { bitsOf64, formatBits, hasBit, hex, rangeMask, runsOf, xor } from '../../pipeline/model/mask.ts';
import { msrName } from '../../pipeline/model/msr-name.ts';
import { compareNumbers, compareTexts, compareVersions } from '../../pipeline/model/order.ts';
import { compareLeaves, comparePlaces, formatLeaf, formatPlace, type Place } from '../../pipeline/model/place.ts';
import { holdsAt } from '../../pipeline/model/policy.ts';
import { participantsOf, type Review } from '../../pipeline/model/review.ts';
import { suggest } from '../../pipeline/model/suggest.ts';

const EAX: Place = { leaf: 7, subleaf: 1, register: 'eax' };
const bits = (...named: readonly (readonly [number, string | null])[]) => named.map(([bit, name]) => ({ bit, name }));

describe('bits are told', () => {
  test('by place and positions; the whole register by its place alone', () => {
    expect([
      bitsText(EAX, 0x80004),
      bitsText(EAX, 0xffffffff),
      bitsText({ ...EAX, leaf: 1, subleaf: null }, 1),
    ]).toEqual(['7.1.EAX[19,2]', '7.1.EAX', '1.EAX[0]']);
  });

  test('by name: one alone, several with their positions, and what has no name beside what has one', () => {
    expect(namesText(bits([7, 'A']))).toBe('A');
    expect(namesText(bits([4, 'F'], [5, 'F']))).toBe('F');
    expect(namesText(bits([7, 'A'], [19, 'B']))).toBe('A [7], B [19]');
    expect(namesText(bits([4, 'F'], [5, 'F'], [9, 'B']))).toBe('F [5,4], B [9]');
    expect(namesText(bits([7, 'A'], [8, null], [10, null]))).toBe('A [7], no name [10,8]');
    expect([namesText(bits([8, null])), namesText([])]).toEqual(['', '']);
  });

  test('in runs, highest first', () => {
    expect([0xf, 0x3, 0x5, 0x80000001, 0xffffffff, 0x7].map(formatBits)).toEqual([
      '[3:0]',
      '[1,0]',
      '[2,0]',
      '[31,0]',
      '[31:0]',
      '[2:0]',
    ]);
    expect(runsOf(0xb)).toEqual([
      { low: 0, high: 1 },
      { low: 3, high: 3 },
    ]);
    expect([rangeMask(7, 4), rangeMask(0, 0), rangeMask(31, 30), rangeMask(3, 5)]).toEqual([0xf0, 1, 0xc0000000, 0]);
    expect([hasBit(0x80000000, 31), hasBit(0x80000000, 30), xor(0xffffffff, 1), hex(255), hex(16n)]).toEqual([
      true,
      false,
      0xfffffffe,
      '0xff',
      '0x10',
    ]);
    expect([bitsOf64(0n), bitsOf64((1n << 63n) | 5n), bitsOf64(1n << 64n)]).toEqual([[], [0, 2, 63], []]);
  });
});

describe('a bit is read', () => {
  const read = (text: string) => {
    const found = parseBit(text);
    return found === null ? null : `${formatPlace(found.place)} ${found.mask.toString(16)}`;
  };
  test.each([
    ['7.1.EAX[19]', '7.1.EAX 80000'],
    ['  0x7.1.eax.19 ', '7.1.EAX 80000'],
    [' 7.1.EAX[19]', '7.1.EAX 80000'],
    ['7.1.EAX[19]\n', '7.1.EAX 80000'],
    ['CPUID.0x7.1:EAX[19]', '7.1.EAX 80000'],
    ['CPUID(7,1).EAX bit 19', '7.1.EAX 80000'],
    ['CPUID.(EAX=07H,ECX=1):EDX[31]', '7.1.EDX 80000000'],
    ['80000008.EAX[23:16]', '0x80000008.EAX ff0000'],
    ['7.0x1.EAX bits 3-1', '7.1.EAX e'],
    ['7.1.EAX', '7.1.EAX ffffffff'],
    ['1.ax[0]', '1.EAX 1'],
    ['0x19.EBX[31:0]', '0x19.EBX ffffffff'],
    ['10.EAX[0]', '0x10.EAX 1'],
  ])('%s is %s', (text, expected) => expect(read(text)).toBe(expected));

  test('only from 0 to 31, the higher one first; another text is none', () => {
    for (const text of ['7.1.EAX[32]', '7.1.EAX[1:2]', '7.1.EAX[99:0]'])
      expect(() => parseBit(text)).toThrow(UsageError);
    for (const text of ['WRMSRNS', '7.1', '7.1.EIX[1]', 'x7.1.EAX[1]', '7.1.EAX[1]x', ''])
      expect(read(text)).toBeNull();
    expect(read('7.1.EAX[2:2]')).toBe('7.1.EAX 4');
  });
});

test('a name that is close is offered: within two letters, or a third of a long one', () => {
  const known = ['1.5.06', 'WRMSRNS', 'exposed-unreviewed'];
  expect(suggest('1.5.6', known)).toBe('; did you mean "1.5.06"?');
  expect(suggest('wrmsrsn', known)).toBe('; did you mean "WRMSRNS"?');
  expect(suggest('WRMSRNSXY', known)).toBe('; did you mean "WRMSRNS"?');
  expect(suggest('WRMSRABC', known)).toBe('');
  expect(suggest('exposed-unreview', known)).toBe('; did you mean "exposed-unreviewed"?');
  expect(suggest('exposed-xxxxxxwed', known)).toBe('');
  expect(suggest('exposed-rexxxxwed', known)).toBe('');
  expect([suggest('ab', []), suggest('', ['abc']), suggest('', ['ab'])]).toEqual(['', '', '; did you mean "ab"?']);
  // The nearest of several, the first of two as near.
  expect(suggest('abcd', ['abxx', 'abcx', 'xbcd'])).toBe('; did you mean "abcx"?');
  // A letter more is one step, and a third of a long word is rounded down.
  expect(suggest('abcde', ['abcdefg'])).toBe('; did you mean "abcdefg"?');
  expect(suggest('abcdefghi', ['abcdefxyz'])).toBe('; did you mean "abcdefxyz"?');
  expect(suggest('abcdefghi', ['abcdewxyz'])).toBe('');
  expect([suggest('kitten', ['sitting']), suggest('kitten', ['sittin'])]).toEqual(['', '; did you mean "sittin"?']);
});

describe('a known error', () => {
  test('has the status of its kind, its own name and its cause', () => {
    const cause = new Error('inner');
    const errors = [UsageError, NoInputError, UnavailableError, CannotCreateError, IoError, ClosedPipeError].map(
      (kind) => new kind('said', { cause }),
    );
    expect(errors.map(({ name, status, message, cause: own }) => [name, status, message, own === cause])).toEqual([
      ['UsageError', 64, 'said', true],
      ['NoInputError', 66, 'said', true],
      ['UnavailableError', 69, 'said', true],
      ['CannotCreateError', 73, 'said', true],
      ['IoError', 74, 'said', true],
      ['ClosedPipeError', 141, 'said', true],
    ]);
  });

  test('of bad data says where as far as it is known, what was expected and found, and what to do', () => {
    const text = (where: DataError['problem']['where'], hint?: string) =>
      new DataError({ where, expected: 'a', found: 'b', ...(hint === undefined ? {} : { hint }) }).message;
    expect(text({ file: 'f' })).toBe('f: expected a, found b');
    expect(text({ file: 'f', line: 3 })).toBe('f:3: expected a, found b');
    expect(text({ file: 'f', line: 3, column: 7 }, 'do c')).toBe('f:3:7: expected a, found b; do c');
    expect(text({ file: 'f', column: 7 })).toBe('f: expected a, found b');
    expect(text({ file: 'f', at: 'x[3].y' })).toBe('f: x[3].y: expected a, found b');
    const problem = { where: { file: 'f' }, expected: 'a', found: 'b' };
    expect([new DataError(problem).status, new DataError(problem).problem]).toEqual([65, problem]);
  });
});

describe('names and orders', () => {
  test('of MSRs are one, however a tree writes them', () => {
    expect(
      ['MSR_IA32_UMWAIT_CONTROL', 'IA32_UMWAIT_CONTROL', 'UMWAIT_CONTROL', 'ia32_umwait_control_MSR_ADDR'].map(msrName),
    ).toEqual(Array(4).fill('UMWAIT_CONTROL'));
    expect(['MSR_SYSCALL_MASK', 'IA32_FMASK', 'XFD_ERROR', 'MSR_IA32_DEBUGCTLMSR', 'A_IA32_B'].map(msrName)).toEqual([
      'FMASK',
      'FMASK',
      'XFD_ERR',
      'DEBUGCTL',
      'A_IA32_B',
    ]);
  });

  test('of gates: attributes before XFAM, each by number; another kind is a bug', () => {
    const gates = ['xfam:10', 'xfam:2', 'attributes:63', 'attributes:5'] as const;
    expect([...gates].sort(compareGates)).toEqual(['attributes:5', 'attributes:63', 'xfam:2', 'xfam:10']);
    expect([gateOf('xfam:17'), gateId({ kind: 'attributes', bit: 30 })]).toEqual([
      { kind: 'xfam', bit: 17 },
      'attributes:30',
    ]);
    expect(() => gateOf('mode:1' as 'xfam:1')).toThrow('mode:1 names no gate');
  });

  test('of openers: the bits, highest first, or the gate', () => {
    expect(openerName({ kind: 'cpuid', flag: 'f', ...EAX, mask: 0x810 })).toBe('7.1.EAX[11,4]');
    expect(openerName({ kind: 'xfam', bit: 15, name: 'LBR' })).toBe('xfam:15');
    expect(openerName({ kind: 'attributes', bit: 63, name: 'PERFMON' })).toBe('attributes:63');
  });

  test('of places: leaf, sub-leaf, register; small leaves are written without 0x', () => {
    const places: readonly Place[] = [
      { leaf: 7, subleaf: 1, register: 'edx' },
      { leaf: 7, subleaf: 1, register: 'eax' },
      { leaf: 0x80000008, subleaf: null, register: 'eax' },
      { leaf: 7, subleaf: null, register: 'edx' },
      { leaf: 1, subleaf: 9, register: 'ecx' },
    ];
    expect([...places].sort(comparePlaces).map(formatPlace)).toEqual([
      '1.9.ECX',
      '7.EDX',
      '7.1.EAX',
      '7.1.EDX',
      '0x80000008.EAX',
    ]);
    expect([9, 10].map((leaf) => formatLeaf({ leaf, subleaf: leaf }))).toEqual(['9.9', '0xa.0xa']);
    expect([
      compareLeaves({ leaf: 1, subleaf: null }, { leaf: 1, subleaf: 0 }),
      compareLeaves({ leaf: 1, subleaf: 2 }, { leaf: 1, subleaf: null }),
    ]).toEqual([0, 2]);
  });

  test('of numbers, texts and versions are total', () => {
    expect([compareNumbers(1, 2), compareNumbers(2, 1), compareNumbers(1, 1)]).toEqual([-1, 1, 0]);
    expect([compareTexts('a', 'b'), compareTexts('b', 'a'), compareTexts('a', 'a'), compareTexts('B', 'a')]).toEqual([
      -1, 1, 0, -1,
    ]);
    const sorted = ['1.5 Beta', '1.5', '1.5.01', '1.5.6', '1.5.06', '6.9', '6.16', '7.0-rc1', '7.0'];
    for (const [index, version] of sorted.entries())
      for (const [at, other] of sorted.entries()) {
        if (version === '1.5.6' && other === '1.5.06') expect(compareVersions(version, other)).toBe(1);
        else if (version === '1.5.06' && other === '1.5.6') expect(compareVersions(version, other)).toBe(-1);
        else
          expect([version, other, compareVersions(version, other)]).toEqual([
            version,
            other,
            Math.sign(index - at) + 0,
          ]);
      }
  });

  test('a mask of a policy holds at its place, and where it says so at every other sub-leaf', () => {
    const entry = { ...EAX, subleaf: 0, mask: 1, path: 'p', line: 1 };
    const holds = (every: readonly number[] | undefined, place: Partial<Place>) =>
      holdsAt({ ...entry, ...(every === undefined ? {} : { everySubleafBut: every }) }, { ...EAX, ...place });
    expect([holds(undefined, { subleaf: 0 }), holds(undefined, { subleaf: null }), holds(undefined, {})]).toEqual([
      true,
      true,
      false,
    ]);
    expect([holds([], {}), holds([1], {}), holds([2], {}), holds([0], { subleaf: 0 })]).toEqual([
      true,
      false,
      true,
      true,
    ]);
    expect([holds([], { leaf: 8 }), holds([], { register: 'ebx' })]).toEqual([false, false]);
  });

  test('of who takes part in a review: the older one first', () => {
    const [a, b, kvm] = ['a', 'b', 'k'].map((name) => ({ name, source: null, notes: [] }));
    const names = (review: object) => participantsOf(review as Review).map(({ name }) => name);
    expect(names({ kind: 'release', from: a, to: b, policy: kvm })).toEqual(['a', 'b', 'k']);
    expect(names({ kind: 'release', from: a, to: b, policy: null })).toEqual(['a', 'b']);
    expect(names({ kind: 'policy', policy: kvm })).toEqual(['k']);
    expect(names({ kind: 'policy-step', from: a, to: b })).toEqual(['a', 'b']);
    expect(names({ kind: 'facts' })).toEqual([]);
  });
});
