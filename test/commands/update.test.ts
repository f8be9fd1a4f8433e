import { describe, expect, test } from 'vitest';
import { updateOf } from '../../pipeline/cases/update.ts';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { updateJson, updateText } from '../../pipeline/report/vmm/update.ts';
import { bitwatch } from '../helpers/run.ts';
import { shippedSpecs } from '../helpers/specs.ts';

const specs = await shippedSpecs();
const policy = specs.policies.find(({ version }) => version === '7.1.5');
if (policy === undefined) throw new Error('7.1.5 is not in specs/');
const computed = (from: string, to: string) => updateOf(specs, from, to, policy);
const update = (from: string, to: string) => SCHEMAS.update.parse(updateJson(computed(from, to)));

describe('bitwatch update', () => {
  test.each([
    ['1.5.01', '1.5.06', 'yes', 'from-the-minimum-on', '1.5.01'],
    ['2.0.04', '2.0.08', 'yes', 'from-the-minimum-on', '2.0.04'],
    ['2.0.02', '2.0.08', 'no', 'below-the-minimum', '2.0.04'],
    // 1.5.16 is above 1.5.01 and 2.0.02 is above both: numbers alone would say yes.
    ['2.0.02', '1.5.16', 'no', 'other-line', '1.5.01'],
    ['1.5.16', '2.0.08', 'no', 'other-line', '2.0.04'],
    ['1.5.16', '1.5.13', 'unknown', 'older-release', '1.5.01'],
    ['1.5.16', '1.5.28', 'unknown', 'not-published', null],
    ['1.5.16', '2.0.18', 'no', 'other-line', null],
  ])('from %s to %s: %s, %s', (from, to, answer, why, minimum) => {
    expect(update(from, to).carryOver).toMatchObject({ answer, why, minimum });
  });

  test('a release from which nothing is published is told as unknown, not as no change', () => {
    const answer = update('2.0.04', '2.0.05');
    expect(answer).toMatchObject({ carryOver: { answer: 'yes', seamldr: ['2.0.00'] }, running: null, newTds: null });
    expect(answer.unknown).toContain('the tables of 2.0.05 could not be read: what its TDs see is not known');
  });

  test('new TDs: what a VMM may newly set, with KVM’s verdict; the way back takes it away', () => {
    const there = update('1.5.05', '1.5.06');
    const settable = there.newTds?.changes.filter(({ effect }) => effect === 'settable') ?? [];
    expect(settable.filter(({ leaf }) => leaf === '0x7').map(({ register, mask }) => [register, mask])).toEqual([
      ['eax', '0x00800000'],
      ['eax', '0x00080080'],
      ['edx', '0x00020000'],
    ]);
    for (const { mask, verdicts } of settable) expect(verdicts.map((each) => each.mask)).toEqual([mask]);
    const back = update('1.5.06', '1.5.05');
    expect(back.newTds?.changes.filter(({ effect }) => effect === 'settable')).toEqual([]);
    const gone = back.newTds?.changes.filter(({ effect, leaf }) => effect === 'not-settable' && leaf === '0x7') ?? [];
    expect(gone.map(({ mask }) => mask)).toEqual(['0x00800000', '0x00080080', '0x00020000']);
  });

  test('rules at CPUID: those of REDUCE_VE come with 1.5.09, none with 1.5.34', () => {
    const reduced = update('1.5.08', '1.5.09');
    expect(reduced.running?.guestRulesAdded.length).toBeGreaterThan(10);
    expect(update('1.5.28', '1.5.34').running).toEqual({ guestRulesAdded: [], guestRulesRemoved: [] });
    expect(updateText(computed('1.5.28', '1.5.34'))).toContain(
      'nothing: leaves and rules at CPUID are the same in both',
    );
  });

  test('bits of TDX_FEATURES0 have the names of the releases’ own headers', () => {
    const text = updateText(computed('2.0.04', '2.0.18')).replace(/\s+/g, ' ');
    expect(text).toContain(
      'TDX_FEATURES0, added: hw_sealing, partitioned_td_migration, dynamic_pamt, fatal_diagnostics,',
    );
    expect(text).not.toMatch(/\bbit 12\b/);
  });

  test('a KVM that refuses the new release says so, and gives no verdict', () => {
    const answer = update('1.5.05', '1.5.01');
    expect(answer.runs).toMatchObject({ answer: 'no' });
    expect(update('1.5.05', '1.5.06').runs).toMatchObject({ answer: 'yes' });
  });

  test('the command prints what is computed', async () => {
    const { status, stdout } = await bitwatch(['update', '1.5.05', '1.5.06', '--kvm', '7.1.5', '--json']);
    expect([status, JSON.parse(stdout)]).toEqual([0, update('1.5.05', '1.5.06')]);
  });

  test('a name that is no release is refused with a suggestion', async () => {
    const { status, stderr } = await bitwatch(['update', '1.5.07', '1.5.16']);
    expect([status, stderr]).toEqual([64, expect.stringContaining('no release "1.5.07" is known')]);
  });
});
