import { join } from 'node:path';
import { expect, test } from 'vitest';
import { releaseSteps } from '../../pipeline/cases/release-steps.ts';
import { releaseReview } from '../../pipeline/cases/reviews.ts';
import { wholeReport } from '../../pipeline/cases/whole-report.ts';
import { bitsOf } from '../../pipeline/model/mask.ts';
import { placeId } from '../../pipeline/model/place.ts';
import type { Review } from '../../pipeline/model/review.ts';
import { placesText } from '../../pipeline/report/places.ts';
import { itemOf } from '../../pipeline/report/view.ts';
import { wordsOf } from '../../pipeline/report/words/words.ts';
import { shippedSpecs } from '../helpers/specs.ts';
import { expectFile } from '../report/golden.ts';

const specs = await shippedSpecs();
const report = wholeReport(specs, '2026-11-21');
const find = (name: string) => {
  const release = specs.releases.find(({ module }) => module.release === name);
  if (release === undefined) throw new Error(`no ${name}`);
  return release;
};

const toldTwice = ({ findings }: Review): readonly string[] => {
  const bits = findings.flatMap(({ places }) =>
    places.flatMap((place) => bitsOf(place.mask).map((bit) => `${placeId(place)} ${bit}`)),
  );
  const seen = new Set<string>();
  return bits.filter((bit) => seen.size === seen.add(bit).size);
};

test('all findings of the shipped facts, one line each', () => {
  const lines = report.reviews.flatMap(({ id, findings }) => [
    `== ${id}`,
    ...findings.map(itemOf).map(({ finding, headline }) => `${finding.level} ${finding.rule} ${headline}`),
  ]);
  expectFile(join(import.meta.dirname, 'golden/embedded.txt'), `${lines.join('\n')}\n`);
});

test('the whole history is at most 150 findings, and no bit is in two of one review', () => {
  expect(report.reviews.flatMap(({ findings }) => findings).length).toBeLessThanOrEqual(150);
  for (const review of report.reviews) expect([review.id, toldTwice(review)]).toEqual([review.id, []]);
});

test('every neighbouring pair under every kernel tells each bit once, and no verdict where KVM refuses it', () => {
  for (const { from, to } of releaseSteps(specs))
    for (const policy of specs.policies) {
      const review = releaseReview(specs, { from, to, policy });
      expect([review.id, toldTwice(review)]).toEqual([review.id, []]);
      // No kernel that runs a release lost host state or a promise with it: an error here is a new fact or a wrong one.
      expect([review.id, review.findings.filter(({ level }) => level === 'error')]).toEqual([review.id, []]);
      if (review.kvm?.runs.kind === 'no') {
        expect(review.kvm.verdicts).toEqual([]);
        expect(review.findings.filter(({ verdict, level }) => verdict !== null || level !== 'info')).toEqual([]);
      }
    }
});

test('no KVM runs what came before 1.5.05, for want of TOPOLOGY_ENUM, and there are no verdicts', () => {
  for (const release of specs.releases.slice(0, specs.releases.indexOf(find('1.5.05'))))
    for (const policy of specs.policies) {
      const { kvm } = releaseReview(specs, { from: release, to: release, policy });
      expect(kvm?.verdicts).toEqual([]);
      expect(kvm?.runs).toMatchObject({
        kind: 'no',
        refusals: expect.arrayContaining([
          expect.objectContaining({ kind: 'features0', bits: [expect.objectContaining({ bit: 20 })] }),
        ]),
      });
    }
});

test('what PERFMON gates is told apart from what MAXGPA_VIRT decides, and neither as beyond the VMM’s control', () => {
  const { findings } = releaseReview(specs, { from: find('1.5.06'), to: find('1.5.08'), policy: null });
  const gated = findings.filter(({ facts }) => facts.kind === 'class' && facts.to === 'gated');
  expect(gated.map(({ places, facts }) => [placesText(places), facts.kind === 'class' ? facts.gates : null])).toEqual([
    ['0xa.ECX pmu_fcounters_bitmap[6:4]; 0x23.1.EBX fixed_counters[6:4]', ['attributes:63']],
    ['0x80000008.EAX guest_phys_addr_bits[21:16]', []],
  ]);
  for (const finding of gated) expect(wordsOf(finding).because).not.toMatch(/Neither KVM nor user space/);
});

/** Bits of 7.1 that a kernel's caps give to ordinary VMs, and the lines that do. */
const capsOf = (kernel: string, name: 'eax' | 'edx', mask: number) => {
  const known = specs.policies.find(({ version }) => version === kernel)?.known ?? [];
  const own = known.filter(
    ({ leaf, subleaf, register, mask: all }) => leaf === 7 && subleaf === 1 && register === name && (all & mask) !== 0,
  );
  return {
    given: own.reduce((all, entry) => all | (entry.mask & mask), 0),
    lines: own.map(({ path, line }) => `${path}:${line}`),
  };
};

