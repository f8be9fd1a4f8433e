import { describe, expect, test } from 'vitest';
import { bitwatch } from '../helpers/run.ts';

const out = async (...args: readonly string[]): Promise<string> => {
  const { status, stdout, stderr } = await bitwatch(args);
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
};
const flat = async (...args: readonly string[]): Promise<string> => (await out(...args)).replace(/\s+/g, ' ');
const topics = async (what: string) => JSON.parse(await out('explain', what, '--json')).topics;

describe('explain', () => {
  test('a release by name, by a build behind it and by its MRSEAM', async () => {
    const [release] = await topics('TDX_1.5.06');
    expect(release).toMatchObject({
      kind: 'release',
      release: '1.5.06',
      follows: '1.5.05',
      build: null,
      hostState: 'read',
    });
    expect(await topics('1.5.06.00.744')).toEqual([{ ...release, build: '00.744' }]);
    expect(await topics(release.mrseam.slice(0, 8))).toEqual([release]);
    expect(await topics(`0x${release.mrseam.toUpperCase()}`)).toEqual([release]);
  });

  test('a release whose sources give two values of TDX_FEATURES0 has both', async () => {
    expect((await topics('2.0.08'))[0]).toMatchObject({
      features0: '0x10336f3f0fff',
      publishedFeatures0: '0x32a71f0fbf',
    });
    expect(await flat('explain', '2.0.08')).toContain(
      '0x32a71f0fbf by mapping_file.json: which one holds is not known',
    );
    expect((await topics('2.0.12'))[0]).toMatchObject({ publishedFeatures0: null });
  });

  test('bits of TDX_FEATURES0 that the platform decides are not told as the release’s', async () => {
    expect((await topics('2.0.18'))[0]).toMatchObject({ features0Conditional: [6, 8, 11, 12, 32, 56] });
    expect(await flat('explain', '2.0.18')).toContain(
      '0x15ad9336f3f1fff; bits 6, 8, 11, 12, 32, 56 only where the platform allows it',
    );
    expect(await flat('review', '2.0.18', '--verbose')).toContain(
      'sealkey_128: set now; hw_sealing and sealkey_128 only where the platform allows it',
    );
    expect(await flat('explain', '1.0.03')).not.toContain('platform');
  });

  test('a sub-leaf of a leaf that the tables have without sub-leaves is answered as the leaf', async () => {
    const text = await flat('explain', '0x1e.1.EAX[0]');
    expect(text).toContain('1.0.00 to 2.0.18 absent: no such leaf in the tables; answered as leaf 0x1e is');
    expect(text).not.toContain('#VE');
  });

  test('a release that is known by name only says so', async () => {
    expect(await out('explain', '2.0.05')).toMatch(
      /^2\.0\.05 is a release .* known by name only: its\ntables were not read\n/,
    );
    expect(await topics('2.0.05')).toMatchObject([{ source: null, follows: null }]);
  });

  test('a release’s host state is in the list what it is here', async () => {
    const list = await flat('list', 'releases');
    for (const [name, follows, how, text] of [
      ['1.5.06', '1.5.05', 'read', 'read'],
      ['2.0.16', '1.5.28', 'partly-inferred', 'in part inferred'],
    ] as const) {
      expect((await topics(name))[0]).toMatchObject({ hostState: how });
      expect(list).toMatch(new RegExp(` ${name} ${follows} ${text} \\S+@`));
    }
  });

  test('an MSR under any of its names, with each release and who restores it', async () => {
    const [umwait] = await topics('MSR_IA32_UMWAIT_CONTROL');
    expect(umwait).toMatchObject({ kind: 'msr', msr: 'UMWAIT_CONTROL' });
    expect(umwait.releases).toContainEqual({ release: '1.5.06', exit: 'none', guard: 'cpuid_flags.waitpkg_supported' });
    expect(umwait.kernels.every(({ restoredAt }: { restoredAt: string | null }) => restoredAt === null)).toBe(true);
    const [star] = await topics('STAR');
    expect(star.kernels.every(({ restoredAt }: { restoredAt: string | null }) => restoredAt !== null)).toBe(true);
    expect(await flat('explain', 'PRED_CMD')).toMatch(
      /^MSR PRED_CMD: written for the TD, and holds no value that the host could lose; /,
    );
    expect(await flat('explain', 'PRED_CMD')).not.toMatch(/clobbered|stays/);
    expect(await out('explain', 'XCR0')).toMatch(/^Register XCR0: host value is clobbered at TD exit in /);
    expect(await out('explain', 'STAR')).toMatch(/^MSR STAR: host MSR is clobbered at TD exit in .*restored by/s);
  });

  test('a bit of ATTRIBUTES or XFAM by name and number, with what it opens and which KVM sets it', async () => {
    const [lbr] = await topics('XFAM.LBR');
    expect(lbr).toMatchObject({ kind: 'control', field: 'XFAM', bit: 15, name: 'LBR' });
    expect(await topics('xfam:15')).toEqual([lbr]);
    expect(lbr.opens).toContainEqual(expect.objectContaining({ leaf: '0x7', register: 'edx', mask: '0x00080000' }));
    expect(lbr.rows).toContainEqual(
      expect.objectContaining({ feature: 'Architectural LBR', msrs: expect.arrayContaining(['LBR_DEPTH']) }),
    );
    const [cet] = await topics('CET_USER');
    const supporting = cet.kernels.filter(({ supports }: { supports: boolean }) => supports);
    // KVM took CET up between these two.
    expect(supporting.map(({ version }: { version: string }) => version)).toEqual(
      expect.arrayContaining(['6.18.2', '7.1.5']),
    );
    expect(supporting).not.toContainEqual(expect.objectContaining({ version: '6.17' }));
    expect(await topics('XFAM.PERFMON').catch(() => 'none')).toBe('none');
  });

  test('a family by its word, and a name of two things is both', async () => {
    const [tsx] = await topics('TSX');
    expect(tsx.members.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(['HLE', 'RTM']));
    expect(tsx.rows.map(({ feature }: { feature: string }) => feature)).toContain('TSX (HLE, RTM)');
    expect((await topics('AMX'))[0].members.length).toBeGreaterThan(3);
    // A row of host state names members by leaf, sub-leaf, register and bit: no other sub-leaf's bit is of the family.
    expect(
      (await topics('XFD')).flatMap(({ members = [] }) => members.map(({ name }: { name: string }) => name)),
    ).toEqual(['XFD']);
    expect((await topics('LASS')).flatMap(({ members = [] }) => members)).toEqual([
      expect.objectContaining({ leaf: '0x7', subleaf: '0x1', name: 'LASS' }),
    ]);
    const pks = await out('explain', 'PKS');
    expect(pks).toMatch(/^ATTRIBUTES\.PKS \(bit 30\)/);
    expect(pks).toMatch(/^7\.0\.ECX\[31\] PKS$/m);
  });

  test('a leaf that no release has in its tables, with what a TD reads of it', async () => {
    const [leaf] = await topics('0xf');
    expect(leaf).toMatchObject({ kind: 'leaf', leaf: '0xf', subleaf: null });
    const of = (name: string) => leaf.releases.find(({ release }: { release: string }) => release === name).decider;
    expect([of('1.5.08'), of('2.0.02')]).toEqual(['it injects #VE', 'it injects #VE']);
    expect(of('1.5.09')).toMatch(/^always 0; #VE without the guest’s TD_CTLS\.REDUCE_VE; #VE with .*\.RDT_M$/);
    expect(await out('explain', '0x24')).toContain('answered as leaf 0x23, the last base leaf');
    // One that a release has is told bit by bit.
    expect(await topics('0x20')).toEqual([]);
  });

  test('what the guest sets in TD_CTLS, with what it decides', async () => {
    const [reduce] = await topics('REDUCE_VE');
    expect(await topics('TD_CTLS.reduce_ve')).toEqual([reduce]);
    const has = (name: string) => reduce.releases.find(({ release }: { release: string }) => release === name).has;
    expect(['1.5.08', '1.5.09', '2.0.02', '2.0.04'].map(has)).toEqual([false, true, false, true]);
    expect(reduce.effect.answered).toEqual(['0x6', '0x80000002']);
    expect(reduce.effect.zero).toMatchObject({ rest: true });
    expect(reduce.effect.zero.leaves).toContain('0xf');
    const masks = reduce.effect.decides.map(
      (each: Record<string, string>) => `${each.leaf}.${each.subleaf} ${each.register} ${each.mask}`,
    );
    expect(masks).toEqual(expect.arrayContaining(['0x1.null edx 0x00405080', '0x7.0x0 edx 0x40040000']));
    const [topology] = await topics('ENUM_TOPOLOGY');
    expect(topology.effect).toMatchObject({ answered: ['0xb', '0x1f'], zero: null });
    expect(topology.effect.decides).toMatchObject([{ leaf: '0x1', register: 'ebx', mask: '0xff000000' }]);
    expect(await out('explain', 'LOCK')).toContain('it decides no CPUID bit');
  });

  test('a flag of CONFIG_FLAGS, with the releases that have it, the KVM that sets it and what waits for it', async () => {
    const [flag] = await topics('MAXGPA_VIRT');
    expect(await topics('CONFIG_FLAGS.maxgpa_virt')).toEqual([flag]);
    expect(flag).toMatchObject({ kind: 'flag', bit: 4, opens: [{ leaf: '0x80000008', mask: '0x003f0000' }] });
    const has = (name: string) => flag.releases.find(({ release }: { release: string }) => release === name).has;
    expect(['1.5.06', '1.5.08', '2.0.02'].map(has)).toEqual([false, true, true]);
    expect(flag.kernels.map(({ sets }: { sets: boolean | null }) => sets)).not.toContain(true);
    const [rbp] = await topics('NO_RBP_MOD');
    expect([rbp.opens, rbp.kernels.every(({ sets }: { sets: boolean | null }) => sets === true)]).toEqual([[], true]);
  });

  test('an attribute that clears bits, and an MSR that only the VMCS loads', async () => {
    const [migratable] = await topics('MIGRATABLE');
    expect(migratable).toMatchObject({ opens: [], clears: [{ leaf: '0x1a', register: 'eax', mask: '0xffffffff' }] });
    expect((await topics('PKS'))[0]).toMatchObject({ clears: [], opens: [{ mask: '0x80000000' }] });
    const [pkrs] = await topics('PKRS');
    expect(pkrs).toMatchObject({ kind: 'msr', msr: 'PKRS', releases: [], rows: [{ kind: 'handled' }] });
    expect((await out('explain', 'IA32_PKRS')).replace(/\s+/g, ' ')).toContain('what SEAMRET does was not read');
  });

  test('a register as one table: a field is one row, and a 1 that not every guest reads is none of every TD', async () => {
    expect(await out('history', '0x1a.EAX')).toMatch(
      /^ {2}\[23:0\] {3}\. d {2}core_native_model\n {2}\[31:24\] {2}\. d {2}core_type\n\n/m,
    );
    // Leaf 6 injects #VE in every TD of the first releases, then until the guest sets REDUCE_VE.
    expect((await out('history', '6.EAX')).match(/^ {2}\[.*$/gm)).toEqual(['  [2]   v d v d  ARAT']);
    expect((await out('history', '1.ECX')).match(/^ {2}\[21\].*$/gm)).toEqual(['  [21]  1 1 1  X2APIC']);
  });

  test('what is nothing of these is refused with what is near', async () => {
    const { status, stderr } = await bitwatch(['explain', 'WAITPKX']);
    expect(status).toBe(64);
    expect(stderr).toMatch(/did you mean "WAITPKG"/);
  });
});

describe('explain says what the code does, not what the tables hold', () => {
  test('bits that read the same are told once, with who decides each run of releases', async () => {
    const text = await out('explain', '0x80000008.EAX[23:16]');
    expect(text.match(/^0x80000008\.EAX\S+/gm)).toEqual(['0x80000008.EAX[21:16]', '0x80000008.EAX[23,22]']);
    expect(text.replace(/\s+/g, ' ')).toContain(
      '1.5.08 to 2.0.18 native in the table: computed: what the host and GPAW allow; 0 without CONFIG_FLAGS.MAXGPA_VIRT',
    );
    expect(await flat('explain', 'ARAT')).toContain(
      '1.5.09 to 1.5.34 fixed1 in the table: always 1; #VE without the guest’s TD_CTLS.REDUCE_VE',
    );
    const keyLocker = await flat('explain', '0x19');
    expect(keyLocker).toMatch(/native in the table: always 0/);
    expect(keyLocker).not.toContain(': the host’s value');
  });

  test('why there is no verdict: KVM refuses the release, or a VMM cannot set the bit; kernels that agree are one', async () => {
    const mce = await flat('explain', '1.EDX[7]');
    expect(mce).toContain('KVM 6.16.1 to 7.1.5 (denylist) 1.0.00 to 1.5.01 none: KVM refuses the release 1.5.05 to');
    expect(mce).toContain('1.5.05 to 1.5.08 none: a VMM cannot set it 1.5.09 to 1.5.34 passed');
    expect(mce).not.toMatch(/1\.0\.\d+ (?:to \S+ )?(?:denied|passed|exposed)/);
  });

  test('an MSR: what opens the write, and that a KVM without a line for it may lose nothing', async () => {
    expect(await flat('explain', 'XFD')).toMatch(
      /^MSR XFD: host MSR is clobbered at TD exit under cpuid_flags\.xfd_supported in every release that was read; .* the host loses nothing /,
    );
    expect(await flat('explain', 'PERF_GLOBAL_CTRL')).toContain(
      'no KVM restores it, and none lets a TD have what opens it 1.0.00 to 1.5.05',
    );
    expect(await flat('explain', 'UMWAIT_CONTROL')).toContain(
      'no KVM restores it, and none lets a TD have what opens it 1.0.00 to 2.0.18 what was set for the TD stays',
    );
  });

  test('an MSR: each way in the releases that have it, and in no other', async () => {
    const tsx = await flat('explain', 'TSX_CTRL');
    expect(tsx).toMatch(
      /clobbered at TD exit under !cpuid_flags\.tsx_supported in 1\.0\.03, and under cpuid_flags\.tsx_supported in 1\.0\.03 to 2\.0\.18;/,
    );
    // Written from 1.5 Beta on, by every TD: no KVM can keep one from it.
    expect(await flat('explain', 'UARCH_MISC_CTL')).toMatch(
      /at TD exit in 1\.5 Beta to 2\.0\.18; no KVM restores it 1\.5/,
    );
  });

  test('a bit that the table lets through and an attribute decides is not the host’s in the table of a register', async () => {
    const table = await out('history', '7.1.EAX');
    expect(table).toMatch(/^ {2}\[6\] +0 A 0 d d d d {2}LASS$/m);
    expect(table).toMatch(/^ {2}\[10\] +n A A A A A A {2}FZRM$/m);
  });
});

test('the history of a register is one table, releases by bits', async () => {
  const table = await out('history', '7.1.EAX');
  expect(table).toMatch(/^7\.1\.EAX\n {2}a {2}1\.0\.00 to 1\.0\.03\n/);
  expect(table).toMatch(/^ {2}\[19\] {2}0 0 0 0 A A A {2}WRMSRNS$/m);
  // No release ever has bit 9: it has no row.
  expect(table).not.toMatch(/\[9\]/);
  expect(Math.max(...table.split('\n').map((line) => line.length))).toBeLessThanOrEqual(72);
});

test('list names releases and kernels, newest first, and what was not read', async () => {
  const { releases } = JSON.parse(await out('list', 'releases', '--json'));
  const names = releases.map(({ release }: { release: string }) => release);
  expect(names.slice(0, 2)).toEqual(['2.0.18', '2.0.16']);
  expect(names.at(-1)).toBe('1.0.00');
  expect(releases).toContainEqual(expect.objectContaining({ release: '2.0.05', read: false, repository: null }));
  expect(await out('list', 'releases')).toMatch(/^ {2}2\.0\.05 .*not read: known by name only$/m);
  const { kernels } = JSON.parse(await out('list', 'kernels', '--json'));
  expect(kernels[0].version).toBe('7.1.5');
  expect(await out('list', 'rules')).toBe(await out('rules'));
});

test('bits names every feature that a VMM may set, with class, decider, verdict and host state', async () => {
  const { release, kvm, bits } = JSON.parse(await out('bits', '2.0.08', '--kvm', '6.16.1', '--json'));
  expect([release, kvm]).toEqual(['2.0.08', '6.16.1']);
  const bit = (name: string) => bits.filter((each: { name: string }) => each.name === name);
  expect(bit('WAITPKG')).toMatchObject([
    { leaf: '0x7', register: 'ecx', mask: '0x00000020', verdict: 'denied', hostState: ['WAITPKG'] },
  ]);
  expect(bit('RAO_INT')).toMatchObject([
    { leaf: '0x7', subleaf: '0x1', mask: '0x00000008', class: 'allow-direct', verdict: 'exposed' },
  ]);
  // Fixed 1 in this release: no VMM sets it.
  expect(bit('PKS')).toEqual([]);
  // In words that can be forwarded, not in the terms of the rules.
  expect(bit('EST')[0].decider).toMatch(
    /^the VMM may clear what the host has; under the guest’s TD_CTLS\.REDUCE_VE 0 /,
  );
  const text = await out('bits', '2.0.08', '--kvm', '6.16.1');
  expect(text).toMatch(/^ {2}7\.0\.ECX\[5\] +WAITPKG +A denied\n {6}host state: WAITPKG\n/m);
  // What KVM lets through undecided and what it keeps back stands above the list.
  expect(text).toMatch(
    /^TDX module 2\.0\.08 on KVM 6\.16\.1: what a VMM may set\n\n {2}exposed {5}7\.1\.EAX\[3\] RAO_INT\n {2}denied {6}7\.0\.EBX\[4\] HLE, /,
  );
  // Sub-leaves that say the same are one line, and those that do not are not among them.
  expect(text).toMatch(/^ {2}4\.\{0,1,2,3\}\.EAX\[4:0\] +cache_type +C passed\n {6}the VMM until/m);
  expect(text).toMatch(/^ {2}0x1f\.\{0,1,2,3,4,5\}\.EAX\[4:0\] /m);
  expect(text).not.toMatch(/^ {2}4\.1\./m);
  // What decides is told where it is more than the class says.
  expect(text).toMatch(
    /^ {2}1\.EBX\[23:16\] +n_logical_cpu +C passed\n {2}1\.ECX\[3\] +MWAIT +A passed\n {2}1\.ECX\[7\] /m,
  );
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(72);
});

test('the guest’s address width is KVM’s own, and what needs CONFIG_FLAGS that KVM never sets reads 0', async () => {
  const width = (await out('explain', '0x80000008.EAX[23:16]')).replace(/\s+/g, ' ');
  expect(width).toContain('1.5.08 to 2.0.18 native in the table: computed: what the host and GPAW allow; 0 without');
  expect(width).toContain('KVM reports the field itself, the guest’s MAXPHYADDR: the VMM asks for 48 or 52 bits there');
  expect(width).toContain('KVM never sets CONFIG_FLAGS.MAXGPA_VIRT: a TD on it reads 0');
  const other = await out('explain', '0x80000008.EAX[15:8]');
  expect(other).not.toContain('KVM reports');
  expect(other).not.toContain('KVM never sets');
});
