import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { extractModule } from '../../../pipeline/extract/module/release.ts';
import { fixed0LeavesOf, readTables } from '../../../pipeline/extract/module/tables.ts';
import { classify } from '../../../pipeline/model/class.ts';
import { DataError, KnownError } from '../../../pipeline/model/errors.ts';
import { definesSource, moduleFiles, type TestTables, tablesSource } from '../../helpers/module-source.ts';

const SMALL: TestTables = {
  lookup: [
    {
      leaf: '0x7',
      subleaf: '0x0',
      fields: {
        verify_mask: { eax: '0xff' },
        verify_value: { eax: '0x0f' },
        fixed1: { ebx: '0x1' },
        fixed0_or_dynamic: { ebx: '0x80000000' },
      },
      config: '0',
    },
    { leaf: '0x3', flags: ['faulting'] },
  ],
  configurable: [{ leaf: '0x7', subleaf: '0x0', direct: { eax: '0x100' }, allow: { ebx: '0x30' }, lookup: '0' }],
  xfam: { xfam_mask_0x7_0x0: '    [2]={ .ebx = 0x20  } ,\n    [9]={ .ecx = 0x8  } ,' },
};
const read = (text: string, defines = definesSource(2, 1)) =>
  readTables({ path: 'cpuid_configurations.c', text }, { path: 'defines.h', text: defines });
const masks = (text: string) =>
  Object.fromEntries(
    classify(read(text).tables).flatMap((register) =>
      [...register.classes].map(([name, mask]) => [`${register.leaf}.${register.register}.${name}`, mask]),
    ),
  );

