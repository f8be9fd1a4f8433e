import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  addDecisions,
  findPolicy,
  findRelease,
  namesake,
  releaseIn,
  resolveOperand,
  specsUnder,
  withCpuid2,
} from '../../pipeline/cases/operand.ts';
import { stackOf } from '../../pipeline/cases/stack.ts';
import { readQemu } from '../../pipeline/extract/qemu/facts.ts';
import { openQemu } from '../../pipeline/extract/qemu/tree.ts';
import type { DeciderRules } from '../../pipeline/model/decider-rules.ts';
import { DataError, NoInputError, UsageError } from '../../pipeline/model/errors.ts';
import { unknownRelease } from '../../pipeline/specs/lists-file.ts';
import { moduleToYaml } from '../../pipeline/specs/module-file.ts';
import { policyToYaml } from '../../pipeline/specs/policy-file.ts';
import { qemuToYaml } from '../../pipeline/specs/qemu-file.ts';
import { kernelFiles } from '../helpers/kernel-tree.ts';
import { moduleFiles } from '../helpers/module-source.ts';
import { FILES } from '../helpers/qemu-source.ts';
import { buildRepository, temporaryFolder } from '../helpers/repository.ts';
import { policy, release } from '../judge/ground.ts';
import { contextOf } from './context.ts';
import { moduleWith, specsOf } from './facts.ts';

const context = contextOf();
const old = release('1.5.06', [{ allow: { eax: 0x2 } }], {}, []);
const now = release('2.0.08', [{ allow: { eax: 0x6 } }]);
const RULES = { release: '1.5.06', rules: [], limits: old.rules?.limits } as unknown as DeciderRules;
const BASE = { release: '1.5.06', because: 'its tables fit' };
const qemu = (version: string) =>
  readQemu(openQemu(FILES), version, { repository: 'example/qemu', revision: 'c'.repeat(40), path: 'x.c', blob: null });
const SPECS = specsOf({
  releases: [old, now],
  known: ['1.5.06', '2.0.09', '1.5.05'].map((name) => ({ ...unknownRelease(name), seen: ['a README', 'b list'] })),
  deciders: new Map([['1.5.06', RULES]]),
  policies: [
    policy({
      version: '6.16.1',
      base: { ...BASE, because: 'another reason' },
      source: { repository: 'example/linux', revision: 'f'.repeat(40), path: 'tdx.c', blob: null },
    }),
    policy({ version: '6.17', base: BASE }),
    policy({ version: '7.1.5' }),
  ],
  qemu: ['9.2.0', '11.1.0', '10.1.0'].map(qemu),
});
const file = (name: string, text: string): string => {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
};
const moduleFile = async (name: string, revision = 'a'.repeat(40)) => {
  const { module } = moduleWith(old, { release: name, source: { ...old.module.source, revision } });
  return file('m.yaml', await moduleToYaml(module));
};
const policyFile = async (extra: Parameters<typeof policy>[0]) => file('k.yaml', await policyToYaml(policy(extra)));
const kernel = () => buildRepository([{ subject: 'a kernel', files: kernelFiles(), tags: ['first'] }]);
const problem = (work: Promise<unknown>): Promise<unknown> => work.then(() => null).catch((error) => error);

