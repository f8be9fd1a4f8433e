import type { Expr, Stmt } from '../../c/ast.ts';
import type { CallGraph, Primitive } from './call-graph.ts';
import type { Guard } from './guard.ts';
import type { Bodies, Tree } from './tree.ts';

/** A line of the module source. */
export type Site = { readonly path: string; readonly line: number };

/** What a path does, in order: an MSR is written, a field is stored, or the path's end is reached with these arguments. */
export type TraceEvent = {
  readonly guards: readonly Guard[];
  readonly site: Site;
} /** `by` is the function that holds the instruction. */ & (
  | { readonly kind: 'write'; readonly address: Expr; readonly value: Expr; readonly by: string }
  | { readonly kind: 'store'; readonly path: string; readonly value: Expr }
  | { readonly kind: 'end'; readonly args: readonly Expr[] }
);

/** A path through the module: from a function to calls of `ends`; a call of a `stops` name leaves it. */
export type PathSpec = {
  readonly root: string;
  readonly ends: ReadonlySet<string>;
  readonly stops: ReadonlySet<string>;
};

/** What all walks of a module revision share. */
export type TraceContext = {
  readonly tree: Tree;
  readonly bodies: Bodies;
  readonly graph: CallGraph;
  readonly primitives: ReadonlyMap<string, Primitive>;
};

/** How control leaves a statement: to the next one, out of the function, to a label, out of a loop, or at the path's end. */
export type Flow = 'fall' | 'return' | 'goto' | 'break' | 'end' | 'left';

/** A function or macro that the walk is in, with what its names stand for. */
export type Frame = {
  readonly file: string;
  readonly env: Map<string, Expr>;
  readonly pointers: Set<string>;
  readonly locals: Set<string>;
  readonly depth: number;
  readonly onSpine: boolean;
  /** The call that led here, with its arguments as the caller sees them, innermost last. */
  readonly calls: readonly { readonly site: Site; readonly args: readonly Expr[] }[];
};

/** What a path does, the names that it calls, and sentences on what could not be followed. */
export type Trace = {
  readonly events: readonly TraceEvent[];
  readonly called: ReadonlySet<string>;
  readonly notes: readonly string[];
};

/** Where a walk stands: in a frame, under guards; `tail` where only the way to the path's end counts. */
export type Standing = { readonly frame: Frame; readonly guards: readonly Guard[]; readonly tail: boolean };

type Walker<Part> = (part: Part, here: Standing) => Set<Flow>;

/** One walk along a path: what it has found so far, and the walkers of what holds one another. */
export type Walk = TraceContext & {
  readonly spec: PathSpec;
  /** The names from which the path's end is reached. */
  readonly spine: ReadonlySet<string>;
  readonly events: TraceEvent[];
  readonly notes: Set<string>;
  readonly called: Set<string>;
  /** The names that the walk is in, innermost last. */
  readonly active: string[];
  readonly list: Walker<readonly Stmt[]>;
  readonly expression: Walker<Expr>;
  readonly call: Walker<Extract<Expr, { kind: 'call' }>>;
};
