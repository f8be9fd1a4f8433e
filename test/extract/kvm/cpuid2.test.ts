import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readCpuid2Revision } from '../../../pipeline/cases/kvm-revision.ts';
import { groundOf } from '../../../pipeline/cases/reviews.ts';
import { readCpuid2 } from '../../../pipeline/extract/kvm/cpuid2.ts';
import { openBlobs } from '../../../pipeline/git/blobs.ts';
import { openRepository, type Repository, resolveCommit } from '../../../pipeline/git/repository.ts';
import { judgeCpuid2 } from '../../../pipeline/judge/cpuid2.ts';
import { judgePolicy } from '../../../pipeline/judge/judge.ts';
import type { Cpuid2Question } from '../../../pipeline/model/cpuid2.ts';
import { KnownError } from '../../../pipeline/model/errors.ts';
import type { Finding } from '../../../pipeline/model/finding.ts';
import { readCpuid2File, readCpuid2Questions } from '../../../pipeline/specs/cpuid2-file.ts';
import { NO_CACHE } from '../../../pipeline/specs/plain.ts';
import { kernelFiles } from '../../helpers/kernel-tree.ts';
import { buildRepository } from '../../helpers/repository.ts';
import { bitwatch, ROOT } from '../../helpers/run.ts';
import { shippedSpecs } from '../../helpers/specs.ts';

const site = (text: string, isCall = false) => {
  const [path = '', name = '', word = ''] = text.split(' ');
  return { path, function: name, word, isCall };
};
const question: Cpuid2Question = {
  id: 'counters',
  asks: [site('pmu.c refresh guest_cpu_cap_has')],
  guards: [[site('pmu.c refresh is_td_vcpu')]],
  about: 'host',
  msrs: [],
  decides: 'counters of the host',
  differs: 'the host loses them',
};
const TDX = 'arch/x86/kvm/vmx/tdx.c';
const PMU = 'arch/x86/kvm/pmu.c';
/** A function that asks, with these lines before and behind it. */
const pmu = (before: string, after = ''): string =>
  `static void refresh(struct kvm_vcpu *vcpu)\n{\n${before}\n\tif (guest_cpu_cap_has(vcpu, X86_FEATURE_EXAMPLE))\n\t\tload_counters();\n${after}\n}\n`;
const read = (text: string, tdx = 'int tdx_run(void)\n{\n\treturn 0;\n}\n', asked = question) =>
  readCpuid2(
    new Map([
      [PMU, text],
      [TDX, tdx],
    ]),
    [asked],
  );
const outcome = (text: string, asked = question): string | undefined =>
  judgeCpuid2([asked], {
    version: '9.9',
    source: { repository: 'x', revision: 'y', path: TDX, blob: null },
    ...read(text, undefined, asked),
  })[0]?.outcome;

describe('a question that decides on the host', () => {
  test('is a lie where nothing guards it', () => {
    expect(outcome(pmu(''))).toBe('lie');
    expect(read(pmu('')).asks).toEqual([
      { question: 'counters', at: { path: PMU, function: 'refresh', line: 4 }, guard: null },
    ]);
  });
  test('is kept where a condition leaves before it', () => {
    const guarded = pmu('\tif (is_td_vcpu(vcpu))\n\t\treturn;');
    expect(outcome(guarded)).toBe('kept');
    expect(read(guarded).asks[0]?.guard).toEqual({ path: PMU, function: 'refresh', line: 3 });
  });
  test.each([
    ['a condition that does not leave', pmu('\tif (is_td_vcpu(vcpu))\n\t\tnote();')],
    ['a condition behind the question', pmu('', '\tif (is_td_vcpu(vcpu))\n\t\treturn;')],
    ['a word outside of a condition', pmu('\tis_td_vcpu(vcpu);')],
    [
      'a condition of another function',
      `${pmu('')}static void other(void)\n{\n\tif (is_td_vcpu(vcpu))\n\t\treturn;\n}\n`,
    ],
  ])('is a lie beside %s', (_, text) => {
    expect(outcome(text)).toBe('lie');
  });
  test('needs all sites of a guard that stand together', () => {
    const both = { ...question, guards: [[site('pmu.c refresh is_td_vcpu'), site('vmx/tdx.c tdx_run protect', true)]] };
    const text = pmu('\tif (is_td_vcpu(vcpu))\n\t\treturn;');
    expect(read(text, undefined, both).asks[0]?.guard).toBeNull();
    expect(read(text, 'int tdx_run(void)\n{\n\tprotect(1);\n\treturn 0;\n}\n', both).asks[0]?.guard).not.toBeNull();
  });
});

