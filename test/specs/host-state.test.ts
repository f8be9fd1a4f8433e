import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { MsrTransition } from '../../pipeline/model/clobber.ts';
import { or, without } from '../../pipeline/model/mask.ts';
import { msrName } from '../../pipeline/model/msr-name.ts';
import { fieldBits } from '../../pipeline/model/names.ts';
import { formatPlace, placeId, sameLeaf } from '../../pipeline/model/place.ts';
import { clobbersToYaml, readClobbersFile } from '../../pipeline/specs/clobbers-file.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import type { Specs } from '../../pipeline/specs/store.ts';
import { ROOT } from '../helpers/run.ts';
import { shippedSpecs } from '../helpers/specs.ts';

let specs: Specs;
beforeAll(async () => {
  specs = await shippedSpecs();
});

const rows = (release: string, msr: string): readonly MsrTransition[] =>
  specs.clobbers.find((facts) => facts.release === release)?.msrs.filter((row) => msrName(row.msr) === msr) ?? [];
const exits = (release: string, msr: string): readonly string[] =>
  rows(release, msr).map(({ guard, exit }) => `${guard ?? 'always'}: ${exit}`);
const releasesWhere = (holds: (release: string) => boolean): readonly string[] =>
  specs.clobbers.map(({ release }) => release).filter(holds);

test('the host state of every release that was read is examined, and of 2.0.14 too', () => {
  const examined = new Set(specs.clobbers.map(({ release }) => release));
  expect(specs.releases.filter(({ module }) => !examined.has(module.release))).toEqual([]);
  expect(examined.has('2.0.14')).toBe(true);
  expect(examined.has('1.5.20')).toBe(false);
});

test('rows are derived, read or inferred, and what is inferred names other releases that are known', () => {
  const known = new Set(specs.known.map(({ release }) => release));
  for (const { release, msrs } of specs.clobbers)
    for (const { msr, learnt } of msrs) {
      for (const way of [learnt?.entry, learnt?.exit])
        if (way?.how === 'inferred')
          for (const from of way.from)
            expect([release, msr, known.has(from), from === release]).toEqual([release, msr, true, false]);
    }
  // A file that was read by hand has no row that passes for derived.
  for (const { release, msrs } of specs.clobbers.filter(({ msrs: all }) =>
    all.every(({ entry }) => entry[0]?.line === null),
  ))
    for (const { msr, learnt } of msrs)
      expect([
        release,
        msr,
        learnt !== undefined && learnt.entry.how !== 'derived' && learnt.exit.how !== 'derived',
      ]).toEqual([release, msr, true]);
  expect(rows('2.0.12', 'DR7')[0]?.learnt).toEqual({ entry: { how: 'read' }, exit: { how: 'read' } });
  expect(rows('2.0.12', 'CR2')[0]?.learnt?.entry).toEqual({ how: 'inferred', from: ['2.0.08', '2.0.18'] });
  expect(rows('1.5.06', 'STAR')[0]?.learnt?.exit).toEqual({ how: 'derived' });
});

test('no row is left unsettled', () => {
  const open = specs.clobbers.flatMap(({ release, msrs }) =>
    msrs.filter(({ exit }) => exit === 'unknown').map(({ msr }) => `${release} ${msr}`),
  );
  expect(open).toEqual([]);
});

test('golden: what keeps the TD’s value in every release, and what is brought back', () => {
  for (const { release } of specs.clobbers) {
    expect([release, ...exits(release, 'UMWAIT_CONTROL')]).toEqual([release, 'cpuid_flags.waitpkg_supported: none']);
    expect([release, ...exits(release, 'XSS')]).toEqual([release, 'always: none']);
    for (const msr of ['STAR', 'LSTAR', 'TSC_AUX', 'KERNEL_GS_BASE', 'CR2', 'DR0', 'DR6', 'DR7', 'DEBUGCTL'])
      expect([release, msr, ...exits(release, msr)]).toEqual([release, msr, 'always: init']);
    expect([release, rows(release, 'FMASK')[0]?.exitValue]).toEqual([release, '0x20200']);
    expect([release, rows(release, 'DEBUGCTL')[0]?.keepsBits]).toEqual([release, '0x5002']);
    expect([release, rows(release, 'DR7')[0]?.exitValue, rows(release, 'DR7')[0]?.by]).toEqual([
      release,
      '0x400',
      'vmcs',
    ]);
    expect([release, ...exits(release, 'SPEC_CTRL')]).toEqual([release, 'always: restored']);
    for (const msr of ['RTIT_CTL', 'LBR_CTL', 'PKRU'])
      expect([release, rows(release, msr)[0]?.exit]).toEqual([release, 'init']);
  }
});

