/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { bitMask, bitsOf, countBits, formatBits, hasBit } from '../../../model/mask.ts';
import type { PageData } from '../shape.ts';
import type { createAddress } from './address.ts';
import type { createChanges } from './changes.ts';
import type { createControls } from './controls.ts';
import type { createDifferences } from './differences.ts';
import type { createDom } from './dom.ts';
import type { createFilter } from './filter.ts';
import type { createFindings } from './findings.ts';
import type { createGrid } from './grid.ts';
import type { createGridKeys } from './grid-keys.ts';
import type { createGridPaint } from './grid-paint.ts';
import type { createModel } from './model.ts';
import type { createNotes } from './notes.ts';
import type { createStory } from './story.ts';
import type { createStoryParts } from './story-parts.ts';
import type { createTimeline } from './timeline.ts';

/**
 * The page's script: functions that are written out as text. They see nothing but their parameters, so a file here imports
 * types only; what one needs of another comes in the kit.
 */
export type MaskTools = {
  readonly hasBit: typeof hasBit;
  readonly bitMask: typeof bitMask;
  readonly bitsOf: typeof bitsOf;
  readonly countBits: typeof countBits;
  readonly formatBits: typeof formatBits;
};
export type Model = ReturnType<typeof createModel>;
export type Dom = ReturnType<typeof createDom>;
export type Grid = ReturnType<typeof createGrid>;

export type Factories = {
  readonly createAddress: typeof createAddress;
  readonly createChanges: typeof createChanges;
  readonly createControls: typeof createControls;
  readonly createDifferences: typeof createDifferences;
  readonly createDom: typeof createDom;
  readonly createFilter: typeof createFilter;
  readonly createFindings: typeof createFindings;
  readonly createGrid: typeof createGrid;
  readonly createGridKeys: typeof createGridKeys;
  readonly createGridPaint: typeof createGridPaint;
  readonly createModel: typeof createModel;
  readonly createNotes: typeof createNotes;
  readonly createStory: typeof createStory;
  readonly createStoryParts: typeof createStoryParts;
  readonly createTimeline: typeof createTimeline;
};

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
