import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { captureHost, captureJson, readCapture } from '../../pipeline/cases/capture.ts';
import { groundOf } from '../../pipeline/cases/reviews.ts';
import { kvmContext } from '../../pipeline/judge/judge.ts';
import { checkCapabilities, poolOf } from '../../pipeline/judge/pool.ts';
import type { Stack } from '../../pipeline/judge/stack.ts';
import { and, or, without } from '../../pipeline/model/mask.ts';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { checkJson, poolJson, poolText } from '../../pipeline/report/vmm/host.ts';
import { type Host, hostKey, type Registers } from '../../pipeline/td/case.ts';
import { shippedSpecs } from '../helpers/specs.ts';
import { hostFor } from '../helpers/td.ts';

const specs = await shippedSpecs();
const folder = mkdtempSync(join(tmpdir(), 'bitwatch-pool-'));
afterAll(() => rmSync(folder, { recursive: true }));

const release = specs.releases.find(({ module }) => module.release === '2.0.18');
const policy = specs.policies.find(({ version }) => version === '7.1.5');
const qemu = specs.qemu.find(({ version }) => version === '11.1.0');
if (release === undefined || policy === undefined || qemu === undefined) throw new Error('not in specs/');
const stack: Stack = {
  release,
  kvm: kvmContext(release, policy, groundOf(specs)),
  qemu,
  names: specs.knowledge.names,
  cpuid2: null,
};
const full = hostFor(release);
/** The full host without bits of one register. */
function lacking(leaf: number, subleaf: number, register: number, mask: number): Host {
  const key = hostKey(leaf, subleaf);
  const values = [...(full.leaves.get(key) ?? [0, 0, 0, 0])];
  values[register] = without(values[register] ?? 0, mask);
  const [eax = 0, ebx = 0, ecx = 0, edx = 0] = values;
  return { ...full, leaves: new Map([...full.leaves, [key, [eax, ebx, ecx, edx] as Registers]]) };
}
const pool = (...hosts: readonly Host[]) => {
  const computed = poolOf(
    stack,
    hosts.map((host, index) => ({ name: `host ${index}`, host })),
  );
  return { computed, json: SCHEMAS.pool.parse(poolJson(stack, computed)) };
};

test('a pool of one host, or of equal ones, leaves nothing out', () => {
  for (const { json } of [pool(full), pool(full, full)]) {
    expect([json.cpu, json.apart, json.numbers]).toEqual(['-cpu host', [], []]);
    expect(json.hosts.every(({ adds }) => adds.length === 0)).toBe(true);
  }
});

test('what one host lacks leaves the pool, by name and on the other host only, whatever the order', () => {
  const poor = lacking(7, 1, 0, 0x00080000); // WRMSRNS
  const both = [pool(full, poor).json, pool(poor, full).json] as const;
  for (const json of both) {
    expect(json.cpu).toBe('-cpu host,-wrmsrns');
    expect(json.features.some(({ name }) => name === 'WRMSRNS')).toBe(false);
  }
  expect(both[0].hosts.map(({ adds }) => adds.map(({ name }) => name))).toEqual([['WRMSRNS'], []]);
  expect(both[0].features).toEqual(both[1].features);
});

test('an XFAM component that a host lacks takes the features behind it along', () => {
  const { json } = pool(full, lacking(0xd, 0, 0, 0x60000));
  expect(json.cpu.split(',')).toEqual(expect.arrayContaining(['-amx-tile', '-amx-int8', '-amx-bf16']));
  expect(and(Number(BigInt(json.hosts[0]?.xfam ?? '0x0')), 0x60000)).toBe(0x60000);
  expect(and(Number(BigInt(json.xfam)), 0x60000)).toBe(0);
  expect(poolText(stack, pool(full, lacking(0xd, 0, 0, 0x60000)).computed)).toContain('XFAM.');
});

test('a bit that KVM denies is in no pool, and numbers that differ are told', () => {
  expect(pool(full).json.features.some(({ name }) => name === 'WAITPKG')).toBe(false);
  expect(pool(full, lacking(1, 0, 0, 1 << 5)).json.numbers).toHaveLength(1);
});

