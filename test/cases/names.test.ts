import { describe, expect, test } from 'vitest';
import { bitsIn, findBits, isNamed } from '../../pipeline/cases/find-bits.ts';
import { buildOf, namedRelease, releaseName } from '../../pipeline/cases/named.ts';
import { findRelease } from '../../pipeline/cases/operand.ts';
import { archiveLabels } from '../../pipeline/cases/page-discussions.ts';
import { NoInputError, UsageError } from '../../pipeline/model/errors.ts';
import { formatPlace } from '../../pipeline/model/place.ts';
import { unknownRelease } from '../../pipeline/specs/lists-file.ts';
import { KNOWLEDGE, policy, release } from '../judge/ground.ts';
import { specsOf } from './facts.ts';

const SPECS = specsOf({
  releases: [
    release('1.5 Beta', [{}]),
    release('1.5.06', [{ leaf: 1, subleaf: null }, { leaf: 0x19, subleaf: 0 }, {}]),
    release('2.0.08', [{ subleaf: 2 }, {}]),
  ],
  known: [{ ...unknownRelease('1.5.22'), seen: ['README', 'tag'] }, unknownRelease('1.5.06')],
  policies: [policy({ version: '6.16.1' })],
});

describe('a release', () => {
  test('is named as people write it', () => {
    for (const text of [
      'TDX_1.5.06',
      'v1.5.06',
      'Intel TDX Module 1.5.06',
      'intel-tdx-module-1.5.06',
      'tdx 1.5.06',
      '1.5.06',
    ])
      expect([text, releaseName(text)]).toEqual([text, '1.5.06']);
    expect([releaseName('1.5-beta'), releaseName('1.5_Beta'), releaseName('version'), releaseName('tdxy')]).toEqual([
      '1.5 beta',
      '1.5 beta',
      'version',
      'y',
    ]);
    const found = (text: string) => findRelease(SPECS, text).module.release;
    expect(['1.5.06', 'TDX_1.5.06', '1.5-beta', 'latest', '2.0.08'].map(found)).toEqual([
      '1.5.06',
      '1.5.06',
      '1.5 Beta',
      '2.0.08',
      '2.0.08',
    ]);
  });

  test('that has no tables is told apart from one that nobody knows, with what there is', () => {
    expect(() => findRelease(SPECS, 'v1.5.22')).toThrow(NoInputError);
    expect(() => findRelease(SPECS, '1.5.22')).toThrow(
      'release 1.5.22 is known by name only, its tables could not be read (seen: README; tag)',
    );
    expect(() => findRelease(SPECS, '1.5.60')).toThrow(UsageError);
    expect(() => findRelease(SPECS, '1.5.60')).toThrow(
      /no release "1\.5\.60".*1\.5\.06.*newest first: 2\.0\.08, 1\.5\.06, 1\.5 Beta$/,
    );
    expect([namedRelease(SPECS, '1.5.22'), namedRelease(SPECS, 'tdx_2.0.08'), namedRelease(SPECS, '9')]).toEqual([
      '1.5.22',
      '2.0.08',
      null,
    ]);
  });

  test('has builds behind its number', () => {
    expect(buildOf('1.5.06.00.744')).toEqual({ name: '1.5.06', build: '00.744' });
    expect(buildOf('TDX_1.5.06.744')).toEqual({ name: 'TDX_1.5.06', build: '744' });
    for (const text of ['1.5.06', '1.5', '1.5.06.x', '1.5.06.1.2.3x'])
      expect(buildOf(text)).toEqual({ name: text, build: null });
  });
});

