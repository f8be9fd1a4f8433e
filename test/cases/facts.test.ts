import { describe, expect, test } from 'vitest';
import { coverageOf, unreadOf } from '../../pipeline/cases/coverage.ts';
import { notCompared, predecessorRules, rulesOfRevision } from '../../pipeline/cases/decider-rules.ts';
import { decisionOf, decisionsOf, factsReview } from '../../pipeline/cases/decisions.ts';
import { hostRegister } from '../../pipeline/cases/host-file.ts';
import { matrixOf } from '../../pipeline/cases/matrix.ts';
import { followsOf, releaseSteps } from '../../pipeline/cases/release-steps.ts';
import { readDecidingCode } from '../../pipeline/extract/module/deciding-code.ts';
import type { BlobReader } from '../../pipeline/git/blobs.ts';
import type { DeciderRules } from '../../pipeline/model/decider-rules.ts';
import { codeChangeText } from '../../pipeline/model/decider-text.ts';
import type { ReleaseReview } from '../../pipeline/model/review.ts';
import { unknownRelease } from '../../pipeline/specs/lists-file.ts';
import { hostOf } from '../../pipeline/td/read-host.ts';
import { entry, PLACE, policy, release } from '../judge/ground.ts';
import { specsOf } from './facts.ts';

const offering = (name: string, mask: number) =>
  release(name, [
    { fixed0: { eax: ~mask >>> 0, ebx: 0xffffffff, ecx: 0xffffffff, edx: 0xffffffff }, allow: { eax: mask } },
  ]);

test('every release stands under every KVM, with whether it runs and how many features have each verdict', () => {
  const releases = [offering('1.5.06', 0x1), offering('2.0.08', 0xf0000007)];
  const policies = [
    policy({ version: '6.16', requires: [], deny: [entry(0x1)] }),
    policy({ version: '6.17', requires: [{ kind: 'config-slots', limit: 0, path: 'tdx.c', line: 1 }] }),
  ];
  const matrix = matrixOf(specsOf({ releases, policies }));
  expect([matrix.releases, matrix.policies]).toEqual([
    ['1.5.06', '2.0.08'],
    ['6.16', '6.17'],
  ]);
  expect(matrix.cells).toEqual([
    { release: '1.5.06', policy: '6.16', runs: 'yes', counts: [{ verdict: 'denied', features: 1, fieldBits: 0 }] },
    {
      release: '2.0.08',
      policy: '6.16',
      runs: 'yes',
      counts: [
        { verdict: 'denied', features: 1, fieldBits: 0 },
        { verdict: 'passed', features: 0, fieldBits: 4 },
        { verdict: 'exposed', features: 2, fieldBits: 0 },
      ],
    },
    { release: '1.5.06', policy: '6.17', runs: 'no', counts: [] },
    { release: '2.0.08', policy: '6.17', runs: 'no', counts: [] },
  ]);
  expect(matrixOf(specsOf({ releases }))).toEqual({ releases: [], policies: [], cells: [] });
});

test('each release stands beside the one that it follows, in the order of versions', () => {
  const specs = specsOf({
    releases: ['2.0.10', '1.5.06', '2.0.08', '1.5.09'].map((name) => release(name, [])),
    lineage: [{ release: '2.0.08', follows: '1.5.06', why: 'its code' }],
    known: [unknownRelease('2.0.09')],
  });
  expect(releaseSteps(specs).map(({ from, to }) => `${from.module.release} ${to.module.release}`)).toEqual([
    '1.5.06 1.5.09',
    '1.5.06 2.0.08',
    '2.0.08 2.0.10',
  ]);
  expect(followsOf(specs, '2.0.08')).toMatchObject({ follows: '1.5.06', why: 'its code' });
  expect(followsOf(specs, '2.0.10')).toMatchObject({ follows: '2.0.08', between: ['2.0.09'] });
  expect(followsOf(specs, '1.5.06')).toBeNull();
});