describe('what a text names', () => {
  test('is a release, else a KVM version, else what is on the disk', async () => {
    const named = async (text: string) => {
      const found = await resolveOperand(context, SPECS, text);
      return found.kind === 'release' ? found.release.module.release : `KVM ${found.policy.version}`;
    };
    expect(await named('v2.0.08')).toBe('2.0.08');
    expect(await named('v7.1.5')).toBe('KVM 7.1.5');
    expect(await resolveOperand(context, SPECS, '7.1.5')).toEqual({ kind: 'policy', policy: SPECS.policies[2] });
    expect(await named(await moduleFile('1.5.77'))).toBe('1.5.77');
    expect(await named(await policyFile({ version: '9.9' }))).toBe('KVM 9.9');
    const tree = kernel();
    expect([await named(tree), await named(`${tree}@first`)]).toEqual(['KVM 7.2.1', 'KVM 7.2.1']);
    // A folder whose name has the sign is a folder.
    const odd = join(temporaryFolder(), 'a@b');
    mkdirSync(odd);
    const files = { subject: 'TDX 1.5.78', files: moduleFiles('0x00000010') };
    expect(await named(buildRepository([files], odd))).toBe('1.5.78');
    expect(await named(`${odd}@main`)).toBe('1.5.78');
    expect(await problem(named(`${tree}@gone`))).toBeInstanceOf(NoInputError);
  });

  test('that nobody knows is answered with what there is', async () => {
    const unknown = (text: string, more = '', kinds = 'release, KVM version, file or GITDIR[@REV]') =>
      new UsageError(`no ${kinds} ${JSON.stringify(text)}${more}; releases, newest first: 2.0.08, 1.5.06`);
    expect(await problem(resolveOperand(context, SPECS, 'x'))).toEqual(unknown('x'));
    expect(await problem(resolveOperand(context, SPECS, '@main'))).toEqual(unknown('@main'));
    expect(await problem(resolveOperand(context, SPECS, 'gone@main'))).toEqual(unknown('gone@main'));
    expect(() => findRelease(SPECS, '1.5.07')).toThrow(
      unknown('1.5.07', '; did you mean "1.5.06"?', 'release').message,
    );
    // A kernel is close to what was typed, and no release is; a path is missing and no unknown name.
    expect(await problem(resolveOperand(context, SPECS, '7.1.6'))).toEqual(unknown('7.1.6', '; did you mean "7.1.5"?'));
    const kinds = 'release, file or GITDIR[@REV]';
    expect(await problem(releaseIn(context, SPECS, '7.1.6'))).toEqual(unknown('7.1.6', '', kinds));
    for (const [text, path] of [
      ['gone/linux', 'gone/linux'],
      ['gone/linux@main', 'gone/linux'],
      ['gone.yaml', 'gone.yaml'],
    ] as const)
      for (const asked of [resolveOperand, releaseIn, findPolicy])
        expect(await problem(asked(context, SPECS, text))).toEqual(new NoInputError(`${path}: no such file or folder`));
    expect(findRelease(SPECS, '1.5.06')).toBe(old);
    const byName = (name: string, beside: string) =>
      new NoInputError(
        `release ${name} is known by name only, its tables could not be read (seen: a README; b list); ${beside}with its source: GITDIR@REV`,
      );
    expect(() => findRelease(SPECS, 'v2.0.09')).toThrow(byName('2.0.09', 'read on either side: 2.0.08; ').message);
    expect(() => findRelease(SPECS, '1.5.05')).toThrow(byName('1.5.05', 'read on either side: 1.5.06; ').message);
    const between = { ...SPECS, releases: ['2.0.02', '2.0.08', '2.0.10', '2.0.12'].map((name) => release(name, [{}])) };
    expect(() => findRelease(between, '2.0.09')).toThrow(/read on either side: 2\.0\.08, 2\.0\.10; /);
    expect(() => findRelease({ ...SPECS, releases: [now] }, '1.5.05')).toThrow(/\(seen: a README; b list\); with its/);
  });
});