describe('bits', () => {
  const found = (text: string) =>
    findBits(SPECS, text).map(({ place, mask }) => `${formatPlace(place)} ${mask.toString(16)}`);

  test('are a place, a feature by the kernel’s name, or all registers of a leaf', () => {
    expect(found('7.1.EAX[19]')).toEqual(['7.1.EAX 80000']);
    expect(found('PLAIN')).toEqual(['7.1.EAX 4']);
    expect([found('x86_feature_plain'), found('number')]).toEqual([['7.1.EAX 4'], ['7.1.EAX f0000000']]);
    expect(found('0x7.1')).toEqual(['eax', 'ebx', 'ecx', 'edx'].map((name) => `7.1.${name.toUpperCase()} ffffffff`));
    expect(found('0x7').map((text) => text.slice(0, 7))).toEqual([
      ...['EAX', 'EBX', 'ECX', 'EDX'].map((name) => `7.1.${name}`),
      ...['EAX', 'EBX', 'ECX', 'EDX'].map((name) => `7.2.${name}`),
    ]);
    expect(found('leaf 0x19')).toHaveLength(4);
    expect(found('CPUID.0x19.0')).toHaveLength(4);
    expect(found('0x7.0x2')).toHaveLength(4);
    expect([found(' 0x19 '), found('0x1.0')].map((all) => all.length)).toEqual([4, 4]);
    const unsorted = { ...SPECS, releases: [release('1.5.06', [{ subleaf: 2 }]), release('1.5.08', [{}])] };
    expect(findBits(unsorted, '0x7').map(({ place }) => place.subleaf)).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    expect([isNamed(SPECS, 'X86_FEATURE_CLOB'), isNamed(SPECS, 'clob'), isNamed(SPECS, 'CLO')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('stand where the tables have the leaf: without a sub-leaf or with sub-leaf 0', () => {
    expect([found('1.0.EAX[3]'), found('1.EAX[3]')]).toEqual([['1.EAX 8'], ['1.EAX 8']]);
    expect([found('0x19.EAX[3]'), found('0x19.0.EAX[3]')]).toEqual([['0x19.0.EAX 8'], ['0x19.0.EAX 8']]);
    // Where one release has it without sub-leaves and another with them, it is what was asked for.
    const both = { ...SPECS, releases: [release('1.5.08', [{ leaf: 0x19, subleaf: null }]), ...SPECS.releases] };
    const at = (text: string) => findBits(both, text).map(({ place }) => formatPlace(place));
    expect([at('0x19.EAX[3]'), at('0x19.0.EAX[3]')]).toEqual([['0x19.EAX'], ['0x19.0.EAX']]);
    expect(found('1.3.EAX[3]')).toEqual(['1.3.EAX 8']);
    expect([found('7.3.EAX[3]'), found('0x33.EAX[3]'), found('0x33.0.EAX[3]')]).toEqual([
      ['7.3.EAX 8'],
      ['0x33.EAX 8'],
      ['0x33.0.EAX 8'],
    ]);
  });

  test('that nothing names are refused, with a name that is near', () => {
    expect(() => findBits(SPECS, 'PLAIM')).toThrow(/"PLAIM" is no bit.*PLAIN/);
    expect(() => findBits(SPECS, '0x44')).toThrow(UsageError);
    expect(() => findBits(SPECS, '0x7.5')).toThrow(UsageError);
  });

  test('of a mask come lowest first', () => {
    expect([bitsIn(0x80000005), bitsIn(0)]).toEqual([[0, 2, 31], []]);
  });

  test('of a name that stands at two places are both', () => {
    const names = [
      ...KNOWLEDGE.names,
      { leaf: 9, subleaf: 0, register: 'ecx' as const, high: 0, low: 0, name: 'Rao-Int' },
      { leaf: 9, subleaf: 0, register: 'ebx' as const, high: 4, low: 3, name: 'Plain' },
    ];
    const both = findBits({ ...SPECS, knowledge: { ...KNOWLEDGE, names } }, 'plain');
    expect(both.map(({ place, mask }) => [formatPlace(place), mask])).toEqual([
      ['7.1.EAX', 0x4],
      ['9.0.EBX', 0x18],
    ]);
    const spelt = (text: string) => isNamed({ ...SPECS, knowledge: { ...KNOWLEDGE, names } }, text);
    expect(['RAO_INT', 'rao-int', 'RAOINT'].map(spelt)).toEqual([true, true, false]);
  });
});

describe('archives are called', () => {
  const labels = (names: readonly string[], lists: Parameters<typeof archiveLabels>[1] = []) =>
    [...archiveLabels(names, lists)].map(([name, label]) => [name, label.name, label.url]);

  test('by the list of their folder, with its address', () => {
    const lists = [{ name: 'kvm', url: 'https://example.org/kvm' }];
    for (const path of ['/m/kvm/git/0.git', '/m/kvm/0.git', '/m/kvm.git', '/m/kvm.git/', 'm\\kvm\\git\\12.git'])
      expect(labels([path], lists)).toEqual([[path, 'kvm', 'https://example.org/kvm']]);
    expect(labels(['/m/kvm-x'], lists)).toEqual([['/m/kvm-x', 'kvm-x', null]]);
  });

  test('by as many folders as tell them apart', () => {
    expect(labels(['/a/one/kvm', '/b/two/kvm', './lkml'])).toEqual([
      ['/a/one/kvm', 'one/kvm', null],
      ['/b/two/kvm', 'two/kvm', null],
      ['./lkml', 'lkml', null],
    ]);
    expect(labels(['/a/x/kvm', '/b/x/kvm'])).toEqual([
      ['/a/x/kvm', 'a/x/kvm', null],
      ['/b/x/kvm', 'b/x/kvm', null],
    ]);
    // Epochs of one archive are one archive; one whose folders all are another's last ones keeps them.
    expect(labels(['/a/kvm/git/0.git', '/a/kvm/git/1.git']).map(([, name]) => name)).toEqual(['kvm', 'kvm']);
    expect(labels(['kvm', '/a/kvm']).map(([, name]) => name)).toEqual(['kvm', 'a/kvm']);
    expect(labels(['/'])).toEqual([['/', '/', null]]);
  });
});
