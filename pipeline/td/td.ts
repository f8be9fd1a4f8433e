import { subleafOf } from '../model/place.ts';
import type { Query, TdCase } from './case.ts';
import { type Answer, guestCpuid, writeControls } from './guest.ts';
import { initTd } from './init.ts';
import { type PlatformResult, startModule } from './platform.ts';
import type { Program } from './program.ts';
import type { Refusal } from './refusal.ts';
import { statusOf } from './refusal.ts';
import type { TdState } from './state.ts';

/** What a release makes of one case. */
export type TdResult = {
  /** The completion status of the first call that fails, else of TDH.MNG.INIT; `null` where the module stops the platform. */
  readonly status: bigint | null;
  /** Why TDH.MNG.INIT refuses. */
  readonly refusal: Refusal | null;
  /** Why the module does not start on this host, or stops the platform. */
  readonly platform: { readonly refusal: Refusal | null; readonly stops: string | null } | null;
  /** Why the guest's write of TD_CTLS is refused. */
  readonly controlsRefused: string | null;
  readonly td: TdState | null;
  readonly results: readonly { readonly query: Query; readonly answer: Answer }[];
};

const NOTHING = { refusal: null, platform: null, controlsRefused: null, td: null, results: [] } as const;
/** Of a case that never reaches the module. */
export const NO_TD: TdResult = { ...NOTHING, status: null };

/** The CPUID that the guest of a case gets under a release, or why there is none. */
export function computeTd(
  program: Program,
  question: TdCase,
  start: PlatformResult = startModule(program, question.host),
): TdResult {
  if (start.kind === 'refused')
    return { ...NOTHING, status: statusOf(start.refusal), platform: { refusal: start.refusal, stops: null } };
  if (start.kind === 'stops') return { ...NOTHING, status: null, platform: { refusal: null, stops: start.why } };
  const init = initTd(program, start, question);
  if (init.kind === 'refused') return { ...NOTHING, status: statusOf(init.refusal), refusal: init.refusal };
  if (init.kind === 'stops') return { ...NOTHING, status: null, platform: { refusal: null, stops: init.why } };
  const controls = writeControls(program, init.td);
  const td = { ...init.td, controls: controls.set };
  const queries = question.queries ?? program.rows.map((row) => ({ leaf: row.leaf, subleaf: subleafOf(row) }));
  return {
    ...NOTHING,
    status: 0n,
    controlsRefused: controls.refused,
    td,
    results: queries.map((query) => ({ query, answer: guestCpuid(program, td, query) })),
  };
}
