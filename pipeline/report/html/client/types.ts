import type { PageData } from '../shape.ts';
import type { createDom } from './dom.ts';
import type { createGrid } from './grid.ts';
import type { createModel } from './model.ts';

export type Model = ReturnType<typeof createModel>;
export type Dom = ReturnType<typeof createDom>;
export type Grid = ReturnType<typeof createGrid>;

/** A row and a bit of it. */
export type Cell = { readonly row: number; readonly bit: number };

/** What the reader chose; the address bar holds the same. Indexes are -1 where nothing can be chosen. */
export type Selection = {
  readonly from: number;
  readonly to: number;
  readonly kvm: number;
  readonly leaf: string;
  readonly query: string;
  /** An index into the classes, `configurable`, or the empty text. */
  readonly cls: string;
  readonly verdict: string;
  readonly host: string;
  readonly changed: boolean;
  readonly overlay: boolean;
  readonly cell: Cell | null;
};

/** Bits of a register that changed in the same way. */
export type Change = {
  readonly row: number;
  readonly bits: readonly number[];
  readonly from: number;
  readonly to: number;
  readonly verdict: number;
  readonly name: string;
  readonly hosts: readonly number[];
  readonly gatesFrom: string;
  readonly gatesTo: string;
};

export type { PageWord } from '../shape.ts';
export type { PageData };
