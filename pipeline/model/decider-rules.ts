import type { GateKind } from './gate.ts';
import type { RegisterMasks } from './module.ts';
import type { Place } from './place.ts';

/** What a guest sets, or is, while it runs; `LONG_MODE` is a 64-bit code segment. */
export const GUEST_CONTROLS = [
  'ENUM_TOPOLOGY',
  'VIRT_CPUID2',
  'REDUCE_VE',
  'CR4.OSXSAVE',
  'CR4.PKE',
  'LONG_MODE',
  'TSX_CPUID_CLEAR',
] as const;
export type GuestControl = (typeof GUEST_CONTROLS)[number];

/** Values that the module computes; `td/computations.ts` is where each is worked out. */
export const COMPUTATIONS = [
  'fms',
  'xsave-max',
  'xsave-user',
  'xsave-all',
  'tsc-frequency',
  'maxpa',
  'maxgpa',
  'initial-apic-id',
  'x2apic-id',
  'topology',
  'topology-core',
  'native-cache',
] as const;
export type Computation = (typeof COMPUTATIONS)[number];

/** Something that is true or not of a TD: its parameters, its own CPUID, its guest. Listed bits must all be 1. */
export type Condition =
  | { readonly kind: GateKind; readonly bits: readonly number[] }
  | { readonly kind: 'config-flags'; readonly bits: readonly number[] }
  /** A bit of the CPUID that the TD itself has. */
  | { readonly kind: 'cpuid'; readonly place: Place; readonly bit: number }
  | { readonly kind: 'guest'; readonly control: GuestControl }
  /** A bit of FEATURE_PARAVIRT_CTRL. */
  | { readonly kind: 'paravirt'; readonly bit: number }
  /** The host faults by XFD in some component that XFAM has. */
  | { readonly kind: 'xfd' }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'any'; readonly of: readonly Condition[] };

/** What the code does to bits after the tables: `stage` is TDH.MNG.INIT, or the guest's CPUID. */
export type DeciderRule = {
  readonly id: string;
  readonly stage: 'init' | 'guest';
  readonly leaf: number;
  /** Absent: every sub-leaf of the leaf. */
  readonly subleaf?: number;
  readonly masks: RegisterMasks;
  readonly effect: Effect;
  /** Which of the rule set's sources says so, and where in it. */
  readonly source: string;
  readonly lines: string | null;
};

/** `unless` lists conditions that must all hold. */
export type Effect =
  | { readonly do: 'zero' | 'one' }
  | { readonly do: 'clear'; readonly unless: readonly Condition[] }
  | { readonly do: 'set'; readonly unless: readonly Condition[] }
  | { readonly do: 've'; readonly unless: readonly Condition[] }
  | { readonly do: 'follow'; readonly condition: Condition }
  | { readonly do: 'choose'; readonly when: Condition; readonly yes: number; readonly no: number }
  /** `when` lists conditions that must all hold, else the value stays; `open`: only where the tables leave no constant. */
  | { readonly do: 'compute'; readonly what: Computation; readonly when: readonly Condition[]; readonly open: boolean }
  /** Clears the bits of the release's own `xfam_mask` tables whose XFAM bit is 0. */
  | { readonly do: 'xfam-masks' };

/** A file that rules rest on: read at that revision, or inferred from what `reason` names. */
type RuleSource = {
  readonly id: string;
  readonly how: 'read' | 'inferred';
  readonly repository: string;
  readonly revision: string;
  readonly path: string;
  readonly blob: string | null;
  readonly reason: string | null;
};

/** The rules of one release, in the order in which its code applies them. */
export type DeciderRules = {
  readonly release: string;
  /** The release whose rules these start from, and why. */
  readonly like: string | null;
  readonly reason: string;
  readonly sources: readonly RuleSource[];
  readonly rules: readonly DeciderRule[];
  readonly limits: Limits;
  readonly checks: readonly Check[];
  /** The code that these rules are of, as far as its tree could be read; empty where files were read one by one. */
  readonly functions: readonly DecidingFunction[];
  /** What of the release's code is not that of the release it is like, and was not examined: then the rules are not its own. */
  readonly unexamined: readonly CodeChange[];
};

/** A function that decides what a TD's CPUID is, by a hash of its tokens: layout and comments do not count. */
export type DecidingFunction = {
  readonly path: string;
  readonly name: string;
  /** 1-based. */
  readonly line: number;
  readonly tokens: string;
};

/** A function that differs from that of an older release; `name` is null where a whole file could not be read. */
export type CodeChange = {
  readonly path: string;
  readonly name: string | null;
  readonly line: number | null;
  readonly kind: 'changed' | 'new' | 'gone' | 'unread';
};

/** Numbers of a release that its CPUID code and its checks use. */
export type Limits = {
  /** CONFIG_FLAGS bits that may be 1. */
  readonly configFlags: bigint;
  /** The largest MAX_VCPUS and NUM_L2_VMS. */
  readonly maxVcpus: number;
  readonly maxL2Vms: number;
  /** The last leaves that a guest's CPUID reaches; `null`: the host's own. */
  readonly lastBaseLeaf: number;
  readonly lastExtendedLeaf: number | null;
  /** The smallest MAXPA that a VMM may configure. */
  readonly minMaxpa: number;
  /** TD_CTLS bits that the guest may write. */
  readonly tdControls: readonly TdControl[];
  /** CPUID(1).EAX of the families, newest first, each with the latest stepping that is known. */
  readonly families: readonly number[];
  /** IA32_ARCH_CAPABILITIES: bits that the host must have, must not have, and that a VMM may configure. */
  readonly archCapabilities: { readonly one: bigint; readonly zero: bigint; readonly config: bigint };
};

export const TD_CONTROLS = [
  'PENDING_VE_DISABLE',
  'ENUM_TOPOLOGY',
  'VIRT_CPUID2',
  'REDUCE_VE',
  'ENABLE_HW_KEYS',
  'LOCK',
] as const;
export type TdControl = (typeof TD_CONTROLS)[number];

/** The bits of TD_CTLS: TDX module ABI specification, VCPU-independent TD metadata. */
export const TD_CONTROL_BITS: Readonly<Record<TdControl, number>> = {
  PENDING_VE_DISABLE: 0,
  ENUM_TOPOLOGY: 1,
  VIRT_CPUID2: 2,
  REDUCE_VE: 3,
  ENABLE_HW_KEYS: 4,
  LOCK: 63,
};

/** What TDH.MNG.INIT, or the module's start, refuses, in the order of testing. `td/` has the test of each id that it computes. */
export type Check = {
  readonly id: string;
  readonly call: 'sys-init' | 'mng-init';
  /** The upper half of the completion status, 32 zero bits below. */
  readonly status: bigint;
  readonly code: string;
  /** The lower half: an operand id or MSR, `null` where the code has none of its own. */
  readonly operand: number | null;
  readonly operandName: string | null;
  readonly why: string;
  readonly source: string;
  readonly lines: string | null;
};
