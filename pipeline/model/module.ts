import type { LeafKey, Register } from './place.ts';
import type { Source } from './source.ts';

/** Masks of a group of registers; a missing register is 0. */
export type RegisterMasks = { readonly [R in Register]?: number };

/** An entry of `cpuid_lookup[]`: what the module does with a leaf. */
export type LookupEntry = LeafKey & {
  /** The index in the array. */
  readonly slot: number;
  /** The 1-based line of the entry, absent where only the facts are known. */
  readonly line?: number;
  /** The leaf injects #VE. */
  readonly faulting: boolean;
  readonly verifyMask: RegisterMasks;
  readonly verifyValue: RegisterMasks;
  readonly verifySame: RegisterMasks;
  readonly fixed0OrDynamic: RegisterMasks;
  readonly fixed1: RegisterMasks;
};

/** An entry of `cpuid_configurable[]`: what the VMM may choose in a leaf. */
export type ConfigurableEntry = LeafKey & {
  readonly slot: number;
  readonly line?: number;
  readonly configDirect: RegisterMasks;
  readonly allowDirect: RegisterMasks;
};

/** One `xfam_mask_<leaf>_<subleaf>[]`: per XFAM bit, the bits that are cleared where the TD's XFAM bit is 0. */
export type XfamMask = LeafKey & { readonly bits: ReadonlyMap<number, RegisterMasks> };

/** A pair of a fixed-0 mask (a 0 bit must be 0) and a fixed-1 mask (a 1 bit must be 1). */
export type FixedMasks = { readonly fixed0: bigint; readonly fixed1: bigint };

/** What the tables of one module release say, unjudged. */
export type ModuleTables = {
  readonly spreadsheetFormat: number;
  readonly lookup: readonly LookupEntry[];
  readonly configurable: readonly ConfigurableEntry[];
  readonly xfamMasks: readonly XfamMask[];
  /** Leaves that are not in the table and read as 0 instead of #VE (format 10), else empty. */
  readonly fixed0Leaves: readonly number[];
};

/** What one module release publishes about CPUID. */
export type ModuleRelease = ModuleTables & {
  /** Such as `1.5.06`: a string, always. */
  readonly release: string;
  readonly source: Source & { readonly licence: string };
  readonly attributes: FixedMasks | null;
  readonly xfam: FixedMasks | null;
  /** TDX_FEATURES0 as the release reports it, `null` where it is not published. */
  readonly features0: bigint | null;
  /** Bits of it that depend on the platform; they are given as 1. */
  readonly features0Conditional: readonly number[];
  /** The names that the release's own header gives to TDX_FEATURES0 bits. */
  readonly featureNames: ReadonlyMap<number, string>;
  /** Further files of the same revision that facts were read from. */
  readonly alsoRead: readonly { readonly path: string; readonly blob: string | null }[];
  /** The SHA-384 that the release's binary measures to, `null` where it is not published. */
  readonly mrseam: string | null;
  /** Members of the module's `cpuid_flags` struct, `null` where the header was not read. */
  readonly cpuidFlags: readonly string[] | null;
  /** What could not be read, each a sentence: never silent. */
  readonly notes: readonly string[];
};

/** How many CPUID_CONFIG entries a release reports. */
export const configSlotsOf = ({ configurable }: Pick<ModuleRelease, 'configurable'>): number =>
  configurable.reduce((most, { slot }) => Math.max(most, slot + 1), 0);

/** TDX_FEATURES0 as two sources have it; of bits that depend on the platform they need not agree. */
export type DisputedFeatures = { readonly release: string; readonly source: bigint; readonly published: bigint };

/** What a release's own source says of TDX_FEATURES0 and mapping_file.json says otherwise; null where they agree, or one is silent. */
export function disputedFeatures(
  { release, features0, features0Conditional }: ModuleRelease,
  published: bigint | null,
): DisputedFeatures | null {
  if (features0 === null || published === null) return null;
  const open = features0Conditional.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n);
  return ((features0 ^ published) & ~open) === 0n ? null : { release, source: features0, published };
}
