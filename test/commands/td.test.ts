import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { bitwatch, ROOT } from '../helpers/run.ts';
import { shippedSpecs } from '../helpers/specs.ts';
import { hostFor } from '../helpers/td.ts';

const specs = await shippedSpecs();
const release = specs.releases.find(({ module }) => module.release === '1.5.06');
if (release === undefined) throw new Error('1.5.06 is not in specs/');
const folder = mkdtempSync(join(tmpdir(), 'bitwatch-td-'));
afterAll(() => rmSync(folder, { recursive: true }));

const hex = (value: number): string => `0x${value.toString(16)}`;
const leaves = [...hostFor(release).leaves].map(([key, [eax, ebx, ecx, edx]]) => {
  const [leaf = 0, subleaf = 0] = key.split('.').map(Number);
  return { leaf, subleaf, eax, ebx, ecx, edx };
});
const hostFile = join(folder, 'host.json');
writeFileSync(hostFile, JSON.stringify({ host: leaves }));
const raw = join(folder, 'host.txt');
const padded = (value: number): string => value.toString(16).padStart(8, '0');
writeFileSync(
  raw,
  `CPU 0:\n${leaves.map((each) => `   0x${padded(each.leaf)} 0x${each.subleaf.toString(16).padStart(2, '0')}: eax=0x${padded(each.eax)} ebx=0x${padded(each.ebx)} ecx=0x${padded(each.ecx)} edx=0x${padded(each.edx)}\n`).join('')}CPU 1:\n   0x00000000 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n`,
);

async function td(input: unknown, ...args: readonly string[]) {
  const file = join(folder, 'case.json');
  writeFileSync(file, typeof input === 'string' ? input : JSON.stringify(input));
  return bitwatch(['td', '1.5.06', file, ...args]);
}