describe('a release on the disk', () => {
  test('is the one that the specifications have where it is the same revision, else one beside it', async () => {
    expect(await releaseIn(context, SPECS, '2.0.08')).toEqual({ release: now, specs: SPECS });
    const same = await releaseIn(context, SPECS, await moduleFile('1.5.06'));
    expect([same.release, same.specs]).toEqual([old, SPECS]);
    const other = await releaseIn(context, SPECS, await moduleFile('1.5.06', `${'d'.repeat(12)}${'e'.repeat(28)}`));
    expect(other.release.module.release).toBe('1.5.06+dddddddddddd');
    expect(other.release.rules).toBe(RULES);
    expect(other.specs.releases).toEqual([old, now, other.release]);
    expect([namesake(other.specs, other.release), namesake(SPECS, old)]).toEqual([old, null]);
    const unknown = await releaseIn(context, SPECS, await moduleFile('1.5.77', 'd'.repeat(40)));
    expect([unknown.release.module.release, unknown.release.rules]).toEqual(['1.5.77', undefined]);
    expect(unknown.specs.releases).toHaveLength(3);
  });

  test('is no KVM, and what is not there is said', async () => {
    const path = await policyFile({ version: '9.9' });
    expect(await problem(releaseIn(context, SPECS, path))).toEqual(
      new UsageError(`${JSON.stringify(path)}: expected a release of the TDX module, found what KVM does`),
    );
    expect(await problem(releaseIn(context, SPECS, 'nothing'))).toBeInstanceOf(UsageError);
  });
});

describe('a KVM', () => {
  test('by name says what it was written against, and one on the disk takes that of the newest which says so', async () => {
    expect(await findPolicy(context, SPECS, 'v6.17')).toBe(SPECS.policies[1]);
    const shuffled = { ...SPECS, policies: ['6.9', '6.16.1', '6.10'].map((version) => policy({ version })) };
    expect((await findPolicy(context, shuffled, 'latest')).version).toBe('6.16.1');
    const { base } = await findPolicy(context, SPECS, await policyFile({ version: '9.9' }));
    expect(base).toEqual({ release: '1.5.06', because: 'taken from KVM 6.17: its tables fit' });
    const own = { release: '2.0.08', because: 'it says so' };
    expect((await findPolicy(context, SPECS, await policyFile({ version: '9.9', base: own }))).base).toEqual(own);
    const none = { ...SPECS, policies: [policy({ version: '7.1.5' })] };
    expect((await findPolicy(context, none, await policyFile({ version: '9.9' }))).base).toBeUndefined();
  });

  test('is no module, and one that nobody knows is answered with the known ones', async () => {
    const path = await moduleFile('1.5.77');
    expect(await problem(findPolicy(context, SPECS, path))).toEqual(
      new UsageError(`--kvm ${JSON.stringify(path)}: expected what KVM does, found a release of the TDX module`),
    );
    const unknown = (known: string) => new UsageError(`no KVM version, file or GITDIR[@REV] "x"; known: ${known}`);
    expect(await problem(findPolicy(context, SPECS, 'x'))).toEqual(unknown('7.1.5, 6.17, 6.16.1'));
    expect(await problem(findPolicy(context, specsOf(), 'x'))).toEqual(unknown('none'));
    const partial = [
      { version: '7.2-rc9', notRead: [] },
      { version: '7.3-rc1', notRead: [{ field: 'deny' }, { field: 'xfam' }] },
    ] as unknown as typeof SPECS.partial;
    for (const text of ['7.3-rc1', 'v7.3-rc1'])
      expect(await problem(findPolicy(context, { ...SPECS, partial }, text))).toEqual(
        new NoInputError(
          'KVM 7.3-rc1 was read in part, so nothing is judged under it; `bitwatch explain 7.3-rc1` says what was read; with its tree: GITDIR@REV',
        ),
      );
    expect(await problem(findPolicy(context, { ...SPECS, partial }, 'x'))).toEqual(unknown('7.1.5, 6.17, 6.16.1'));
  });

  test('alone is what the specifications say under it', async () => {
    expect(await specsUnder(context, SPECS, null)).toBe(SPECS);
    const under = async (text: string) => (await specsUnder(context, SPECS, text)).policies;
    expect(await under('6.16.1')).toEqual([SPECS.policies[0]]);
    // 7.1.5 says of itself nothing: it is taken for one of those before it.
    expect(await under('7.1.5')).toEqual([{ ...SPECS.policies[2], base: BASE }]);
    const none = { ...SPECS, policies: [policy({ version: '7.1.5' })] };
    expect((await specsUnder(context, none, '7.1.5')).policies).toEqual(none.policies);
  });

  test('of a tree brings what it asks of KVM_SET_CPUID2; a version has it already, and a file does not say', async () => {
    expect(await withCpuid2(context, SPECS, '7.1.5')).toBe(SPECS);
    expect(await withCpuid2(context, SPECS, await policyFile({ version: '9.9' }))).toBe(SPECS);
    const tree = kernel();
    const known = { questions: [], kernels: [{ version: '7.1.5' }] } as unknown as typeof SPECS.cpuid2;
    const { cpuid2 } = await withCpuid2(context, { ...SPECS, cpuid2: known }, `${tree}@first`);
    expect(cpuid2.kernels.map(({ version }) => version)).toEqual(['7.1.5', '7.2.1']);
  });
});

