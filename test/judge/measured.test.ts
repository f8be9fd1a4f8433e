import { beforeAll, expect, test } from 'vitest';
import { wholeReport } from '../../pipeline/cases/whole-report.ts';
import type { Finding } from '../../pipeline/model/finding.ts';
import { and } from '../../pipeline/model/mask.ts';
import type { Register } from '../../pipeline/model/place.ts';
import { itemOf } from '../../pipeline/report/view.ts';
import { shippedSpecs } from '../helpers/specs.ts';

// What the tables alone made of these bits was false: the module's code overrides its tables.
let told: readonly { readonly review: string; readonly finding: Finding }[] = [];
beforeAll(async () => {
  const { reviews } = wholeReport(await shippedSpecs(), '2026-11-21');
  told = reviews.flatMap(({ id, findings }) => findings.map((finding) => ({ review: id, finding })));
});

const of = (leaf: number, subleaf: number | null, register: Register, mask: number) =>
  told.filter(({ finding }) =>
    finding.places.some(
      (place) =>
        place.leaf === leaf &&
        (place.subleaf ?? 0) === (subleaf ?? 0) &&
        place.register === register &&
        and(place.mask, mask) !== 0,
    ),
  );
const rules = (found: typeof told): readonly string[] => [...new Set(found.map(({ finding }) => finding.rule))].sort();

test('no finding of the shipped facts is an error', () => {
  expect(
    told.filter(({ finding }) => finding.level === 'error').map(({ finding }) => itemOf(finding).headline),
  ).toEqual([]);
  expect(told.length).toBeGreaterThan(50);
});

test('ARAT is not said to be 1 in every TD: leaf 6 is #VE until the guest sets REDUCE_VE', () => {
  expect(rules(of(6, null, 'eax', 0x4))).not.toContain('fixed1-added');
});

test('the guest’s physical address width is computed by the module and KVM, no broken promise', () => {
  const found = of(0x80000008, null, 'eax', 0x00ff0000);
  expect(rules(found)).not.toContain('unfixed-not-configurable');
  expect(found.length).toBeGreaterThan(0);
});

test.each([
  ['0x23.1.EBX follows ATTRIBUTES.PERFMON', 0x23, 1, 'ebx', 0x7f],
  ['0xb.2.ECX is computed', 0xb, 2, 'ecx', 0xff],
  ['0x19.ECX is 0 in every TD', 0x19, null, 'ecx', 0xffffffff],
] as const)('%s: no warning and no error', (_, leaf, subleaf, register, mask) => {
  expect(of(leaf, subleaf, register, mask).filter(({ finding }) => finding.level !== 'info')).toEqual([]);
});

test('SYSCALL follows the mode of the guest: it is not 0 in every TD, whatever the table clears', () => {
  expect(rules(of(0x80000001, null, 'edx', 0x800))).toEqual(['decider-changed']);
});

test('LASS of 1.5 Beta has no gate by an attribute that the release does not have', () => {
  const found = told.filter(({ review, finding }) => review.startsWith('1.5 Beta') && finding.rule === 'gate-changed');
  expect(found.filter(({ finding }) => itemOf(finding).headline.includes('LASS'))).toEqual([]);
});

test('the host’s own PMU control and status come back, and are not said to be left', () => {
  const left = told
    .filter(({ finding }) => finding.facts.kind === 'host-state')
    .map(({ finding }) => itemOf(finding).headline);
  expect(left.filter((text) => text.includes('PERF_GLOBAL'))).toEqual([]);
  expect(left.some((text) => text.includes('XCR0'))).toBe(true);
});

test('the masks of TDG.VP.VMCALL’s RCX agree', () => {
  expect(told.filter(({ finding }) => finding.rule === 'register-mask-mismatch')).toEqual([]);
});

test('what the PMU leaves from 1.5.16 on was left before: nothing newly left is claimed', () => {
  const step = told.filter(
    ({ review, finding }) => review.startsWith('1.5.13..1.5.16') && finding.facts.kind === 'host-state',
  );
  expect(step).toEqual([]);
});