test('what a report rests on: what was read, what is known by name only and why, and what was not compared', () => {
  const specs = specsOf({
    releases: [release('1.5.06', [])],
    policies: [policy({ version: '6.16' })],
    known: [
      { ...unknownRelease('1.5.22'), sourceReleased: false },
      unknownRelease('1.5.06'),
      { ...unknownRelease('1.5.24'), sourceReleased: true },
    ],
  });
  const unread = [
    { release: '1.5.22', reason: 'its source is not published yet' },
    { release: '1.5.24', reason: 'its source could not be read from the public history that is at hand' },
  ];
  expect(unreadOf(specs)).toEqual(unread);
  const review = (cells: number, ...unknown: readonly string[]) =>
    ({ diff: { coverage: { cells, unknown } } }) as unknown as ReleaseReview;
  expect(coverageOf(specs, [review(32, 'b', 'a'), review(64, 'b')])).toEqual({
    releases: ['1.5.06'],
    policies: ['6.16'],
    unread,
    cells: 96,
    skipped: ['a', 'b'],
  });
});

describe('the rules that a release without its own starts from', () => {
  const rules = (name: string, functions = 1) =>
    ({ release: name, functions: Array(functions).fill({}) }) as unknown as DeciderRules;
  const specs = {
    deciders: new Map(['1.5.06', '1.5.16', '1.5.09', '2.0.02'].map((name) => [name, rules(name)])),
    lineage: [
      { release: '2.0.08', follows: '1.5.16', why: 'w' },
      { release: '2.0.10', follows: '9.9', why: 'w' },
    ],
  };
  test.each<[string, string | null, string]>([
    ['2.0.08', '1.5.16', 'the release whose code it has'],
    ['2.0.10', '2.0.02', 'the next older one, where that release has no rules'],
    ['1.5.14', '1.5.09', 'the next older one of its line'],
    ['1.5.16', '1.5.09', 'never its own'],
    ['1.5.20', '1.5.16', 'the newest of those before it'],
    ['1.5.01', null, 'none where there is none before it'],
    ['3.0.01', null, 'none of another line'],
  ])('%s: %s: %s', (name, expected) => {
    expect(predecessorRules(specs, name)?.release ?? null).toBe(expected);
  });

  test('cannot be held against a tree that does not hold the code, or rules that were read file by file', () => {
    const code = (functions: number, unread: number) =>
      ({ functions: Array(functions).fill({}), unread: Array(unread).fill({}) }) as unknown as Parameters<
        typeof notCompared
      >[1];
    expect(notCompared(rules('a'), code(0, 0))).toContain('this tree does not hold it');
    expect([notCompared(rules('a'), code(1, 0)), notCompared(rules('a'), code(0, 1))]).toEqual([null, null]);
    expect(notCompared(rules('a', 0), code(1, 0))).toContain('that of a was read file by file');
  });

  test('are those of a tree while its code that decides is the same, token by token', async () => {
    const INIT = 'src/vmm_dispatcher/api_calls/tdh_mng_init.c';
    const codeOf = (text: string) => new Map([[INIT, { text, blob: 'o' }]]);
    const CODE = 'api_t tdh_mng_init(u64 a)\n{\n    return a + 1;\n}\n';
    const { functions } = readDecidingCode(codeOf(CODE));
    const ofTree = (text: string | null, own: readonly string[] = ['1.5.16']) => {
      const blobs = {
        read: async (name: string) =>
          text === null || name !== `main:${INIT}` ? null : { oid: 'o', bytes: Buffer.from(text) },
      } as unknown as BlobReader;
      const deciders = new Map(own.map((name) => [name, { ...rules(name), functions }]));
      return rulesOfRevision(specsOf({ deciders }), '1.5.16', blobs, 'main');
    };
    const same = await ofTree(`/* Words. */\n${CODE}`);
    expect([same.rules?.release, same.unexamined, same.note]).toEqual(['1.5.16', [], null]);
    expect((await ofTree(CODE, ['1.5.09'])).rules?.release).toBe('1.5.09');
    const other = await ofTree(CODE.replace('1', '2'));
    expect(other.rules).toBeUndefined();
    expect(other.unexamined).toMatchObject([{ path: INIT, name: 'tdh_mng_init' }]);
    expect(other.note).toBe(codeChangeText(other.unexamined));
    const NOTE = 'the code that decides was not compared: this tree does not hold it';
    const bare = await ofTree(null);
    expect([bare.rules?.release, bare.unexamined, bare.note]).toEqual(['1.5.16', [], NOTE]);
    expect(await ofTree(null, ['1.5.09'])).toEqual({ rules: undefined, unexamined: [], note: NOTE });
    expect((await ofTree(CODE, [])).note).toBe('who decides was not examined: no release before it has rules');
  });
});

