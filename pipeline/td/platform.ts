import type { Check } from '../model/decider-rules.ts';
import { and, hasBit, without } from '../model/mask.ts';
import { REGISTERS, subleafOf } from '../model/place.ts';
import type { Host, Registers } from './case.ts';
import { FIRST_EXTENDED, NO_SUBLEAF, type Processor, processorOf } from './host.ts';
import type { Program, Row } from './program.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import type { Platform } from './state.ts';

/** `stops`: the module would stop the whole platform rather than return a status. */
export type PlatformResult =
  | { readonly kind: 'ready'; readonly processor: Processor; readonly platform: Platform }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'stops'; readonly why: string };

export const USER_COMPONENTS = 0x602ff;
export const SUPERVISOR_COMPONENTS = 0x1fd00;
const MIN_BASE_LEAF = 0x1f;
const LAST_EXTENDED = 0x80000008;
const MIN_TSC_HZ = 0x2540cn;
const MAX_FIXED_COUNTERS = 7;
const MAX_PACKAGES = 8;

/** Thrown inside this file only: a check that fails ends the call at once, from whatever depth. */
class Ended extends Error {
  readonly result: PlatformResult;
  constructor(result: PlatformResult) {
    super('the module ends here');
    this.result = result;
  }
}

/** Starts the module of a release on a host. */
export function startModule(program: Program, host: Host): PlatformResult {
  try {
    return { kind: 'ready', ...started(program, host) };
  } catch (error) {
    if (error instanceof Ended) return error.result;
    throw error;
  }
}

type Refuse = (id: string, at?: Partial<Omit<Refusal, 'check'>>) => void;

function started(program: Program, host: Host): { readonly processor: Processor; readonly platform: Platform } {
  const processor = processorOf(host);
  const refuse: Refuse = (id, at) => {
    const check: Check | undefined = program.check(id);
    if (check !== undefined) throw new Ended({ kind: 'refused', refusal: refusalOf(check, at) });
  };
  checkMsrs(program, processor, refuse);
  if (processor.lastBase < MIN_BASE_LEAF) refuse('host-last-leaf');
  if (processor.lastExtended < LAST_EXTENDED) refuse('host-last-extended-leaf');
  const scan = newScan(host);
  const native = new Uint32Array(program.rows.length * 4);
  for (const [index, row] of program.rows.entries()) {
    const values = nativeOf(row, processor);
    verify(row, values, refuse);
    const kept = scanRow(row, values, scan, refuse);
    for (let register = 0; register < 4; register += 1)
      native[index * 4 + register] = fixed(row, kept[register] ?? 0, register);
  }
  if (scan.package >= MAX_PACKAGES) refuse('host-package');
  return {
    processor,
    platform: {
      native,
      fms: scan.fms,
      maxPa: scan.maxPa,
      components: BigInt(scan.components),
      xfdFaulting: scan.xfdFaulting,
      hasLass: scan.hasLass,
    },
  };
}

/** TDH.SYS.CONFIG: what the table fixes is fixed in the module's own copy, whether or not a VMM may configure the leaf. */
const fixed = (row: Row, value: number, register: number): number =>
  without(value, row.fixed0[register] ?? 0) | (row.fixed1[register] ?? 0);

function checkMsrs({ limits }: Program, { msr }: Processor, refuse: Refuse): void {
  const { one, zero } = limits.archCapabilities;
  const capabilities = msr(0x10a);
  if ((capabilities & one) !== one || (capabilities & zero) !== 0n) refuse('host-arch-capabilities');
  if (msr(0xbd) !== 1n) refuse('host-xapic');
  if ((msr(0xbc) & 1n) === 0n) refuse('host-package-ctls');
  const perf = msr(0x345);
  if (((perf >> 12n) & 1n) === 0n) refuse('host-freeze-smm');
  if (((perf >> 13n) & 1n) === 0n) refuse('host-full-write');
  const misc = msr(0x1a0);
  if (((misc >> 22n) & 1n) === 1n) refuse('host-cpuid-maxval');
  if (((misc >> 7n) & 1n) === 0n || ((misc >> 11n) & 1n) === 1n) refuse('host-perfmon-off');
}

/** A leaf that the host does not have reads as 0, so that what must be 0 there holds. */
function nativeOf(row: Row, { cpuid, lastBase, lastExtended }: Processor): Registers {
  const isThere = row.leaf <= lastBase || (row.leaf >= FIRST_EXTENDED && row.leaf <= lastExtended);
  return isThere ? cpuid(row.leaf, row.subleaf ?? NO_SUBLEAF) : [0, 0, 0, 0];
}

function verify(row: Row, values: Registers, refuse: Refuse): void {
  for (const [index, register] of REGISTERS.entries()) {
    const mask = row.verifyMask[index] ?? 0;
    const wrong = and(mask, (values[index] ?? 0) ^ (row.verifyValue[index] ?? 0));
    if (wrong !== 0) refuse('host-verified', { leaf: row.leaf, subleaf: row.subleaf, register, mask: wrong });
  }
}

/** What the module gathers while it goes through the rows of its table. */
type Scan = {
  readonly sockets: readonly number[];
  fms: number;
  maxPa: number;
  components: number;
  xfdSupported: boolean;
  xfdFaulting: number;
  hasLass: boolean;
  hasLa57: boolean;
  sharingL3: number | null;
  levelType: number;
  shift: number | null;
  hasCore: boolean;
  packageShift: number;
  apicId: number;
  package: number;
};