describe('bitwatch td', () => {
  test('takes what the page shows as an example', async () => {
    const page = readFileSync(join(ROOT, 'docs', 'td.md'), 'utf8');
    const [, example = ''] = /```json\n(.*?)\n```/s.exec(page) ?? [];
    const { status, stdout, stderr } = await td(JSON.parse(example), '--json', '--host', hostFile);
    expect([status, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toMatchObject({ release: '1.5.06', refused: null, results: [{ leaf: '0x7' }] });
  });

  test('gives one case as JSON of its schema, the same from both formats of a host', async () => {
    const question = {
      id: 'one',
      xfam: '0x7',
      attributes: 1 << 30,
      cpuidConfig: [{ leaf: '0x7', subleaf: '0x1', eax: '0x10' }],
      queries: [[7, 0], { leaf: 7, subleaf: 1 }, [0x80000006, 0]],
    };
    const json = await td(question, '--json', '--host', hostFile);
    const text = await td(question, '--json', '--host', raw);
    expect([json.status, json.stderr]).toEqual([0, '']);
    expect(text.stdout).toBe(json.stdout);
    const answer = SCHEMAS.td.parse(JSON.parse(json.stdout));
    expect(answer).toMatchObject({
      schema: 'bitwatch.td/1',
      release: '1.5.06',
      id: 'one',
      status: '0x0000000000000000',
      refused: null,
      platform: null,
    });
    const [first, second, third] = answer.results;
    // PKS follows ATTRIBUTES; AVX-VNNI is what the VMM left of the host's with XFAM[2].
    expect([first, second]).toMatchObject([
      { leaf: '0x7', subleaf: '0x0', ecx: expect.stringMatching(/^0x[89a-f]/) },
      { leaf: '0x7', subleaf: '0x1', eax: '0x00000010' },
    ]);
    expect(third).toEqual({ leaf: '0x80000006', subleaf: '0x0', fault: 've' });
    const withoutAvx = await td({ ...question, xfam: 3 }, '--json', '--host', hostFile);
    expect(JSON.parse(withoutAvx.stdout).results[1].eax).toBe('0x00000000');
  });

  test('says of a leaf that no table has what the code makes of it', async () => {
    const host = [...leaves, { leaf: 0x24, subleaf: 0, eax: 0, ebx: 1, ecx: 0, edx: 0 }];
    const text = await td({ host, queries: [[0x24, 0]] });
    expect([text.status, text.stdout.replace(/\s+/g, ' ')]).toEqual([
      0,
      expect.stringContaining('[0]: not in the release’s tables; answered as leaf 0x23, the last base leaf'),
    ]);
  });

  test('says which bits are refused, in JSON and in words', async () => {
    const question = { cpuidConfig: [{ leaf: 7, subleaf: 1, eax: hex(1 << 30) }] };
    const { stdout } = await td(question, '--json', '--host', hostFile);
    expect(JSON.parse(stdout)).toMatchObject({
      status: '0xc000010000000045',
      refused: {
        code: 'TDX_OPERAND_INVALID',
        operand: 'OPERAND_ID_CPUID_CONFIG',
        leaf: '0x7',
        subleaf: '0x1',
        register: 'eax',
        mask: '0x40000000',
      },
      results: [],
    });
    const words = await td(question, '--host', hostFile);
    expect(words.stdout).toContain('leaf 7.1 EAX, bits [30] (0x40000000)');
  });

  test('tells people what differs from the host and who decided', async () => {
    const { stdout } = await td(
      {
        queries: [
          [7, 0],
          [0xa, 0],
        ],
      },
      '--host',
      hostFile,
    );
    expect(stdout).toContain('follows ATTRIBUTES.PKS');
    expect(stdout).toContain('0 without ATTRIBUTES.PERFMON');
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(72);
  });

  test('says where the module would not start on a host', async () => {
    const { stdout } = await td({ host: leaves, hostPatch: [{ leaf: 7, subleaf: 0, ebx: 0 }] }, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      status: '0xc000090000000000',
      refused: null,
      platform: {
        refused: { code: 'TDX_INCORRECT_CPUID_VALUE', leaf: '0x7', subleaf: '0x0', register: 'ebx' },
        stops: null,
      },
      results: [],
    });
    const slow = await td({ host: leaves, hostPatch: [{ leaf: 0x15, eax: 0 }] }, '--json');
    expect(JSON.parse(slow.stdout)).toMatchObject({
      status: null,
      platform: { refused: null, stops: expect.any(String) },
    });
  });

  test('answers a batch line by line, in order', async () => {
    const file = join(folder, 'batch.jsonl');
    const cases = [1, 2, 3].map((id) => JSON.stringify({ id, tscFrequency: id * 100, queries: [[0x15, 0]] }));
    writeFileSync(file, `${cases.join('\n')}\n`);
    const { stdout, status } = await bitwatch(['td', '1.5.06', '--batch', file, '--host', hostFile]);
    expect(status).toBe(0);
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => SCHEMAS.td.parse(JSON.parse(line)));
    expect(answers.map(({ id, results }) => [id, results[0]])).toMatchObject([
      [1, { ebx: '0x00000064' }],
      [2, { ebx: '0x000000c8' }],
      [3, { ebx: '0x0000012c' }],
    ]);
  });

  test('names file, line and field of what it cannot read, and a field that it leaves out', async () => {
    const file = join(folder, 'bad.jsonl');
    writeFileSync(file, '{"id":1}\n{"xfam":"seven"}\n');
    const bad = await bitwatch(['td', '1.5.06', '--batch', file, '--host', hostFile]);
    expect([bad.status, bad.stderr]).toEqual([
      65,
      `bitwatch: ${file}:2: xfam: expected a number of at most 64 bits, or one as text such as "0x1f", found "seven"\n`,
    ]);
    // The answers before it are not lost.
    expect(bad.stdout.split('\n').map((line) => (line === '' ? '' : JSON.parse(line).id))).toEqual([1, '']);
    expect((await bitwatch(['td', '1.5.06', '--status', '0'])).stdout).toContain('TDX_SUCCESS');
    expect((await td('{', '--host', hostFile)).status).toBe(65);
    expect((await td({}, '--json')).stderr).toContain('expected the CPUID of a host');
    expect((await td({ tdParamsPoke: [] }, '--host', hostFile)).status).toBe(65);
    expect((await td({ xfma: 3 }, '--json', '--host', hostFile)).stderr).toContain(
      'the field xfma means nothing here and is left out; did you mean "xfam"?',
    );
    expect((await td({ guest: { tdCtl: 8 } }, '--json', '--host', hostFile)).stderr).toContain(
      'did you mean "guest.tdCtls"?',
    );
    writeFileSync(join(folder, 'broken.txt'), 'CPU 0:\n   0x00000000 nonsense\n');
    const broken = await td({}, '--host', join(folder, 'broken.txt'));
    expect([broken.status, broken.stderr]).toEqual([
      65,
      expect.stringContaining('broken.txt:2: expected a line of cpuid -r'),
    ]);
    expect((await td({}, '--host', join(folder, 'none'))).status).toBe(66);
    expect((await bitwatch(['td', '9.9.99', file])).status).toBe(64);
  });

  test('applies KVM’s part first', async () => {
    const question = {
      queries: [[0x80000008, 0]],
      configFlags: 8,
      cpuidConfig: [{ leaf: 0x80000008, eax: 0x00340000 }],
    };
    const { stdout } = await td(question, '--json', '--host', hostFile, '--kvm', '6.16.1');
    const answer = SCHEMAS.td.parse(JSON.parse(stdout));
    // KVM takes the width out again, and the caller’s own MAXPA_VIRT never reaches the module.
    expect(answer).toMatchObject({
      status: '0x0000000000000000',
      kvm: {
        version: '6.16.1',
        refused: null,
        set: expect.arrayContaining(['CONFIG_FLAGS GPAW and NO_RBP_MOD, nothing else']),
      },
    });
    const refused = async (input: unknown): Promise<unknown> =>
      JSON.parse((await td(input, '--json', '--host', hostFile, '--kvm', '6.16.1')).stdout).kvm.refused;
    expect(await refused({ cpuidConfig: [{ leaf: 7, subleaf: 0, ecx: 0x20 }] })).toBe(
      'EINVAL: KVM 6.16.1 does not let a TD have 7.0.ECX[5]',
    );
    const width = { leaf: 0x80000008, eax: 0x00300000 };
    expect(await refused({ cpuidConfig: [width, { leaf: 7, subleaf: 0, ecx: 0x4 }] })).toBeNull();
    // KVM takes the width from user space's CPUID alone: without one there is no TD.
    expect(await refused({ cpuidConfig: [{ leaf: 7, subleaf: 0, ecx: 0x4 }] })).toContain('no guest address width');
    expect(await refused({ attributes: 1 << 29 })).toBe('EINVAL: KVM does not support ATTRIBUTES bits 29');
    expect(await refused({ xfam: 0x103 })).toBe('EINVAL: KVM does not support XFAM bits 8');
    expect(await refused({ cpuidConfig: [{ leaf: 0x80000008, eax: 0x00300000 }] })).toBeNull();
    expect(await refused({ cpuidConfig: [{ leaf: 0x80000008, eax: 0x00310000 }] })).toContain('neither 48 nor 52');
    expect(await refused({ cpuidConfig: [{ leaf: 0x19, eax: 1 }] })).toContain('cannot be configured');
    const wide = { cpuidConfig: [{ leaf: 0x80000008, eax: 0x00340000 }] };
    expect(await refused(wide)).toBeNull();
    // 52 bits need an EPT of 5 levels, 48 bits do not.
    const flat = { msrs: { '0x48c': '0x6134141' } };
    expect(await refused({ ...wide, ...flat })).toContain('needs an EPT of 5 levels, which the host lacks');
    expect(await refused({ ...flat, cpuidConfig: [width] })).toBeNull();
    // KVM takes the number of processors for MAX_VCPUS.
    expect(await refused({ ...wide, maxVcpus: 577 })).toContain('KVM enables no TDX on a host of 577 processors');
    expect(await refused({ ...wide, maxVcpus: 576 })).toBeNull();
    const words = await td({ attributes: 1 << 29 }, '--host', hostFile, '--kvm', '6.16.1');
    expect(words.stdout).toMatch(/KVM_TDX_INIT_VM refuses the TD: \w/);
  });

  // In the order of testing: what each status of TDH.MNG.INIT may mean, and a release that it means no such thing in.
  test.each([
    ['2.0.18', '0xc000090100000000', 'IA32_MISC_ENABLE.LIMIT_CPUID_MAXVAL is set', null],
    ['2.0.18', '0xc000010000000002', 'the address of TD_PARAMS is not aligned', null],
    ['2.0.18', '0xc000010000000040', 'ATTRIBUTES has a bit that this release does not let a VMM set', null],
    ['2.0.18', '0xc000010000000040', 'PERFMON and MIGRATABLE exclude each other', '1.0.03'],
    ['2.0.18', '0xc000010000000040', 'PERFMON and ICSSD exclude each other', '1.5.05'],
    ['2.0.12', '0xc000010000000040', 'DEBUG and MIGRATABLE exclude each other', '2.0.16'],
    ['1.5.16', '0xc000010000000040', 'DEBUG and MIGRATABLE exclude each other', '1.5.28'],
    ['2.0.18', '0xc000010000000041', 'has AVX-512 without AVX, or part of AVX-512, CET or AMX', null],
    ['2.0.18', '0xc000010000000044', 'MAX_VCPUS is 0', null],
    ['2.0.18', '0xc000010000000044', 'MAX_VCPUS is above the maximum', '1.0.03'],
    ['2.0.18', '0xc000010000000047', 'NUM_L2_VMS is above the maximum', '1.0.03'],
    ['2.0.18', '0xc000060600000000', 'too few TDCS pages', '1.0.03'],
    ['2.0.18', '0xc000010000000002', 'reserved fields of TD_PARAMS are not 0', null],
    ['2.0.18', '0xc000010000000042', 'CONFIG_FLAGS has a bit that this release does not allow', null],
    ['2.0.18', '0xc000010000000042', 'MAXPA_VIRT and MAXGPA_VIRT exclude each other', '1.5.06'],
    ['2.0.18', '0xc000010000000042', 'TDX Connect, and non-blocking export', '2.0.16'],
    ['2.0.18', '0xc000010000000043', 'EPTP_CONTROLS is not write-back', null],
    ['2.0.18', '0xc000010000000043', 'GPAW needs an EPT of 5 levels', '1.0.03'],
    ['2.0.04', '0xc000010000000043', 'too few physical address bits', '2.0.08'],
    ['1.5.09', '0xc000010000000043', 'too few physical address bits', '1.5.13'],
    ['2.0.18', '0xc000010000000046', 'TSC_FREQUENCY is below 4 or above 400', null],
    ['2.0.18', '0xc00009200000003b', 'IA32_TSC_ADJUST is not what it was', null],
    ['2.0.18', '0xc000010000000002', 'MSR_CONFIG_CTLS has a reserved bit set', '1.0.03'],
    ['2.0.18', '0xc000010000000008', 'the address or the count of the event filters', '2.0.02'],
    ['1.5.09', '0xc000010200000003', 'an event filter is not valid', '1.5.08'],
    ['2.0.04', '0xc000010300000001', 'the event filters do not ascend', '2.0.02'],
    ['2.0.18', '0xc000010000000045', 'CPUID_CONFIG has a bit that this release lets no VMM set', null],
    ['2.0.18', '0xc000010000000045', 'family, model and stepping', '1.0.03'],
    ['2.0.18', '0xc000010000000045', 'HLE and RTM must be the same', null],
    ['2.0.18', '0xc00009210000010a', 'HLE and RTM need IA32_TSX_CTRL on the host', null],
    ['2.0.18', '0xc000010000000045', 'the configured MAXPA is above', '1.5.05'],
    ['2.0.18', '0xc000090400000000', 'the first sub-leaf is 0 and a later one is not', null],
    ['2.0.18', '0xc000090400000000', 'the SMT level is not sub-leaf 0', '1.5.05'],
    ['2.0.18', '0xc000010000000048', 'IA32_ARCH_CAPABILITIES has a bit', '1.0.03'],
    ['2.0.04', '0xc000010000000002', 'a migratable TD may have no L2 VMs', '2.0.08'],
    ['1.5.13', '0xc000010000000002', 'a migratable TD may have no L2 VMs', '1.5.16'],
  ])('decodes %s %s as: %s', async (name, status, why, other) => {
    const reasons = async (of: string): Promise<string> =>
      (await bitwatch(['td', of, '--status', status, '--json'])).stdout;
    expect(await reasons(name)).toContain(why);
    if (other !== null) expect(await reasons(other)).not.toContain(why);
  });

  test('history says who decides, not what the table alone would have', async () => {
    const { stdout } = await bitwatch(['history', '7.0.ECX[31]']);
    expect(stdout).toContain('follows ATTRIBUTES.PKS');
    expect(stdout).not.toContain('always 1');
    const mce = await bitwatch(['history', '1.EDX[7]', '--json']);
    const [bit] = JSON.parse(mce.stdout).bits;
    const decider = (name: string): string =>
      bit.releases.find((each: { release: string }) => each.release === name).decider;
    expect([decider('1.5.06'), decider('2.0.18')]).toEqual([
      'always 1',
      'the VMM chooses; 1 until the guest’s TD_CTLS.REDUCE_VE, then 0 without the guest’s FEATURE_PARAVIRT_CTRL.MCA',
    ]);
  });

  test('decodes a status and RCX', async () => {
    const { stdout } = await bitwatch([
      'td',
      '1.5.06',
      '--status',
      '0xc000010000000045',
      '--rcx',
      '0x100000007',
      '--json',
    ]);
    const answer = SCHEMAS.td.parse(JSON.parse(stdout));
    expect(answer).toMatchObject({
      status: '0xc000010000000045',
      refused: { code: 'TDX_OPERAND_INVALID', operand: 'OPERAND_ID_CPUID_CONFIG', leaf: '0x7', subleaf: '0x1' },
      // What allow_direct of 7.1.EAX leaves: 0x04881db0 may be set.
      notSettable: { eax: '0xfb77e24f', ebx: '0xffffffff', ecx: '0xffffffff', edx: '0xfffdfbcf' },
    });
    // Leaf 1's family and leaf 7's HLE are no reason where RCX names another leaf; what leaves RCX alone may be.
    const why = async (rcx: string): Promise<string> =>
      (await bitwatch(['td', '1.5.06', '--status', 'c000010000000045', '--rcx', rcx])).stdout;
    expect([/family/.test(await why('0xffffffff00000001')), /HLE/.test(await why('0xffffffff00000001'))]).toEqual([
      true,
      false,
    ]);
    expect([/family/.test(await why('0x7')), /HLE/.test(await why('0x7')), /MAXPA/.test(await why('0x7'))]).toEqual([
      false,
      true,
      true,
    ]);
    // HLE and RTM are in sub-leaf 0, leaf 1 has none.
    const other = [await why('0x100000007'), await why('0x1')];
    expect(other.map((text) => [/family/.test(text), /HLE/.test(text), /MAXPA/.test(text)])).toEqual([
      [false, false, true],
      [false, false, true],
    ]);
    const attributes = await bitwatch(['td', '1.5.06', '--status', 'c000010000000040']);
    expect(attributes.stdout).toContain('DEBUG and MIGRATABLE exclude each other');
    // Accepted since 1.5.28.
    const later = await bitwatch(['td', '1.5.28', '--status', 'c000010000000040']);
    expect(later.stdout).not.toContain('DEBUG and MIGRATABLE');
    expect((await bitwatch(['td', '1.5.06', '--status', '0x1'])).stdout).toContain('no check');
    expect((await bitwatch(['td', '1.5.06', '--status', 'abc!'])).status).toBe(64);
    expect((await bitwatch(['td', '1.5.06', '--rcx', '1'])).status).toBe(64);
  });
});