test('decisions and older waivers name a finding, a rule or bits, for all where nothing is said', () => {
  const said = { because: 'why', by: 'A. Person' };
  const person = { reason: 'why', by: 'A. Person', until: null };
  const all = { rule: null, bits: null, release: null, policy: null };
  expect(decisionOf({ ...said, finding: '0123456789abcdef' })).toEqual({
    ...person,
    selector: { fingerprint: '0123456789abcdef' },
  });
  expect(decisionOf({ ...said, until: '2026-12-31', rule: 'leaf-added' })).toEqual({
    ...person,
    until: '2026-12-31',
    selector: { ...all, rule: 'leaf-added' },
  });
  expect(decisionOf({ ...said, bits: '7.1.EAX[2]', releases: '2.0.08', kernels: '>=6.16' })).toEqual({
    ...person,
    selector: { rule: null, bits: { ...PLACE, mask: 0x4 }, release: '2.0.08', policy: '>=6.16' },
  });
  expect(() => decisionOf({ ...said, bits: 'no place' })).toThrow('specs/decisions.yaml');
  const waiver = { reason: 'why', by: 'A. Person' };
  expect(
    decisionsOf({
      decisions: [{ ...said, finding: 'f'.repeat(16) }],
      waivers: [
        { ...waiver, fingerprint: 'e'.repeat(16) },
        { ...waiver, rule: 'leaf-added', until: '2026-12-31' },
        { ...waiver, rule: 'needs-optin', bit: '7.1.EAX[2]', release: '2.0.08', policy: '6.16' },
      ],
    }),
  ).toEqual([
    { ...person, selector: { fingerprint: 'f'.repeat(16) } },
    { ...person, selector: { fingerprint: 'e'.repeat(16) } },
    { ...person, until: '2026-12-31', selector: { ...all, rule: 'leaf-added' } },
    {
      ...person,
      selector: { rule: 'needs-optin', bits: { ...PLACE, mask: 0x4 }, release: '2.0.08', policy: '6.16' },
    },
  ]);
  expect(() => decisionsOf({ decisions: [], waivers: [{ ...waiver, rule: 'leaf-added', bit: 'x' }] })).toThrow(
    'specs/waivers.yaml: expected a bit such as 7.1.EAX[19], found "x"',
  );
});

test('the facts are judged with the releases that have no tables, by name', () => {
  const specs = specsOf({ releases: [release('1.5.06', [])], known: ['1.5.06', '1.5.22'].map(unknownRelease) });
  const { findings, ...review } = factsReview(specs, []);
  expect(review).toEqual({ kind: 'facts', id: 'specs', command: 'bitwatch check' });
  expect(findings.flatMap(({ rule, facts }) => (rule === 'facts-missing' ? [facts] : []))).toEqual([
    { kind: 'missing', releases: ['1.5.22'] },
  ]);
});

test('a host’s register is null where the file does not list the leaf', () => {
  const { host, json } = hostOf(
    '{"host":[{"leaf":"0x7","subleaf":"0x1","eax":"0x5","ebx":"0x0","ecx":"0x0","edx":"0x80000000"}]}',
    'f',
  );
  const at = (place: Partial<Parameters<typeof hostRegister>[1]>) => hostRegister(host, { ...PLACE, ...place });
  expect([at({}), at({ register: 'edx' }), at({ register: 'ebx' }), at({ subleaf: null }), at({ leaf: 1 })]).toEqual([
    5,
    0x80000000,
    0,
    null,
    null,
  ]);
  expect(json).not.toBeNull();
  expect(() => hostOf('{', 'host.json')).toThrow(/host\.json.*cpuid -r prints, or JSON/);
});
