import type { Scope } from '../c/evaluate.ts';
import type { Unit } from '../c/unit.ts';

export type KernelFile = { readonly text: string; readonly blob: string };

/** One kernel revision: the files that policies are read from, as C units, each parsed once. */
export type KernelTree = {
  readonly repository: string;
  readonly revision: string;
  readonly has: (path: string) => boolean;
  /** The unit of a path. Throws a NoInputError where the revision does not have it. */
  readonly unit: (path: string) => Unit;
  readonly file: (path: string) => KernelFile | undefined;
  /** Whether a word stands anywhere in a file, comments included: what does not cannot be defined there. */
  readonly mentions: (path: string, word: string) => boolean;
  /** A scope that sees the macros and enumerators of all headers, those of `path` first. */
  readonly scope: (path: string) => Scope;
  /**
   * A value that is computed again only where something that it was computed from has changed: all that may differ
   * between revisions has to be asked of the tree that `compute` is given, none taken from around it.
   */
  readonly remember: <T>(name: string, compute: (tree: KernelTree) => T) => T;
};