test.each(['6.16.1', '7.1.5'])('2.0.08 from 1.5.06 on %s: RAO-INT is exposed, five are KVM’s own caps', (kernel) => {
  const policy = specs.policies.find(({ version }) => version === kernel) ?? null;
  const { findings } = releaseReview(specs, { from: find('1.5.06'), to: find('2.0.08'), policy });
  const of = (rule: string, backing?: string) =>
    findings
      .filter(
        ({ facts, ...each }) =>
          each.rule === rule &&
          (backing === undefined || (facts.kind === 'configurable' && facts.backing?.kind === backing)),
      )
      .map(({ places }) => placesText(places));
  expect(of('exposed-unreviewed')).toEqual(['7.1.EAX RAO_INT[3]']);
  expect(of('configurable-added', 'caps')).toEqual([
    '7.1.EAX SHA512[0] SM3[1] SM4[2] AMX_FP16[21]; 7.1.EDX PREFETCHITI[14]',
  ]);
  expect(of('meaning-changed')).toEqual(['1.EDX MCE[7] MTRR[12] MCA[14]; 7.0.EDX CORE_CAPABILITIES[30]']);
  expect(of('configurable-removed')).toEqual(['4.{0,1,2}.EDX 0xfffffff8']);
  const [eax, edx] = [capsOf(kernel, 'eax', 0x200007), capsOf(kernel, 'edx', 0x4000)];
  expect([eax.given, edx.given, capsOf(kernel, 'eax', 0x8)]).toEqual([0x200007, 0x4000, { given: 0, lines: [] }]);
  // The finding rests on just these lines of the kernel.
  const caps = findings.find(({ facts }) => facts.kind === 'configurable' && facts.backing?.kind === 'caps');
  const evidence = caps?.evidence.map(({ path, line }) => `${path}:${line}`) ?? [];
  expect(new Set(evidence)).toEqual(new Set([...eax.lines, ...edx.lines]));
  expect(evidence.length).toBeGreaterThan(0);
});

test('what stays left changed is told with what is new, of a KVM that runs the release alone, and what only some TDs leave', () => {
  const stateOf = (from: string, to: string) => {
    const policy = specs.policies.find(({ version }) => version === '7.1.5') ?? null;
    const { hostState } = releaseReview(specs, { from: find(from), to: find(to), policy });
    if (hostState.kind !== 'examined') throw new Error(`${to} was not examined`);
    return hostState;
  };
  // The module writes it from 1.5 Beta on, for every TD, and no kernel brings it back: it is told once as new, then as standing.
  expect(stateOf('2.0.16', '2.0.18').standing.map(({ msr }) => msr)).toEqual(['UARCH_MISC_CTL']);
  expect(stateOf('1.5.05', '1.5.06').standing.map(({ msr }) => msr)).toEqual(['UARCH_MISC_CTL']);
  const beta = stateOf('1.0.03', '1.5 Beta');
  expect([beta.standing, beta.worse.map(({ msr, kvm }) => [msr, kvm])]).toEqual([[], [['UARCH_MISC_CTL', null]]]);
  // TDs with TSX leave it changed all the same.
  expect(beta.better).toEqual([expect.objectContaining({ msr: 'TSX_CTRL', isInPart: true })]);
  expect(stateOf('1.5.05', '1.5.06').better).toEqual([expect.not.objectContaining({ isInPart: true })]);
});

test('a text is told with what the guest must set to read it', () => {
  const { findings } = releaseReview(specs, { from: find('1.5.16'), to: find('1.5.28'), policy: null });
  expect(findings.flatMap(({ facts }) => (facts.kind === 'constant' ? [facts.guest] : []))).toEqual([['REDUCE_VE']]);
});

test('a leaf whose other sub-leaves were there is told by its new ones', () => {
  const leaves = (from: string, to: string): readonly string[] =>
    releaseReview(specs, { from: find(from), to: find(to), policy: null })
      .findings.filter(({ rule }) => rule === 'leaf-added')
      .map((finding) => wordsOf(finding).headline);
  expect(leaves('1.0.01', '1.0.03')).toEqual(['leaf 7.2: came into the table']);
  expect(leaves('1.5.13', '1.5.16')).toEqual([]);
  expect(leaves('1.5.08', '1.5.09')).toEqual([
    'leaf 0x18: came into the table',
    'leaf 0x80000002: came into the table',
  ]);
});

test('a number of several bits is told with what it held and what it holds now', () => {
  const told = (from: string, to: string) => {
    const policy = specs.policies.find(({ version }) => version === '7.1.5') ?? null;
    return releaseReview(specs, { from: find(from), to: find(to), policy }).findings.filter(({ fields }) => fields);
  };
  // 52 in every TD, then the host's number: KVM never sets MAXPA_VIRT, which would give the VMM a say.
  const [maxpa, ...others] = told('1.5.05', '1.5.06');
  if (maxpa === undefined) throw new Error('the number of physical address bits changed unseen');
  expect(others).toEqual([]);
  expect(maxpa.fields).toEqual([
    expect.objectContaining({
      name: 'phys_addr_bits',
      high: 7,
      low: 0,
      from: { kind: 'value', value: 52 },
      to: { kind: 'decided', by: [expect.objectContaining({ by: { kind: 'computed', what: 'maxpa' } })] },
    }),
  ]);
  expect(wordsOf(maxpa).because).toMatch(
    /^phys_addr_bits\[7:0\]: always 52 -> the host’s number of physical address bits/,
  );
  expect(wordsOf(maxpa).because).not.toMatch(/stays 0/);
  // A step of one number is told as that number, not as a bit that is 1 and another that is 0.
  const leaves = told('1.0.01', '1.0.03');
  expect(leaves.map((finding) => wordsOf(finding).headline)).toEqual(['7.0.EAX leaf7_n_subleaves 1 -> 2 in every TD']);
  expect(leaves[0]?.places).toMatchObject([{ mask: 0x3 }]);
  // What holds for features does not hold for it.
  expect(leaves.map((finding) => wordsOf(finding).todo)).toEqual(['Check what user space computes for the number.']);
  // Features are no numbers.
  expect(told('1.5.16', '2.0.08')).toEqual([]);
});