test('what decides for the guest alone is shown, what KVM insists on is required, what is not there is not asked', () => {
  expect(outcome(pmu(''), { ...question, about: 'guest' })).toBe('shown');
  expect(outcome(pmu('\tif (is_td_vcpu(vcpu))\n\t\treturn;'), { ...question, about: 'kvm' })).toBe('required');
  expect(outcome('static void refresh(void)\n{\n\treturn;\n}\n')).toBe('not-asked');
});

test('an ask in tdx.c that no question names is listed', () => {
  const { unlisted } = read(
    pmu(''),
    'int tdx_run(struct kvm_vcpu *vcpu)\n{\n\treturn guest_cpu_cap_has(vcpu, 3);\n}\n',
  );
  expect(unlisted).toEqual([{ path: TDX, function: 'tdx_run', line: 3, word: 'guest_cpu_cap_has' }]);
});

test('every kernel of specs/kvm was read for every question, and no answer decides on its host', async () => {
  const { cpuid2, policies } = await shippedSpecs();
  expect(cpuid2.kernels.map(({ version, source }) => [version, source])).toEqual(
    policies.map(({ version, source }) => [version, source]),
  );
  for (const facts of cpuid2.kernels) {
    const outcomes = Object.fromEntries(
      judgeCpuid2(cpuid2.questions, facts).map(({ question: { id }, outcome: each }) => [id, each]),
    );
    expect([facts.version, outcomes]).toEqual([
      facts.version,
      {
        'after-set-cpuid': 'kept',
        'ept-level': 'kept',
        'fpu-buffer': 'kept',
        pmu: 'kept',
        'xsave-state': 'kept',
        x2apic: 'required',
        'gpa-range': 'shown',
        'msr-read': 'shown',
        'msr-write': 'shown',
        hypercall: 'shown',
        'apic-timer': 'shown',
      },
    ]);
    expect(facts.unlisted).toEqual([]);
  }
  // Read by hand in the trees.
  const line = (version: string, id: string) => {
    const ask = cpuid2.kernels.find((each) => each.version === version)?.asks.find((each) => each.question === id);
    return [ask?.at.line, ask?.guard?.line];
  };
  expect([line('6.16.1', 'ept-level'), line('7.1.5', 'ept-level')]).toEqual([
    [5595, 1585],
    [5781, 1608],
  ]);
  expect([line('6.16.1', 'xsave-state'), line('7.1.5', 'xsave-state')]).toEqual([
    [1191, 1183],
    [1227, 1217],
  ]);
});

test('explain and stack say it', async () => {
  const { stdout } = await bitwatch(['explain', 'KVM_SET_CPUID2']);
  expect(stdout.replace(/\s+/g, ' ')).toContain(
    'in no kernel read does a known answer decide on the host (6.16.1, 6.17',
  );
  expect(stdout).toContain('mmu/mmu.c:5781; kept by vmx/tdx.c:1608');
  expect((await bitwatch(['stack', '--kvm', '7.1.5'])).stdout).toContain(
    'would decide on the host, and is kept from it',
  );
});

/** A kernel whose one question of the shipped ones is whether XSS is switched, with these lines before it. */
const asking = (guard: string): string => {
  const files = kernelFiles();
  const x86 = 'arch/x86/kvm/x86.c';
  const load = `static void kvm_load_xfeatures(struct kvm_vcpu *vcpu, bool load_guest)\n{\n${guard}\tif (guest_cpu_cap_has(vcpu, X86_FEATURE_XSAVES))\n\t\twrmsrq(MSR_IA32_XSS, 3);\n}\n`;
  const create =
    'int tdx_vcpu_create(struct kvm_vcpu *vcpu)\n{\n\tvcpu->arch.guest_state_protected = true;\n\treturn 0;\n}\n';
  return buildRepository([
    {
      subject: 'a kernel',
      files: { ...files, [x86]: `${files[x86] ?? ''}${load}`, [TDX]: `${files[TDX] ?? ''}${create}` },
    },
  ]);
};
const cpuid2Findings = async (tree: string) => {
  const { stdout } = await bitwatch(['check', '--kvm', tree, '--json']);
  const { findings } = JSON.parse(stdout) as { findings: readonly (Finding & { evidence: Finding['evidence'] })[] };
  return findings.filter(({ rule }) => rule.startsWith('set-cpuid2'));
};