test('golden: where releases differ, by release', () => {
  expect(releasesWhere((release) => rows(release, 'XCR0')[0]?.exit === 'restored')).toEqual([
    '1.5.06',
    '1.5.08',
    '1.5.09',
    '2.0.02',
    '2.0.04',
  ]);
  const keepsControls = (msr: string): readonly string[] =>
    releasesWhere((release) => exits(release, msr).includes('attributes.perfmon: none'));
  for (const msr of ['FIXED_CTR_CTRL', 'PERFEVTSEL0', 'PEBS_ENABLE', 'PEBS_DATA_CFG', 'PEBS_LD_LAT', 'PEBS_FRONTEND'])
    expect([msr, ...keepsControls(msr)]).toEqual([
      msr,
      '1.5.01',
      '1.5.05',
      '1.5.06',
      '1.5.08',
      '1.5.09',
      '1.5.13',
      '2.0.02',
      '2.0.04',
    ]);
  expect(releasesWhere((release) => exits(release, 'LBR_DEPTH').includes('xfam.lbr: init'))).toEqual([
    '1.0.00',
    '1.0.01',
    '1.0.03',
    '1.5 Beta',
  ]);
  const isGuarded = (release: string): boolean =>
    rows(release, 'UARCH_MISC_CTL').some(({ exitAt }) =>
      exitAt.some(({ guards }) => guards.includes('is_not_gnr_a0_stepping()')),
    );
  expect(releasesWhere(isGuarded)).toEqual([
    '1.5.16',
    '1.5.28',
    '1.5.34',
    '2.0.02',
    '2.0.04',
    '2.0.08',
    '2.0.12',
    '2.0.14',
    '2.0.16',
    '2.0.18',
  ]);
});

test('the host’s PMU state comes back where the TD has no PERFMON, and only there', () => {
  for (const release of releasesWhere((name) => rows(name, 'PERF_GLOBAL_CTRL').length > 1)) {
    expect([release, ...exits(release, 'PERF_GLOBAL_CTRL')]).toEqual([
      release,
      '!attributes.perfmon: restored',
      'attributes.perfmon: init',
    ]);
    expect([release, ...exits(release, 'PERF_GLOBAL_STATUS')]).toEqual([
      release,
      '!attributes.perfmon: restored',
      'attributes.perfmon: init',
    ]);
  }
  expect(exits('1.5.06', 'PERF_GLOBAL_CTRL')).toHaveLength(2);
});

test('every feature bit that a VMM can set in any release is argued: clobber, functional or harmless', () => {
  const open = new Set<string>();
  const { names, staticRegisters, clobbers } = specs.knowledge;
  for (const { registers } of specs.releases)
    for (const register of registers) {
      const isStatic = staticRegisters.some(
        (row) =>
          row.leaf === register.leaf &&
          (row.subleaf === null || sameLeaf({ leaf: row.leaf, subleaf: row.subleaf }, register)) &&
          (row.register === null || row.register === register.register),
      );
      if (isStatic) continue;
      const mask = or(register.classes.get('config-direct') ?? 0, register.classes.get('allow-direct') ?? 0);
      const argued = clobbers
        .flatMap(({ bits }) => bits)
        .filter((bit) => placeId(bit) === placeId(register))
        .reduce((all, bit) => or(all, bit.mask), 0);
      const rest = without(without(mask, argued), fieldBits(names, register, mask));
      if (rest !== 0) open.add(`${formatPlace(register)} ${rest.toString(16)}`);
    }
  expect([...open]).toEqual([]);
});

test('no bit is argued twice, and a clobber is no other kind', () => {
  const seen = new Map<string, string>();
  for (const { feature, bits } of specs.knowledge.clobbers)
    for (const { mask, ...place } of bits) {
      const key = `${placeId(place)} ${mask}`;
      expect([feature, key, seen.get(key)]).toEqual([feature, key, undefined]);
      seen.set(key, feature);
    }
});

test('files of host state are written as they are read, byte for byte', async () => {
  const { readdirSync, readFileSync } = await import('node:fs');
  const folder = join(ROOT, 'specs', 'clobbers');
  for (const name of readdirSync(folder)) {
    const text = readFileSync(join(folder, name), 'utf8');
    expect(await clobbersToYaml(await readClobbersFile(name, text, NO_CACHE))).toBe(text);
  }
});
