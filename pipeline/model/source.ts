/** Where a fact was read: enough to read it again. */
export type Source = {
  /** A name such as `intel/tdx-module`, or the path that the user gave. */
  readonly repository: string;
  /** A full commit id; of a capture, its name. */
  readonly revision: string;
  readonly path: string;
  /** The blob id, `null` where only the commit is known. */
  readonly blob: string | null;
};

/** A source with a 1-based line. */
export type Evidence = {
  readonly repository: string;
  readonly revision: string;
  readonly path: string;
  readonly line: number;
};
