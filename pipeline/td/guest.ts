import { TD_CONTROLS, type TdControl } from '../model/decider-rules.ts';
import type { Query } from './case.ts';
import { applied } from './effect.ts';
import { FIRST_EXTENDED } from './host.ts';
import type { Program } from './program.ts';
import { FLEXIBLE_PENDING_VE, type TdState } from './state.ts';

/** What CPUID returns to the guest, or `ve`: it injects #VE. */
export type Answer = Uint32Array | 've';

const SEPT_VE_DISABLE = 28;

/** What the guest's write of TD_CTLS leaves: the bits that are set, and why the module refused the write, if it did. */
export type Controls = { readonly set: ReadonlySet<TdControl>; readonly refused: string | null };

/** TDG.VM.WR of TD_CTLS by the release's rules: all of the write or nothing of it. */
export function writeControls({ limits }: Program, { guest, attributeBits, flagBits }: TdState): Controls {
  const before = new Set<TdControl>(attributeBits[SEPT_VE_DISABLE] === true ? ['PENDING_VE_DISABLE'] : []);
  const wanted = guest.tdControls;
  if (wanted.size === 0) return { set: before, refused: null };
  const after = new Set(before);
  for (const name of TD_CONTROLS) {
    const value = wanted.get(name);
    if (value === true) after.add(name);
    if (value === false) after.delete(name);
  }
  const keep = (refused: string): Controls => ({ set: before, refused });
  if (guest.force)
    return { set: new Set([...after].filter((name) => limits.tdControls.includes(name))), refused: null };
  if (![...wanted.keys()].some((name) => limits.tdControls.includes(name)))
    return keep('no bit that this release lets a guest write');
  const changed = TD_CONTROLS.filter((name) => after.has(name) !== before.has(name));
  const foreign = changed.find((name) => !limits.tdControls.includes(name));
  if (foreign !== undefined) return keep(`${foreign} is not a control of this release`);
  if (changed.includes('PENDING_VE_DISABLE') && flagBits[FLEXIBLE_PENDING_VE] !== true)
    return keep('PENDING_VE_DISABLE may be changed only with FLEXIBLE_PENDING_VE in CONFIG_FLAGS');
  if (after.has('REDUCE_VE')) {
    after.add('ENUM_TOPOLOGY');
    after.add('VIRT_CPUID2');
  }
  if (after.has('ENUM_TOPOLOGY') && limits.tdControls.includes('ENUM_TOPOLOGY') && !guest.topologyConfigured)
    return keep('the topology is not configured for every virtual CPU');
  return { set: after, refused: null };
}

const RESERVED_START = 0x40000000;
const RESERVED_END = 0x4fffffff;

/** The CPUID exit of a guest. `controls` and all else come with the TD. */
export function guestCpuid(program: Program, td: TdState, query: Query): Answer {
  const isReserved = query.leaf >= RESERVED_START && query.leaf <= RESERVED_END;
  const leaf = isReserved ? query.leaf : clamped(program, td, query.leaf);
  const { guest } = td;
  if (guest.supervisor ? guest.supervisorVe : guest.userVe) return 've';
  const index = isReserved ? -1 : program.find(leaf, query.subleaf);
  if (index === -1) return absent(program, td, leaf, query.subleaf, isReserved);
  if (program.rows[index]?.faulting === true || leafVe(program, td, index)) return 've';
  return ruled(program, td, leaf, query.subleaf, new Uint32Array(td.values.subarray(index * 4, index * 4 + 4)));
}

/** A leaf beyond the last one of its range is answered as the last base leaf. */
function clamped({ limits }: Program, { processor }: TdState, leaf: number): number {
  const lastExtended = limits.lastExtendedLeaf ?? processor.lastExtended;
  const isBeyond = leaf > lastExtended || (leaf > limits.lastBaseLeaf && leaf < FIRST_EXTENDED);
  return isBeyond ? limits.lastBaseLeaf : leaf;
}

/** The guest asked for #VE on this leaf alone. */
function leafVe(program: Program, { guest }: TdState, index: number): boolean {
  const own = guest.leafVe.filter(({ leaf, subleaf }) => program.find(leaf, subleaf) === index).at(-1);
  return own !== undefined && (guest.supervisor ? own.supervisor : own.user);
}

// biome-ignore lint/complexity/useMaxParams: it runs for each query: no object is made for one.
function ruled(program: Program, td: TdState, leaf: number, subleaf: number, values: Uint32Array): Answer {
  const index = program.find(leaf, subleaf);
  for (const step of program.guestSteps(leaf, subleaf)) {
    if (step.rule.effect.do === 've' && !step.holds(td)) return 've';
    applied(step, td, values, index, null);
  }
  return values;
}

/** A leaf that is in no table: zeros by the rules where the release lists it, zeros where the guest reduced #VE, else #VE. */
// biome-ignore lint/complexity/useMaxParams: it runs for each query: no object is made for one.
function absent(program: Program, td: TdState, leaf: number, subleaf: number, isReserved: boolean): Answer {
  if (isReserved) return 've';
  if (program.fixed0Leaves.has(leaf)) return ruled(program, td, leaf, subleaf, new Uint32Array(4));
  if (!td.controls.has('REDUCE_VE')) return 've';
  const isTopology = leaf === 0xb || leaf === 0x1f;
  return Uint32Array.of(0, 0, isTopology ? subleaf & 0xff : 0, isTopology ? td.guest.x2apicId : 0);
}