test('decisions of one more file stand behind those of the specifications, and each names what there is', async () => {
  const decisions = [{ rule: 'exposed-unreviewed', because: 'harmless', by: 'A. Person' }];
  const specs = { ...SPECS, decisions };
  const one = (text: string) => file('d.yaml', `decisions:\n  - {${text}, because: "nobody minds", by: B. Person}\n`);
  const more = await addDecisions(specs, one('bits: "7.1.EAX[1]"'));
  expect(more.decisions.map(({ by }) => by)).toEqual(['A. Person', 'B. Person']);
  expect((await addDecisions(specs, one('rule: exposed-unreviewed'))).decisions).toHaveLength(2);
  expect(specs.decisions).toHaveLength(1);
  expect(await problem(addDecisions(specs, one('bits: "nowhere"')))).toBeInstanceOf(DataError);
});

describe('the QEMU of a stack', () => {
  const versionOf = async (text: string, specs = SPECS) =>
    (await stackOf(context, specs, { module: '2.0.08', kvm: '6.17', qemu: text })).qemu.version;

  test('is a version, the newest, a file or a tree', async () => {
    expect([await versionOf('10.1.0'), await versionOf('v9.2.0'), await versionOf('latest')]).toEqual([
      '10.1.0',
      '9.2.0',
      '11.1.0',
    ]);
    expect(await versionOf(file('q.yaml', await qemuToYaml(qemu('77.1.0'))))).toBe('77.1.0');
    const files = { ...Object.fromEntries(FILES), VERSION: '78.0.0\n' };
    const tree = buildRepository([{ subject: 'QEMU', files, tags: ['first'] }]);
    expect([await versionOf(tree), await versionOf(`${tree}@first`)]).toEqual(['78.0.0', '78.0.0']);
    expect(await problem(versionOf(`${tree}@gone`))).toBeInstanceOf(NoInputError);
  });

  test('that nobody knows is answered with the known ones', async () => {
    const unknown = (text: string, more: string) =>
      new UsageError(`no QEMU version, specification file or GITDIR[@REV] ${JSON.stringify(text)}${more}`);
    const known = '; known: 11.1.0, 10.1.0, 9.2.0';
    for (const text of ['x', '@main', 'gone@main', '/gone'])
      expect(await problem(versionOf(text)), text).toEqual(unknown(text, known));
    expect(await problem(versionOf('latest', { ...SPECS, qemu: [] }))).toEqual(unknown('latest', '; known: none'));
  });

  test('stands with the release, the kernel and what the kernel asks', async () => {
    const asks = { version: '6.17', source: SPECS.policies[1]?.source, asks: [], unlisted: [] };
    const specs = { ...SPECS, cpuid2: { questions: [], kernels: [asks] } } as unknown as typeof SPECS;
    const stack = await stackOf(context, specs, { module: '2.0.08', kvm: '6.17', qemu: 'latest' });
    expect([stack.release, stack.kvm.policy.version, stack.kvm.base]).toEqual([now, '6.17', '1.5.06']);
    expect(stack.names).toBe(SPECS.knowledge.names);
    expect(stack.cpuid2).not.toBeNull();
    const other = await stackOf(context, specs, { module: '2.0.08', kvm: '6.16.1', qemu: 'latest' });
    expect(other.cpuid2).toBeNull();
  });
});
