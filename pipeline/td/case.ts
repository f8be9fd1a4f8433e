import type { TdControl } from '../model/decider-rules.ts';

/** EAX, EBX, ECX, EDX, in this order. */
export type Registers = readonly [number, number, number, number];

/** What CPUID returns on a host, by leaf and sub-leaf as listed; `msrs` by address, the rest have values that pass all checks. */
export type Host = {
  readonly leaves: ReadonlyMap<string, Registers>;
  readonly msrs: ReadonlyMap<number, bigint>;
  /** CPUID(1).EAX of each package. */
  readonly sockets: readonly number[];
};

export const hostKey = (leaf: number, subleaf: number): string => `${leaf}.${subleaf}`;

/** One entry of TD_PARAMS.CPUID_CONFIG; `subleaf` is ignored where the slot has none. */
export type ConfigEntry = { readonly leaf: number; readonly subleaf: number; readonly values: Registers };

/** TD_PARAMS. */
export type TdParams = {
  readonly attributes: bigint;
  readonly xfam: bigint;
  readonly configFlags: bigint;
  readonly eptpControls: bigint;
  /** In units of 25 MHz. */
  readonly tscFrequency: number;
  readonly maxVcpus: number;
  readonly numL2Vms: number;
  readonly msrConfigCtls: number;
  readonly archCapabilities: bigint;
  readonly cpuidConfig: readonly ConfigEntry[];
};

/** What the guest sets, or is, when it executes CPUID. */
export type Guest = {
  /** What the guest writes to TD_CTLS, bit by bit; `force` sets it without the module's checks. */
  readonly tdControls: ReadonlyMap<TdControl, boolean>;
  readonly force: boolean;
  readonly featureParavirtCtrl: bigint;
  readonly osxsave: boolean;
  readonly pke: boolean;
  readonly mode64: boolean;
  readonly supervisor: boolean;
  readonly vcpuIndex: number;
  readonly x2apicId: number;
  readonly topologyConfigured: boolean;
  readonly xcr0: bigint;
  readonly xss: bigint;
  readonly tsxCtrl: number;
  /** Whether each privilege asked for #VE on every CPUID, and on single leaves. */
  readonly supervisorVe: boolean;
  readonly userVe: boolean;
  readonly leafVe: readonly {
    readonly leaf: number;
    readonly subleaf: number;
    readonly supervisor: boolean;
    readonly user: boolean;
  }[];
};

export type Query = { readonly leaf: number; readonly subleaf: number };

/** One question: a host, the parameters of a TD, its guest, and the leaves asked; `null`: every leaf of the release's table. */
export type TdCase = {
  /** Any JSON value; it is given back. */
  readonly id: unknown;
  readonly host: Host;
  readonly params: TdParams;
  readonly guest: Guest;
  readonly queries: readonly Query[] | null;
};
