import type { GateId } from './gate.ts';
import type { Place } from './place.ts';

/** What must allow a native value to pass: CPUID_CONFIG, another CPUID bit, a TD attribute, an XFAM bit. */
export type Allower = 'direct' | 'cpuid' | 'attributes' | 'xfam';

/** How Intel's ABI tables say that a field is virtualized, in one vocabulary for all revisions. */
export type Virtualization = {
  /** The VMM chooses the value: by CPUID_CONFIG (`direct`), or by another part of TD_PARAMS. */
  readonly configurable: 'direct' | 'td-params' | null;
  /** The native value passes, where all of `allow` permit it. */
  readonly native: boolean;
  readonly allow: readonly Allower[];
  /** The field's fixed value as masks in its register; `null` where it is not fixed or the value is not stated. */
  readonly fixed: { readonly ones: number; readonly zeros: number } | null;
  /** Fixed because the module checks the platform for it. */
  readonly verified: boolean;
  /** The module computes the value at initialisation. */
  readonly calculated: boolean;
  /** A rule of its own, in prose. */
  readonly special: boolean;
  /** The value follows the state of the virtual CPU. */
  readonly dynamic: boolean;
  /** CPUID injects #VE. */
  readonly ve: boolean;
};

/** A field of a register in Intel's ABI tables. */
export type AbiField = {
  readonly name: string;
  readonly msb: number;
  readonly lsb: number;
  readonly mask: number;
  /** The type as the table writes it. */
  readonly type: string;
  readonly details: string | null;
  readonly virtualization: Virtualization;
  /** `xfam:2`, `attributes:63`, in ascending order; `null` where the type is gated and the details do not say by what. */
  readonly gates: readonly GateId[] | null;
  /** The path of the field in the document. */
  readonly at: string;
};

/** A register's fields, lowest first, and the bits that they cover. */
export type AbiRegister = Place & { readonly fields: readonly AbiField[]; readonly covered: number };

/** cpuid_virtualization.json of one revision of the ABI tables; registers in total order. */
export type AbiTable = {
  /** The document's own format version. */
  readonly version: string | null;
  readonly registers: readonly AbiRegister[];
  readonly notes: readonly string[];
};

/** What the ABI table claims of a bit, as far as a CPUID table can show it. */
export const CLAIMS = [
  've',
  'config-direct',
  'allow-direct',
  'configurable',
  'td-params',
  'fixed1',
  'fixed0',
  'fixed',
  'native',
  'computed',
  'special',
] as const;
export type Claim = (typeof CLAIMS)[number];