describe('cpuid_configurations.c', () => {
  test('gives every register its classes, gates and verified bits', () => {
    const registers = classify(read(tablesSource(SMALL)).tables);
    const eax = registers.find((register) => register.leaf === 7 && register.register === 'eax');
    const ebx = registers.find((register) => register.leaf === 7 && register.register === 'ebx');
    expect(eax).toMatchObject({
      classes: new Map([
        ['config-direct', 0x100],
        ['fixed1', 0x0f],
        ['fixed0', 0xf0],
        ['native', 0xfffffe00],
      ]),
      verified: { fixed1: 0x0f, fixed0: 0xf0 },
    });
    expect(ebx).toMatchObject({
      classes: new Map([
        ['allow-direct', 0x30],
        ['fixed1', 1],
        ['fixed0', 0x80000000],
        ['native', 0x7fffffce],
      ]),
      gates: new Map([['xfam:2', 0x20]]),
    });
    expect(registers.filter((register) => register.leaf === 3).map((register) => [...register.classes])).toEqual(
      Array(4).fill([['ve', 0xffffffff]]),
    );
  });

  test('reads positional entries, order and layout alike', () => {
    const positional = tablesSource(SMALL)
      .replace(/ \[\d+\] = \{ \.leaf/g, '  { // ENTRY_NUM = 0\n  .leaf')
      .replace(/\.valid_entry = true,\n/g, '')
      .replace(/ *\.(config_index|lookup_index) = \w+\n/g, '');
    expect(masks(positional)).toEqual(masks(tablesSource(SMALL)));
    const swapped = tablesSource({
      ...SMALL,
      lookup: [...SMALL.lookup].reverse(),
      configurable: SMALL.configurable.map((entry) => ({ ...entry, lookup: '1' })),
    });
    expect(masks(swapped)).toEqual(masks(tablesSource(SMALL)));
    expect(masks(tablesSource(SMALL).replace(/\n/g, '\r\n'))).toEqual(masks(tablesSource(SMALL)));
  });

  test.each(['ebx eax', 'verify_mask fixed1', 'leaf subleaf', 'cpuid_lookup other', 'true 0', 'valid_entry faulting'])(
    'refuses `#define %s`: a field would be read under another name',
    (macro) => {
      const [name = ''] = macro.split(' ');
      const text = `${tablesSource(SMALL)}#define ${macro}\n`;
      const line = text.split('\n').length - 1;
      expect(() => read(text)).toThrow(
        `cpuid_configurations.c:${line}:1: expected no macro with the name of a field of the tables, found \`${name}\``,
      );
      expect(() => read(tablesSource(SMALL), `${definesSource(2, 1)}#define ${macro}\n`)).toThrow(/defines\.h:4:1: /);
      expect(masks(tablesSource(SMALL).replace('#include', '#define ebx ebx\n#define true 1\n#include'))).toEqual(
        masks(tablesSource(SMALL)),
      );
    },
  );

  test('takes CPUID_CONFIG_NULL_IDX for what the header says that it is', () => {
    expect(() => read(tablesSource(SMALL), definesSource(2, 1).replace('0xFFFFFFFF', '0'))).toThrow(
      /expected a `cpuid_configurable` entry of this leaf in slot 0, found `/,
    );
  });

  test('says which slots no entry fills, and takes an entry without the mark as unused', () => {
    const { notes, tables } = read(tablesSource(SMALL), definesSource(4, 1));
    expect(notes).toEqual(['cpuid_lookup[4] has 2 entries; slots without a valid one: 2, 3']);
    expect(tables.lookup.map(({ slot }) => slot)).toEqual([0, 1]);
    const unmarked = tablesSource(SMALL).replace(
      '[1] = { .leaf_subleaf = {.leaf = 0x3, .subleaf = 0xffffffff},\n  .valid_entry = true,',
      '[1] = { .leaf_subleaf = {.leaf = 0x3, .subleaf = 0xffffffff},',
    );
    expect(read(unmarked).tables.lookup.map(({ leaf }) => leaf)).toEqual([7]);
  });

  test('format 10: leaves that read as 0, and an index that is no class', () => {
    const more = '#define CPUID_FIXED0_BITMAP 0x0010000000000008\n#define CPUID_FIXED0_BITMAP_BASE_RANGE 52\n';
    const ordered = `${tablesSource({ ...SMALL, format: 10 })}\nconst ordered_cpuid_lookup_t ordered_cpuid_lookup[2] = { [0] = { .leaf_subleaf = {.leaf = 0x21, .subleaf = 0}, .fixed0 = true } };\n`;
    expect(read(ordered, definesSource(2, 1, more)).tables.fixed0Leaves).toEqual([0x3, 0x80000000]);
    expect(fixed0LeavesOf(1n << 55n)).toEqual([0x80000003]);
  });

  test.each([
    [
      'an unknown field',
      (text: string) => text.replace('.verify_mask', '.verify_range'),
      /cpuid_configurations\.c:\d+:\d+: expected a known field/,
    ],
    ['an index beyond the size', (text: string) => text.replace('[1] = {', '[9] = {'), /below its size of 2/],
    ['two entries of one slot', (text: string) => text.replace('[1] = {', '[0] = {'), /one entry for slot 0/],
    [
      'two entries of one leaf',
      (text: string) => text.replace('.leaf = 0x3, .subleaf = 0xffffffff', '.leaf = 0x7, .subleaf = 0x0'),
      /one `cpuid_lookup` entry for leaf 7\.0/,
    ],
    [
      'a configurable leaf that is not looked up',
      (text: string) =>
        text.replace(
          'cpuid_configurable[MAX_NUM_CPUID_CONFIG] = {\n [0] = { .leaf_subleaf = {.leaf = 0x7',
          'cpuid_configurable[MAX_NUM_CPUID_CONFIG] = {\n [0] = { .leaf_subleaf = {.leaf = 0x9',
        ),
      /a `cpuid_lookup` entry for each configurable leaf/,
    ],
    [
      'indexes that disagree',
      (text: string) => text.replace('.lookup_index = 0', '.lookup_index = 1'),
      /\.lookup_index/,
    ],
    [
      'a mask that is too wide',
      (text: string) => text.replace('.eax = 0xff ', '.eax = 0x1ffffffff '),
      /a value of 32 bits/,
    ],
    [
      'an unknown name',
      (text: string) => text.replace('.eax = 0xff ', '.eax = SOME_MASK '),
      /`SOME_MASK` is not defined/,
    ],
    [
      'an unknown table',
      (text: string) => `${text}\nconst t cpuid_special[1] = { [0] = { 1 } };`,
      /the object `cpuid_special`/,
    ],
    ['an unknown format', (text: string) => text.replace("'8'", "'11'"), /format 11/],
    ['no format', (text: string) => text.replace('Spreadsheet', ''), /no such comment/],
    ['a broken bracket', (text: string) => text.replace('};', '}]'), /expected .* found/],
    ['an empty file', () => '', /no such comment/],
  ])('%s is an error with its place', (_, edit, message) => {
    expect(() => read(edit(tablesSource(SMALL)))).toThrow(message);
    expect(() => read(edit(tablesSource(SMALL)))).toThrow(DataError);
  });

  test('sizes that the entries contradict are an error', () => {
    const files = new Map(
      Object.entries({
        ...moduleFiles('0x10'),
        'include/auto_gen/cpuid_configurations_defines.h': definesSource(3, 1),
      }).map(([path, text]) => [path, { text, blob: 'b' }]),
    );
    expect(() => extractModule({ release: '1.5.06', repository: 'r', revision: 'c', files })).toThrow(
      /MAX_NUM_CPUID_LOOKUP 2, the slots that the entries fill, found 3/,
    );
  });

  test('a tree from before TDX_FEATURES0 announces nothing; one whose code was not read is not known', () => {
    const features0Of = (more: Readonly<Record<string, string>>) => {
      const files = Object.entries({
        'include/auto_gen/cpuid_configurations.c': tablesSource(SMALL),
        'include/auto_gen/cpuid_configurations_defines.h': definesSource(2, 1),
        ...more,
      });
      const { features0, notes } = extractModule({
        release: '1.0.00',
        repository: 'r',
        revision: 'c',
        files: new Map(files.map(([path, text]) => [path, { text, blob: 'b' }])),
      });
      return [features0, notes.filter((note) => note.includes('TDX_FEATURES0')).join()];
    };
    const header = 'typedef union our_error_code_u { uint64_t raw; } our_error_code_t;\n';
    const named =
      'typedef union tdx_features_enum0_u { struct { uint64_t td_migration : 1; }; } tdx_features_enum0_t;\n';
    expect(features0Of({ 'include/tdx_api_defs.h': header })).toEqual([0n, expect.stringContaining('no feature')]);
    expect(features0Of({})).toEqual([null, expect.stringContaining('not known')]);
    expect(features0Of({ 'include/tdx_api_defs.h': named })).toEqual([null, expect.stringContaining('not known')]);
  });

  test('mutated input gives facts or a known error, and never another class silently broken', () => {
    const text = tablesSource(SMALL);
    const edits = fc.array(
      fc.tuple(
        fc.nat(text.length - 1),
        fc.constantFrom('', '{', '}', ',', '"', '0', 'x', '\0', '/*', "'", '#if\n', '[', '=', '.', 'é'),
      ),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(edits, fc.boolean(), (list, cut) => {
        const mutated = list.reduce(
          (all, [at, insert]) => all.slice(0, at) + insert + all.slice(at + (insert === '' || cut ? 1 : 0)),
          text,
        );
        try {
          for (const register of classify(read(mutated).tables))
            expect([...register.classes.values()].reduce((sum, mask) => sum + mask, 0)).toBe(0xffffffff);
        } catch (error) {
          if (!(error instanceof KnownError)) throw error;
        }
      }),
      { numRuns: 400 },
    );
  });
});
