/** Which bits of a register an interface takes: what the module's code refuses, with the line of the check. */
export type RegisterCheck = {
  /** Such as `TDG.VP.VMCALL`. */
  readonly interface: string;
  /** Such as `RCX`. */
  readonly register: string;
  readonly mustBeSet: bigint;
  readonly mustBeClear: bigint;
  /** Further bits that must be clear where the condition holds. */
  readonly conditional: readonly { readonly condition: string; readonly mustBeClear: bigint }[];
  readonly path: string;
  readonly line: number;
};

/** A row of `specs/registers.md`: masks of one column, with where it was read. */
export type RegisterRow = {
  readonly interface: string;
  readonly register: string;
  /** `under KVM`: what is enforced with what depends on the configuration that KVM gives every TD. */
  readonly column: 'documented' | 'enforced' | 'under KVM' | 'validated';
  /** Null where this party checks nothing. */
  readonly mustBeSet: bigint | null;
  readonly mustBeClear: bigint | null;
  readonly line: number;
};
