import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isClobberSource, isRegisterSource } from '../../../../pipeline/extract/module/clobber-source.ts';
import { extractClobbers } from '../../../../pipeline/extract/module/clobbers/extract.ts';
import { readRegisterChecks } from '../../../../pipeline/extract/module/clobbers/registers.ts';
import type { TreeFile } from '../../../../pipeline/extract/module/clobbers/tree.ts';
import type { ClobberFacts, MsrTransition } from '../../../../pipeline/model/clobber.ts';
import { readClobbersFile } from '../../../../pipeline/specs/clobbers-file.ts';
import { NO_CACHE } from '../../../../pipeline/specs/plain.ts';
import { ROOT } from '../../../helpers/run.ts';
import { exitsOf, SOURCE } from './tree.ts';

// A clone that holds 1.5.01, 1.5.05 and 1.5.06 at these commits.
const REPOSITORY = process.env.BITWATCH_MODULE_REPO ?? '';
const RELEASES = [
  ['1.5.01', 'dcb1a7e'],
  ['1.5.05', '43c0264'],
  ['1.5.06', '2c25cb3'],
] as const;

function filesOf(revision: string, isWanted: (path: string) => boolean): ReadonlyMap<string, TreeFile> {
  const git = (...args: readonly string[]): Buffer =>
    execFileSync('git', ['-C', REPOSITORY, ...args], { maxBuffer: 2 ** 28 });
  const paths = git('ls-tree', '-r', '--name-only', revision).toString().split('\n').filter(isWanted);
  return new Map(
    paths.map((path) => [path, { text: git('cat-file', '-p', `${revision}:${path}`).toString('latin1'), blob: null }]),
  );
}

const msr = (facts: ClobberFacts, name: string) => facts.msrs.filter((item) => item.msr === name);

test.skipIf(REPOSITORY === '').each(RELEASES)(
  'golden figures of %s (skipped without BITWATCH_MODULE_REPO)',
  (release, revision) => {
    const facts = extractClobbers({ release, source: SOURCE, files: filesOf(revision, isClobberSource) });
    expect(exitsOf(facts, 'IA32_UMWAIT_CONTROL')).toEqual(['cpuid_flags.waitpkg_supported: none']);
    expect(msr(facts, 'IA32_UMWAIT_CONTROL')[0]?.openers).toMatchObject([
      { leaf: 7, subleaf: 0, register: 'ecx', mask: 0x20 },
    ]);
    expect(exitsOf(facts, 'IA32_TSX_CTRL')).toEqual([
      '!cpuid_flags.tsx_supported: restored',
      'cpuid_flags.tsx_supported: init',
    ]);
    const [, withTsx] = msr(facts, 'IA32_TSX_CTRL');
    expect(withTsx).toMatchObject({
      exitValue: '0x0',
      openers: [{ leaf: 7, subleaf: 0, register: 'ebx', mask: 0x810 }],
    });
    expect(exitsOf(facts, 'IA32_XSS')).toEqual(['always: none']);
    expect(msr(facts, 'IA32_XSS')[0]?.exitAt).toEqual([]);
    expect(exitsOf(facts, 'IA32_DS_AREA')).toEqual(['always: restored']);
    expect(exitsOf(facts, 'IA32_SPEC_CTRL')).toEqual(['always: restored']);
    for (const name of ['IA32_STAR', 'IA32_LSTAR', 'IA32_KERNEL_GS_BASE', 'IA32_TSC_AUX'])
      expect(msr(facts, name)).toMatchObject([{ guard: null, exit: 'init', exitValue: '0x0' }]);
    expect(exitsOf(facts, 'IA32_LBR_DEPTH')).toEqual(['xfam.lbr: none']);
    expect(exitsOf(facts, 'IA32_PEBS_ENABLE')).toEqual(['attributes.perfmon: none']);
    expect(exitsOf(facts, 'IA32_XFD')).toEqual(['cpuid_flags.xfd_supported: init']);
    const [check] = readRegisterChecks(filesOf(revision, isRegisterSource));
    expect(check).toMatchObject({ register: 'RCX', mustBeClear: 0xffffffff00000013n });
  },
  20_000,
);

test.skipIf(REPOSITORY === '').each(RELEASES)(
  'the embedded host state of %s holds what the tree gives, and settles what its syntax does not (skipped without BITWATCH_MODULE_REPO)',
  async (release, revision) => {
    const { msrs } = extractClobbers({ release, source: SOURCE, files: filesOf(revision, isClobberSource) });
    const file = join(ROOT, 'specs', 'clobbers', `${release}.yaml`);
    const embedded = await readClobbersFile(file, readFileSync(file, 'utf8'), NO_CACHE);
    const derived = embedded.msrs.filter(
      ({ learnt }) => learnt?.entry.how === 'derived' && learnt.exit.how === 'derived',
    );
    const plain = derived.flatMap(({ learnt: _, ...row }) => (row.by === undefined ? [row] : []));
    expect(plain).toEqual(msrs.filter(({ exit, by }) => exit !== 'unknown' && by === undefined));
    // How a register is left that no WRMSR writes; the words and where VM entry loads a field from are a person's.
    const left = (rows: readonly MsrTransition[]) =>
      rows
        .filter(({ by }) => by === 'mov' || by === 'xsetbv' || by === 'vmcs')
        .map(({ msr: name, guard, range, exit, exitValue, keepsBits, by, exitAt }) => [
          [name, guard, range, exit, exitValue, keepsBits, by],
          exitAt.map(({ path, line, guards }) => [path, line, guards]),
        ]);
    expect(left(embedded.msrs)).toEqual(left(msrs));
    expect(left(msrs).length).toBeGreaterThanOrEqual(9);
    // Commands on PERF_GLOBAL_STATUS are told as what they leave of it.
    const settled = new Set(embedded.msrs.filter((row) => !derived.includes(row)).map(({ msr }) => msr));
    for (const { msr: name, exit } of msrs)
      if (exit === 'unknown') expect(settled).toContain(name.replace(/_(SET|RESET)$/, ''));
  },
  20_000,
);