const newScan = (host: Host): Scan => ({
  sockets: host.sockets,
  fms: 0,
  maxPa: 52,
  components: 0,
  xfdSupported: false,
  xfdFaulting: 0,
  hasLass: false,
  hasLa57: false,
  sharingL3: null,
  levelType: 0,
  shift: null,
  hasCore: false,
  packageShift: 0,
  apicId: 0,
  package: 0,
});

const stop = (why: string): never => {
  throw new Ended({ kind: 'stops', why });
};

/** What the module notes of a row, and the values that it keeps. */
function scanRow(row: Row, values: Registers, scan: Scan, refuse: Refuse): Registers {
  const [eax, ebx, ecx, edx] = values;
  switch (row.leaf) {
    case 1:
      scan.fms = lowestStepping(scan.sockets);
      return [scan.fms, ebx, ecx, edx];
    case 4:
      if (row.subleaf === 3) scan.sharingL3 = (eax >>> 14) & 0xfff;
      break;
    case 7:
      if (row.subleaf === 0) scan.hasLa57 = hasBit(ecx, 16);
      if (row.subleaf === 1) scan.hasLass = hasBit(eax, 6);
      break;
    case 0xa:
      scanPerfmon(values, refuse);
      break;
    case 0xd:
      scanComponents(subleafOf(row), values, scan);
      break;
    case 0x15:
      scanTsc(values, refuse);
      break;
    case 0x1c:
      if ((eax & 0xff) === 0) stop('leaf 0x1C of the host has no depth of last branch records');
      break;
    case 0x1f:
      scanLevel(subleafOf(row), values, scan, refuse);
      break;
    case LAST_EXTENDED:
      scanWidths(eax, scan, refuse);
      break;
  }
  return values;
}

function scanPerfmon([eax, , , edx]: Registers, refuse: Refuse): void {
  if ((eax & 0xff) < 5) refuse('host-perfmon-version', { leaf: 0xa, register: 'eax', mask: 0xff });
  if ((edx & 0x1f) > MAX_FIXED_COUNTERS) refuse('host-perfmon-counters', { leaf: 0xa, register: 'edx', mask: 0x1f });
}

/** The widths of addresses, physical and linear. */
function scanWidths(eax: number, scan: Scan, refuse: Refuse): void {
  scan.maxPa = eax & 0xff;
  if (scan.maxPa > 52) stop('the host has more than 52 physical address bits');
  if (((eax >>> 8) & 0xff) !== (scan.hasLa57 ? 57 : 48))
    refuse('host-linear-width', { leaf: LAST_EXTENDED, register: 'eax', mask: 0xff00 });
}

/** Family and model are those of the first package, the stepping is the lowest of all. */
function lowestStepping(sockets: readonly number[]): number {
  const [first = 0] = sockets;
  return without(first, 0xf) + Math.min(...sockets.map((each) => each & 0xf));
}

function scanComponents(subleaf: number, [eax, , ecx]: Registers, scan: Scan): void {
  if (subleaf === 0) scan.components = eax & USER_COMPONENTS;
  else if (subleaf === 1) {
    scan.xfdSupported = hasBit(eax, 4);
    const supervisor = ecx & SUPERVISOR_COMPONENTS;
    if ((scan.components & supervisor) !== 0) stop('a component of leaf 0xD is both a user and a supervisor one');
    scan.components |= supervisor;
  } else {
    if (scan.xfdSupported && hasBit(ecx, 2)) scan.xfdFaulting |= 1 << subleaf;
    const isSupervisor = hasBit(ecx, 0);
    if (hasBit(scan.components & (isSupervisor ? USER_COMPONENTS : SUPERVISOR_COMPONENTS), subleaf))
      stop(`leaf 0xD of the host contradicts itself on component ${subleaf}`);
  }
}

function scanTsc([eax, ebx, ecx]: Registers, refuse: Refuse): void {
  if (ebx === 0) refuse('host-tsc');
  if (eax === 0) stop('leaf 0x15 EAX of the host is 0, and the module divides by it');
  else if ((BigInt(ecx) * BigInt(ebx)) / BigInt(eax) < MIN_TSC_HZ) stop('the TSC of the host is too slow');
}

const LEVELS = 6;
const CORE = 2;

function scanLevel(subleaf: number, [eax, , ecx, edx]: Registers, scan: Scan, refuse: Refuse): void {
  const type = (ecx >>> 8) & 0xff;
  if (subleaf === 0) scan.apicId = edx;
  if (type !== 0) {
    if (type <= scan.levelType || type >= LEVELS) refuse('host-topology-format');
    scan.shift = eax & 0x1f;
    if (type === CORE) scan.hasCore = true;
  } else {
    if (subleaf === 0 || !scan.hasCore) refuse('host-topology');
    if (scan.levelType !== 0) endTopology(scan, refuse);
  }
  scan.levelType = type;
}

/** The first sub-leaf without a level ends the topology: the shift of the one before tells packages apart. */
function endTopology(scan: Scan, refuse: Refuse): void {
  scan.packageShift = scan.shift ?? 0;
  scan.package = scan.packageShift > 31 ? 0 : scan.apicId >>> scan.packageShift;
  const shift = scan.packageShift - 1;
  if (shift < 0 || (scan.sharingL3 ?? 0) >>> shift !== 1) refuse('host-wbinvd');
}
