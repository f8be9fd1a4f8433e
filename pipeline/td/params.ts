import { XFAM_TOGETHER } from '../model/control.ts';
import type { Program } from './program.ts';
import { type Refusal, refusalOf } from './refusal.ts';
import { GPAW, MAXGPA_VIRT, MAXPA_VIRT, type TdState } from './state.ts';

type Test = (program: Program, td: TdState) => boolean;

const DEBUG = 0;
const ICSSD = 16;
const LASS = 27n;
const MIGRATABLE = 29;
const PERFMON = 63;
const PML5_MAXPA = 49;

const both =
  (a: number, b: number): Test =>
  (_, { attributeBits }) =>
    attributeBits[a] === true && attributeBits[b] === true;

const levels = (eptp: bigint): number => Number((eptp >> 3n) & 7n) + 1;
/** Memory type write-back, and nothing but the levels beside it. */
const isPlainEptp = (eptp: bigint): boolean => (eptp & ~0x38n) === 6n;

/** The tests of TD_PARAMS that can be worked out from a case; true where the call is refused. */
const TESTS: Readonly<Record<string, Test>> = {
  'attributes-allowed': (program, { params, platform }) => {
    const { fixed0, fixed1 } = program.attributes;
    // LASS leaves the allowed bits where the host lacks it; releases without the attribute do not have it at all.
    const allowed = platform.hasLass ? fixed0 : fixed0 & ~(1n << LASS);
    return (params.attributes & ~allowed) !== 0n || (params.attributes & fixed1) !== fixed1;
  },
  'attributes-perfmon-migratable': both(PERFMON, MIGRATABLE),
  'attributes-debug-migratable': both(DEBUG, MIGRATABLE),
  'attributes-perfmon-icssd': both(PERFMON, ICSSD),
  xfam: (program, { params: { xfam }, platform }) => {
    const { fixed0, fixed1 } = program.xfam;
    if ((xfam & ~(fixed0 & platform.components)) !== 0n || (xfam & fixed1) !== fixed1) return true;
    if ((xfam & 0x20n) !== 0n && (xfam & 4n) === 0n) return true;
    return XFAM_TOGETHER.some((group) => (xfam & group) !== 0n && (xfam & group) !== group);
  },
  'max-vcpus': (_, { params }) => params.maxVcpus === 0,
  'max-vcpus-limit': ({ limits }, { params }) => params.maxVcpus > limits.maxVcpus,
  'num-l2-vms': ({ limits }, { params }) => params.numL2Vms > limits.maxL2Vms,
  'config-flags': ({ limits }, { params }) => (params.configFlags & ~limits.configFlags) !== 0n,
  'maxpa-maxgpa': (_, { flagBits }) => flagBits[MAXPA_VIRT] === true && flagBits[MAXGPA_VIRT] === true,
  'eptp-any-levels': (_, { params: { eptpControls } }) =>
    !isPlainEptp(eptpControls) || levels(eptpControls) < 4 || levels(eptpControls) > 5,
  eptp: (_, { params: { eptpControls }, processor }) => {
    const most = ((processor.msr(0x48c) >> 7n) & 1n) === 1n ? 5 : 4;
    return !isPlainEptp(eptpControls) || levels(eptpControls) < 4 || levels(eptpControls) > most;
  },
  'eptp-maxpa': (_, { params: { eptpControls }, platform }) =>
    levels(eptpControls) === 5 && platform.maxPa < PML5_MAXPA,
  'eptp-gpaw': (_, { params: { eptpControls }, flagBits }) => flagBits[GPAW] === true && levels(eptpControls) < 5,
  'gpaw-levels': (_, { params: { eptpControls }, flagBits }) => flagBits[GPAW] === true && levels(eptpControls) === 4,
  'tsc-frequency': (_, { params }) => params.tscFrequency < 4 || params.tscFrequency > 400,
  'msr-config-ctls': (_, { params }) => params.msrConfigCtls >>> 1 !== 0,
};

/** The first test of TD_PARAMS, in the release's own order, that refuses them. */
export function paramsRefusal(program: Program, td: TdState): Refusal | null {
  for (const check of program.checks)
    if (check.call === 'mng-init' && TESTS[check.id]?.(program, td) === true) return refusalOf(check);
  return null;
}
