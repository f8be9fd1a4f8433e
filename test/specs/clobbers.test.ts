import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compareClobberTable, diffClobbers } from '../../pipeline/diff/clobbers.ts';
import { compareRegisters } from '../../pipeline/diff/registers.ts';
import { DataError } from '../../pipeline/model/errors.ts';
import { clobbersToYaml, readClobbersFile } from '../../pipeline/specs/clobbers-file.ts';
import { readClobbersTable } from '../../pipeline/specs/clobbers-table.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import { readRegistersTable } from '../../pipeline/specs/registers-table.ts';
import { baseTree, clobbersOf, mutated } from '../extract/module/clobbers/tree.ts';

const facts = clobbersOf(baseTree());
const specs = new URL('../../specs/', import.meta.url);
const text = (name: string): string => readFileSync(new URL(name, specs), 'utf8');

test('what is written is read back', async () => {
  const yaml = await clobbersToYaml(facts);
  expect(await readClobbersFile('a.yaml', yaml, NO_CACHE)).toEqual(facts);
  expect(await clobbersToYaml(await readClobbersFile('a.yaml', yaml, NO_CACHE))).toBe(yaml);
});

test('a file of another shape is an error with its line', async () => {
  const broken = (await clobbersToYaml(facts)).replace('exit: init', 'exit: perhaps');
  await expect(readClobbersFile('a.yaml', broken, NO_CACHE)).rejects.toThrow(/a\.yaml:\d+/);
});

describe('the shipped specifications', () => {
  test('evidence and argued rows agree', async () => {
    const rows = await readClobbersTable('clobbers.md', text('clobbers.md'), NO_CACHE);
    const all = await Promise.all(
      readdirSync(new URL('clobbers/', specs)).map((name) =>
        readClobbersFile(name, text(`clobbers/${name}`), NO_CACHE),
      ),
    );
    expect(compareClobberTable(rows, all)).toEqual({ evidenceWithoutRow: [], rowsWithoutEvidence: [] });
  });

  test('what is documented and enforced of TDG.VP.VMCALL’s RCX agrees, and KVM’s TDs lose bit 5 too', async () => {
    const rows = await readRegistersTable('registers.md', text('registers.md'), NO_CACHE);
    const facts = await Promise.all(
      readdirSync(new URL('clobbers/', specs)).map((name) =>
        readClobbersFile(name, text(`clobbers/${name}`), NO_CACHE),
      ),
    );
    const checks = facts.flatMap(({ registerChecks }) => registerChecks ?? []);
    expect(checks).toHaveLength(7);
    for (const check of checks) {
      const [rcx] = compareRegisters(rows, [check]);
      expect(rcx).toMatchObject({ register: 'RCX', validated: null, differs: false });
      expect(rcx?.documented?.mustBeClear).toBe(0xffffffff00000013n);
    }
    // The near miss: a module that let bit 4 through would disagree.
    const loose = checks.map((check) => ({ ...check, mustBeClear: check.mustBeClear & ~0x10n }));
    expect(compareRegisters(rows, loose.slice(-1))[0]?.differs).toBe(true);
    const underKvm = rows.find(({ column }) => column === 'under KVM')?.mustBeClear ?? 0n;
    const newest = facts.find(({ release }) => release === '1.5.06')?.registerChecks?.[0];
    const rbp = newest?.conditional.find(({ condition }) => condition.endsWith('no_rbp_mod'));
    expect(underKvm).toBe((newest?.mustBeClear ?? 0n) | (rbp?.mustBeClear ?? 0n));
    expect(rbp?.mustBeClear).toBe(0x20n);
  });
});

const ROW = (opened: string, msrs: string) =>
  `| Feature | Opened by | MSRs | Kind | What KVM does | Source |\n|---|---|---|---|---|---|\n| X | ${opened} | ${msrs} | clobber | nothing | a test |\n`;

test('a row without evidence and evidence without a row are found', async () => {
  const rows = await readClobbersTable('a.md', ROW('`7.0.ECX[5]`', 'EPSILON_CONTROL; NOWHERE'), NO_CACHE);
  const { evidenceWithoutRow, rowsWithoutEvidence } = compareClobberTable(rows, [facts]);
  expect(rowsWithoutEvidence.map(({ msr }) => msr)).toEqual(['NOWHERE']);
  expect(evidenceWithoutRow.map(({ transition }) => transition.msr)).not.toContain('IA32_EPSILON_CONTROL');
  expect(evidenceWithoutRow.map(({ transition }) => transition.msr)).toContain('IA32_GAMMA');
});

test('a cell that names no bit is an error', async () => {
  await expect(readClobbersTable('a.md', ROW('somehow', 'X'), NO_CACHE)).rejects.toThrow(DataError);
});

test('changes between releases, and their mirror', () => {
  const ALPHA = 'write_if_new(IA32_ALPHA_MSR_ADDR, local->host.alpha, local->ctx.tdvps->msrs.alpha);';
  const after = clobbersOf(mutated('src/paths/leave.c', ALPHA, ''));
  const short = ({ added, removed }: ReturnType<typeof diffClobbers>) =>
    [added, removed].map((list) => list.map(({ msr, exit }) => [msr, exit]));
  expect(short(diffClobbers(facts, after))).toEqual([[['IA32_ALPHA', 'none']], []]);
  expect(short(diffClobbers(after, facts))).toEqual([[], [['IA32_ALPHA', 'none']]]);
  expect(diffClobbers(facts, facts)).toEqual({ added: [], removed: [], changed: [] });
  // Left before and left now, with another value: nothing came, nothing went.
  const otherwise = {
    ...after,
    msrs: after.msrs.map((row) => (row.msr === 'IA32_ALPHA' ? { ...row, exit: 'init' as const } : row)),
  };
  const told = (from: typeof facts, to: typeof facts) => {
    const { added, removed, changed } = diffClobbers(from, to);
    return [added, removed, changed].map((list) => list.map(({ msr, exit, exitValue }) => [msr, exit, exitValue]));
  };
  expect(told(after, otherwise)).toEqual([[], [], [['IA32_ALPHA', 'init', undefined]]]);
  expect(told(otherwise, after)).toEqual([[], [], [['IA32_ALPHA', 'none', undefined]]]);
  // Another constant, or other bits that stay, is another value; one that was not read, or a way not settled, says nothing.
  const alpha = (extra: Partial<(typeof after.msrs)[number]>) => ({
    ...after,
    msrs: after.msrs.map((row) => (row.msr === 'IA32_ALPHA' ? { ...row, exit: 'init' as const, ...extra } : row)),
  });
  const changed = (from: typeof facts, to: typeof facts) => told(from, to).map((list) => list.length);
  expect(changed(alpha({ exitValue: '0x0' }), alpha({ exitValue: '0x20' }))).toEqual([0, 0, 1]);
  expect(changed(alpha({ exitValue: '0x0' }), alpha({ exitValue: '0x00' }))).toEqual([0, 0, 0]);
  expect(changed(alpha({ exitValue: '0x0' }), alpha({ exitValue: '0x0', keepsBits: '0x2' }))).toEqual([0, 0, 1]);
  expect(changed(otherwise, alpha({ exitValue: '0x20' }))).toEqual([0, 0, 0]);
  expect(changed(after, alpha({ exit: 'unknown' }))).toEqual([0, 0, 0]);
  expect(changed(after, alpha({ guard: 'attributes.other' }))).toEqual([1, 1, 0]);
  expect(short(diffClobbers(facts, otherwise))).toEqual([[['IA32_ALPHA', 'init']], []]);
});
