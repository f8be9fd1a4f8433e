import { hasBit } from '../model/mask.ts';
import { type Host, hostKey, type Registers } from './case.ts';

/** Leaves that have sub-leaves on every processor; any other has them where the host lists one above 0. */
const WITH_SUBLEAVES = new Set([
  4, 7, 0xb, 0xd, 0xf, 0x10, 0x12, 0x14, 0x17, 0x18, 0x1b, 0x1d, 0x1f, 0x20, 0x23, 0x24, 0x27,
]);
export const NO_SUBLEAF = 0xffffffff;
const ZEROS: Registers = [0, 0, 0, 0];
export const FIRST_EXTENDED = 0x80000000;
/** The legacy region and the header, before the first extended component. */
const XSAVE_BASE = 576;

/** A processor that answers CPUID as its list says; a listed leaf 0xD gives sizes and places of the XSAVE components. */
export type Processor = {
  /** What the list says; `NO_SUBLEAF` asks a leaf as the module does that lists it without sub-leaves. */
  readonly cpuid: (leaf: number, subleaf: number) => Registers;
  readonly lastBase: number;
  readonly lastExtended: number;
  /** The size of the XSAVE area for components, in the standard or the compacted format. */
  readonly xsaveSize: (components: bigint, compacted: boolean) => number;
  readonly msr: (address: number) => bigint;
};

/** Values of the MSRs that the module checks, so that a host without any listed passes. */
const MSR_DEFAULTS: ReadonlyMap<number, bigint> = new Map([
  [0x10a, 0x12afdebn],
  [0xbd, 1n],
  [0xbc, 1n],
  [0x345, 0x33c5n | (3n << 12n)],
  [0x1a0, 1n << 7n],
  [0x48c, (1n << 64n) - 1n],
  [0x492, (1n << 64n) - 1n],
]);

export function processorOf({ leaves, msrs }: Host): Processor {
  const listed = new Set(WITH_SUBLEAVES);
  for (const key of leaves.keys()) {
    const [leaf, subleaf] = key.split('.').map(Number);
    if (subleaf !== 0 && subleaf !== NO_SUBLEAF && leaf !== undefined) listed.add(leaf);
  }
  const at = (leaf: number, subleaf: number): Registers | undefined => leaves.get(hostKey(leaf, subleaf));
  const lastBase = at(0, 0)?.[0] ?? 0;
  const lastExtended = at(FIRST_EXTENDED, 0)?.[0] ?? 0;
  const cpuid = (asked: number, subleaf: number): Registers => {
    const isBeyond = asked < FIRST_EXTENDED ? asked > lastBase : asked > lastExtended;
    const leaf = isBeyond ? lastBase : asked;
    const found = at(leaf, subleaf) ?? (listed.has(leaf) ? undefined : (at(leaf, 0) ?? at(leaf, NO_SUBLEAF)));
    if (found !== undefined) return found;
    if (leaf !== 0xb && leaf !== 0x1f) return ZEROS;
    return [0, 0, subleaf & 0xff, at(leaf, 0)?.[3] ?? 0];
  };
  return {
    cpuid,
    lastBase,
    lastExtended,
    xsaveSize: (components, compacted) => xsaveSize(components, compacted, (n) => at(0xd, n)),
    msr: (address) => msrs.get(address) ?? MSR_DEFAULTS.get(address) ?? 0n,
  };
}

function xsaveSize(components: bigint, compacted: boolean, component: (n: number) => Registers | undefined): number {
  let end = XSAVE_BASE;
  for (let n = 2; n < 63; n += 1) {
    if (((components >> BigInt(n)) & 1n) === 0n) continue;
    const [size = 0, offset = 0, flags = 0] = component(n) ?? [];
    if (size === 0) continue;
    if (compacted) end = (hasBit(flags, 1) ? Math.ceil(end / 64) * 64 : end) + size;
    // A supervisor component has no place in the standard format.
    else if (!hasBit(flags, 0) && offset + size > end) end = offset + size;
  }
  return end;
}