test('a tree that acts on what a VMM may make up fails the gate, and one that checks does not', async () => {
  const [bare, ...others] = await cpuid2Findings(asking(''));
  expect(bare).toMatchObject({ rule: 'set-cpuid2-decides-host', level: 'error', for: ['kernel', 'operator'] });
  // Where KVM asks, and where the newest release that it runs and whose line is known writes the MSR.
  expect(bare?.evidence.map(({ path, line }) => `${path.split('/').at(-1)}:${line}`)).toEqual([
    'x86.c:4',
    expect.stringMatching(/\.c:\d+$/),
  ]);
  // Of the other questions nothing is found in a tree this small, which is said.
  expect(others.map(({ rule, level }) => [rule, level])).toEqual([['set-cpuid2-not-examined', 'info']]);
  const checked = await cpuid2Findings(asking('\tif (vcpu->arch.guest_state_protected)\n\t\treturn;\n'));
  expect(checked.map(({ rule }) => rule)).toEqual(['set-cpuid2-not-examined']);
});

test('on the shipped kernels neither rule finds anything: each was read, and each guard stands', async () => {
  const { stdout } = await bitwatch(['check', '--json']);
  expect(stdout).not.toContain('set-cpuid2');
  const specs = await shippedSpecs();
  const ground = groundOf(specs);
  for (const policy of specs.policies)
    expect([policy.version, judgePolicy(policy, ground).filter(({ rule }) => rule.startsWith('set-cpuid2'))]).toEqual([
      policy.version,
      [],
    ]);
  // The same kernels without their guards: every question about the host is one.
  const kernels = specs.cpuid2.kernels.map((facts) => ({
    ...facts,
    asks: facts.asks.map((ask) => ({ ...ask, guard: null })),
  }));
  const bare = { ...ground, cpuid2: { ...specs.cpuid2, kernels } };
  for (const policy of specs.policies)
    expect(
      judgePolicy(policy, bare)
        .flatMap(({ facts, level }) => (facts.kind === 'set-cpuid2' ? [`${facts.question} ${level}`] : []))
        .sort(),
    ).toEqual([
      // Denied, closed or restored: no value of the host is shown lost behind them.
      ...['after-set-cpuid', 'ept-level', 'fpu-buffer', 'pmu'].map((id) => `${id} warning`),
      'x2apic info',
      'xsave-state warning',
    ]);
});

test('a row or a file that is wrong is refused with its place', async () => {
  const table = readFileSync(join(ROOT, 'specs', 'cpuid2.md'), 'utf8');
  const wrong = table.replace('mmu/mmu.c kvm_mmu_get_tdp_level cpuid', 'mmu/mmu.c kvm_mmu_get_tdp_level(cpuid');
  await expect(readCpuid2Questions('cpuid2.md', wrong, NO_CACHE)).rejects.toThrow(
    /cpuid2\.md:\d+.*a file, a function and a word/,
  );
  await expect(readCpuid2File('x.yaml', 'version: "7.1.5"\n', NO_CACHE)).rejects.toThrow(/x\.yaml/);
});

/** The first revision of files that a clone has: its HEAD may be none of those that were read. */
async function firstCommit(
  repository: Repository,
  read: readonly { readonly source: { readonly revision: string } }[],
): Promise<string | null> {
  for (const { source } of read)
    try {
      return await resolveCommit(repository, source.revision);
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
    }
  return null;
}

const KERNEL = process.env.BITWATCH_KERNEL_REPO;
test.skipIf(KERNEL === undefined)(
  'a real kernel gives the committed lines (BITWATCH_KERNEL_REPO names its clone)',
  async ({ skip }) => {
    const { cpuid2 } = await shippedSpecs();
    const repository = openRepository(KERNEL ?? '', process.env);
    const own = process.env.BITWATCH_KERNEL_REVISION;
    const commit = await firstCommit(repository, own === undefined ? cpuid2.kernels : [{ source: { revision: own } }]);
    if (commit === null) return skip('the clone has no revision that a file of specs/cpuid2/ was read from');
    const blobs = openBlobs(repository);
    const facts = await readCpuid2Revision(repository, blobs, commit, cpuid2.questions);
    await blobs.close();
    const wanted = cpuid2.kernels.find(({ version }) => version === facts.version);
    expect(wanted?.source.blob).toBe(facts.source.blob);
    expect({ ...facts, source: wanted?.source }).toEqual(wanted);
  },
);