/** What KVM reports on the full host by the facts. */
function reported(): Map<string, Registers> {
  const entries = new Map<string, Registers>();
  for (const { leaf, subleaf, unexpected, missing, register } of checkCapabilities(stack, full, {
    ...full,
    leaves: new Map(),
  })) {
    expect(unexpected).toBe(0);
    const values = [...(entries.get(hostKey(leaf, subleaf ?? 0)) ?? [0, 0, 0, 0])];
    values[['eax', 'ebx', 'ecx', 'edx'].indexOf(register)] = missing;
    const [eax = 0, ebx = 0, ecx = 0, edx = 0] = values;
    entries.set(hostKey(leaf, subleaf ?? 0), [eax, ebx, ecx, edx]);
  }
  return entries;
}

test('a capture: what KVM reports agrees with the facts, one bit more or less does not', () => {
  const good = reported();
  const check = (leaves: ReadonlyMap<string, Registers>) =>
    SCHEMAS['host-check'].parse(checkJson(stack, checkCapabilities(stack, full, { ...full, leaves })));
  expect(check(good)).toMatchObject({ agrees: true, differences: [] });
  const [eax, ebx, ecx, edx] = good.get(hostKey(7, 1)) ?? [0, 0, 0, 0];
  expect(and(ebx, 1)).toBe(0);
  expect(check(new Map([...good, [hostKey(7, 1), [eax, or(ebx, 1), ecx, edx] as const]])).differences).toEqual([
    { leaf: '0x7', subleaf: '0x1', register: 'ebx', unexpected: '0x00000001', missing: '0x00000000' },
  ]);
  expect(
    check(new Map([...good, [hostKey(7, 1), [without(eax, 0x80000), ebx, ecx, edx] as const]])).differences,
  ).toEqual([{ leaf: '0x7', subleaf: '0x1', register: 'eax', unexpected: '0x00000000', missing: '0x00080000' }]);
  // HLE, RTM and WAITPKG are the module's to give and KVM's to deny.
  const [, b7 = 0, c7 = 0] = good.get(hostKey(7, 0)) ?? [];
  expect([and(b7, 0x810), and(c7, 0x20)]).toEqual([0, 0]);
});

test('a capture says what it could not read, and reads back what it could', () => {
  mkdirSync(join(folder, 'proc/sys/kernel'), { recursive: true });
  mkdirSync(join(folder, 'sys/devices/faux/tdx_host'), { recursive: true });
  writeFileSync(join(folder, 'proc/sys/kernel/osrelease'), '7.1.5-generic\n');
  writeFileSync(join(folder, 'sys/devices/faux/tdx_host/version'), '2.0.18\n');
  const cpuid = join(folder, 'cpuid.txt');
  writeFileSync(cpuid, 'CPU 0:\n   0x00000007 0x01: eax=0x00080000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n');
  const capabilities = join(folder, 'caps.json');
  writeFileSync(
    capabilities,
    '{"attributes": "0x50000000", "xfam": "0x3", "cpuid": [{"leaf": "0x7", "subleaf": "0x1", "eax": "0x1"}]}',
  );
  const whole = captureHost({ root: folder, cpuid, capabilities, leaves: [] });
  const json = SCHEMAS.host.parse(captureJson(whole));
  expect(json).toMatchObject({ kernel: '7.1.5-generic', module: { version: '2.0.18', from: 'sysfs' }, missing: [] });
  const file = join(folder, 'capture.json');
  writeFileSync(file, JSON.stringify(json));
  expect(captureJson(readCapture(file))).toEqual({ ...json, module: { version: '2.0.18', from: 'sysfs' } });
  const bare = captureHost({ root: join(folder, 'nothing'), cpuid: null, capabilities: null, leaves: [] });
  expect(SCHEMAS.host.parse(captureJson(bare)).missing.map(({ what }) => what)).toEqual([
    'kernel',
    'module',
    'cpuid',
    'capabilities',
  ]);
  writeFileSync(capabilities, '{"attributes": 5}');
  expect(() => captureHost({ root: folder, cpuid, capabilities, leaves: [] })).toThrow(/capabilities\.attributes/);
});
