import { join } from 'node:path';
import { expect, test } from 'vitest';
import { predecessorRules } from '../../../pipeline/cases/decider-rules.ts';
import { compareDecidingCode, readDecidingCode } from '../../../pipeline/extract/module/deciding-code.ts';
import { codeChangeText } from '../../../pipeline/model/decider-text.ts';
import { readDeciderFile, resolveDeciders } from '../../../pipeline/specs/decider-file.ts';
import { newDecidersToYaml } from '../../../pipeline/specs/decider-text.ts';
import { NO_CACHE } from '../../../pipeline/specs/plain.ts';
import { ROOT } from '../../helpers/run.ts';
import { shippedSpecs } from '../../helpers/specs.ts';

const INIT = 'src/vmm_dispatcher/api_calls/tdh_mng_init.c';
const HELPERS = 'src/common/helpers/helpers.c';

const code = (init: string, helpers = 'bool check_xfam(x_t x) { return x.avx; }\nint other(void) { return 1; }\n') =>
  readDecidingCode(
    new Map([
      [INIT, { text: init, blob: '1'.repeat(40) }],
      [HELPERS, { text: helpers, blob: '2'.repeat(40) }],
    ]),
  );

const BASE = `static void mask(int *v) { if (*v) { *v = 0; } }
api_t tdh_mng_init(u64 a) { mask(&a); return 0; }
`;

test('layout and comments are no change, a single token is', () => {
  const before = code(BASE).functions;
  expect(before.map(({ path, name, line }) => [path, name, line])).toEqual([
    [HELPERS, 'check_xfam', 1],
    [INIT, 'mask', 1],
    [INIT, 'tdh_mng_init', 2],
  ]);
  const moved = `/* a word */\n\n${BASE.replace('{ if (*v)', '{\n  // why\n  if ( *v )')}`;
  expect(compareDecidingCode(before, code(moved))).toEqual([]);
  // A function that nobody lists may change.
  expect(
    compareDecidingCode(before, code(BASE, 'int other(void) { return 2; }\nbool check_xfam(x_t x) { return x.avx; }')),
  ).toEqual([]);
  const changed = compareDecidingCode(before, code(BASE.replace('*v = 0', '*v = 1')));
  expect(changed).toEqual([{ path: INIT, name: 'mask', line: 1, kind: 'changed' }]);
  expect(codeChangeText(changed)).toBe(`the code that decides changed, not examined: mask (${INIT}:1)`);
  expect(
    compareDecidingCode(before, code(`${BASE}int more(void) { return 0; }\n`, 'int other(void) { return 1; }')),
  ).toEqual([
    { path: INIT, name: 'more', line: 3, kind: 'new' },
    { path: HELPERS, name: 'check_xfam', line: null, kind: 'gone' },
  ]);
});

test('lists beside the functions and the constants that they use count, other constants do not', () => {
  const FMS = 'src/common/helpers/cpuid_fms.c';
  const FMS_H = 'src/common/helpers/cpuid_fms.h';
  const HELPERS_H = 'src/common/helpers/helpers.h';
  const read = (list: string, stepping: string, other: string) =>
    readDecidingCode(
      new Map([
        [
          FMS,
          {
            text: `static const fms_t allowed[2] = { ${list} }, last = { 0 };\nint find(int x) { return allowed[x].raw; }\n`,
            blob: '1',
          },
        ],
        [
          FMS_H,
          { text: `#define STEP ${stepping}\n#define KNOWN { 0x806F0, STEP }\n#define UNUSED ${other}\n`, blob: '2' },
        ],
        [HELPERS_H, { text: '#if A\n#define OTHER 1\n#else\n#define OTHER 2\n#endif\n', blob: '3' }],
      ]),
    );
  const before = read('KNOWN, { 1, 2 }', '8', '1').functions;
  expect(before.map(({ path, name, line }) => [path, name, line])).toEqual([
    [FMS, 'allowed', 1],
    [FMS, 'find', 2],
    [FMS, 'last', 1],
    [FMS_H, 'KNOWN', 2],
    [FMS_H, 'STEP', 1],
  ]);
  expect(compareDecidingCode(before, read('KNOWN, { 1, 2 }', '8', '2'))).toEqual([]);
  expect(compareDecidingCode(before, read('KNOWN, { 1, 2 }', '9', '1'))).toEqual([
    { path: FMS_H, name: 'STEP', line: 1, kind: 'changed' },
  ]);
  expect(compareDecidingCode(before, read('KNOWN, { 1, 3 }', '8', '1')).map(({ name }) => name)).toContain('allowed');
  expect(compareDecidingCode(before, read('OTHER, { 1, 2 }', '8', '1')).map(({ name, kind }) => [name, kind])).toEqual(
    expect.arrayContaining([
      ['allowed', 'changed'],
      ['OTHER', 'new'],
      ['KNOWN', 'gone'],
    ]),
  );
});

test('a file that is no C is said, not left out', () => {
  const before = code(BASE).functions;
  const after = code(BASE, 'bool check_xfam(x_t x) { return "no end; }\n');
  expect(after.unread.map(({ path }) => path)).toEqual([HELPERS]);
  expect(compareDecidingCode(before, after)).toEqual([{ path: HELPERS, name: null, line: null, kind: 'unread' }]);
});

test('a new release has the rules of the one before it only while the code is the same', async () => {
  const specs = await shippedSpecs();
  const base = specs.deciders.get('1.5.06');
  if (base === undefined) throw new Error('1.5.06 has no rules');
  const own = code(BASE);
  const files = new Map([[INIT, { blob: '1'.repeat(40) }]]);
  const facts = { release: '1.5.99', base, repository: 'example/module', commit: 'c'.repeat(40), files, code: own };
  const read = async (changes: Parameters<typeof newDecidersToYaml>[0]['changes']) => {
    const text = await newDecidersToYaml({ ...facts, changes });
    const path = join(ROOT, 'specs/deciders/1.5.06.yaml');
    const chain = ['1.0.00', '1.0.01', '1.0.03', '1.5-beta', '1.5.01', '1.5.05', '1.5.06'];
    const { readFileSync } = await import('node:fs');
    const older = await Promise.all(
      chain.map((name) => readDeciderFile(name, readFileSync(path.replace('1.5.06', name), 'utf8'), NO_CACHE)),
    );
    return resolveDeciders([...older, await readDeciderFile('new', text, NO_CACHE)]).get('1.5.99');
  };
  const same = await read([]);
  expect([same?.rules, same?.checks, same?.unexamined, same?.functions]).toEqual([
    base.rules,
    base.checks,
    [],
    own.functions,
  ]);
  const changes = [{ path: INIT, name: 'mask', line: 1, kind: 'changed' }] as const;
  expect((await read(changes))?.unexamined).toEqual(changes);
});

test('a release that nobody placed starts from the next older one of its line', async () => {
  const specs = await shippedSpecs();
  const bare = { deciders: specs.deciders, lineage: [] };
  expect([predecessorRules(bare, '1.5.99')?.release, predecessorRules(bare, '2.0.05')?.release]).toEqual([
    '1.5.34',
    '2.0.04',
  ]);
  expect(predecessorRules(bare, '3.0.00')).toBeNull();
  // Whose code it has, by specs/lineage.md, comes before its number.
  expect(predecessorRules(specs, '2.0.04')?.release).toBe('1.5.09');
});
