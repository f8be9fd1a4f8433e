import type { ClassedRelease } from '../../pipeline/model/class.ts';
import { or, without } from '../../pipeline/model/mask.ts';
import type { RegisterMasks } from '../../pipeline/model/module.ts';
import { REGISTERS } from '../../pipeline/model/place.ts';
import { type Guest, type Host, hostKey, type Registers, type TdCase, type TdParams } from '../../pipeline/td/case.ts';

const SUPERVISOR = 0x1fd00;

/** Bits of a host that the module's start depends on: a test that flips them would have no TD. */
export const KEPT: Readonly<Record<string, readonly [number, number, number, number]>> = {
  '0.0': [0xffffffff, 0, 0, 0],
  '1.0': [0xffffffff, 0, 0, 0],
  '4.3': [0x03ffc000, 0, 0, 0],
  '7.0': [0xffffffff, 0, 0x00010000, 0],
  '10.0': [0xff, 0, 0, 0x1f],
  '13.0': [0xffffffff, 0, 0, 0],
  '13.1': [0x10, 0, 0xffffffff, 0],
  '21.0': [0xffffffff, 0xffffffff, 0xffffffff, 0],
  '28.0': [0xff, 0, 0, 0],
  '2147483648.0': [0xffffffff, 0, 0, 0],
  '2147483656.0': [0xffff, 0, 0, 0],
};

/** A made-up host that a release starts on and that has every CPUID bit which the release does not want to be 0. */
export function hostFor({ module }: Pick<ClassedRelease, 'module'>): Host {
  const leaves = new Map<string, Registers>();
  for (const { leaf, subleaf, verifyMask, verifyValue } of module.lookup) {
    const full = (register: keyof RegisterMasks): number =>
      or(without(0xffffffff, verifyMask[register] ?? 0), verifyValue[register] ?? 0);
    const values = REGISTERS.map(full);
    const [eax = 0, ebx = 0, ecx = 0, edx = 0] = values;
    leaves.set(hostKey(leaf, subleaf ?? 0), [eax, ebx, ecx, edx]);
  }
  const set = (leaf: number, subleaf: number, values: Partial<Record<'eax' | 'ebx' | 'ecx' | 'edx', number>>): void => {
    const [eax, ebx, ecx, edx] = leaves.get(hostKey(leaf, subleaf)) ?? [0, 0, 0, 0];
    const now = { eax, ebx, ecx, edx, ...values };
    leaves.set(hostKey(leaf, subleaf), [now.eax, now.ebx, now.ecx, now.edx]);
  };
  set(0, 0, { eax: 0x24 });
  set(1, 0, { eax: 0x806f8 });
  set(4, 3, { eax: 0xfc1fc163 });
  const [counters = 0, , , fixed = 0] = leaves.get(hostKey(0xa, 0)) ?? [];
  set(0xa, 0, { eax: or(without(counters, 0xff), 5), edx: or(without(fixed, 0x1f), 4) });
  for (let n = 2; n <= 18; n += 1) set(0xd, n, { eax: 64 * n, ebx: 576 + 1024 * n, ecx: ((SUPERVISOR >>> n) & 1) | 6 });
  set(0x15, 0, { eax: 1, ebx: 100, ecx: 25_000_000 });
  for (let n = 0; n < 6; n += 1)
    set(
      0x1f,
      n,
      n === 0
        ? { eax: 1, ebx: 2, ecx: 0x100, edx: 0 }
        : n === 1
          ? { eax: 7, ebx: 128, ecx: 0x201, edx: 0 }
          : { eax: 0, ebx: 0, ecx: n, edx: 0 },
    );
  set(0x80000000, 0, { eax: 0x80000008 });
  const wide = ((leaves.get(hostKey(7, 0))?.[2] ?? 0) >>> 16) & 1;
  set(0x80000008, 0, { eax: (wide === 1 ? 57 : 48) * 256 + 52 });
  return { leaves, msrs: new Map(), sockets: [0x806f8] };
}

/** Every bit that a release lets a VMM set, but for values that are numbers with rules of their own. */
export function fullConfig({ module }: ClassedRelease): TdParams['cpuidConfig'] {
  return module.configurable.flatMap(({ leaf, subleaf, configDirect, allowDirect }) => {
    if (leaf === 0x1f) return [];
    const value = (register: keyof RegisterMasks): number =>
      or(configDirect[register] ?? 0, allowDirect[register] ?? 0);
    const eax = leaf === 1 || leaf === 0x80000008 ? 0 : value('eax');
    return [{ leaf, subleaf: subleaf ?? 0, values: [eax, value('ebx'), value('ecx'), value('edx')] as const }];
  });
}

export const GUEST: Guest = {
  tdControls: new Map([
    ['ENUM_TOPOLOGY', true],
    ['VIRT_CPUID2', true],
  ]),
  force: true,
  featureParavirtCtrl: 0n,
  osxsave: true,
  pke: true,
  mode64: true,
  supervisor: true,
  vcpuIndex: 3,
  x2apicId: 0x12345,
  topologyConfigured: true,
  xcr0: 3n,
  xss: 0n,
  tsxCtrl: 0,
  supervisorVe: false,
  userVe: false,
  leafVe: [],
};

/** A TD with all that a release allows at once, on its full host. */
export const fullCase = (release: ClassedRelease): TdCase => ({
  id: null,
  host: hostFor(release),
  params: {
    attributes: 0n,
    xfam: release.module.xfam?.fixed0 ?? 3n,
    configFlags: 0n,
    eptpControls: 0x1en,
    tscFrequency: 100,
    maxVcpus: 1,
    numL2Vms: 0,
    msrConfigCtls: 0,
    archCapabilities: 0n,
    cpuidConfig: fullConfig(release),
  },
  guest: GUEST,
  queries: null,
});
