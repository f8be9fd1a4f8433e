import type { Lineage } from '../model/lineage.ts';
import { hex } from '../model/mask.ts';
import type { DisputedFeatures } from '../model/module.ts';
import type { HostChange, HostState, Refusal, ReleaseReview, Review, Runs, VerdictCount } from '../model/review.ts';
import type { Evidence } from '../model/source.ts';
import { placesText } from './places.ts';

/** `tdx.c:1014`: where a reader looks; the repository stands with the release or kernel. */
const shortPlace = ({ path, line }: Evidence): string => `${path.split('/').at(-1)}:${line}`;

/** Short places; of files of one name, as `vmx/tdx.c` and `tdx/tdx.c` of a kernel, with the folder. */
function shortPlaces(evidence: readonly Evidence[]): string {
  const ends = (path: string, parts: number): string => path.split('/').slice(-parts).join('/');
  const isAlone = ({ path }: Evidence): boolean =>
    evidence.every((other) => other.path === path || ends(other.path, 1) !== ends(path, 1));
  return evidence.map((each) => (isAlone(each) ? shortPlace(each) : `${ends(each.path, 2)}:${each.line}`)).join(', ');
}

function refusalText(refusal: Refusal): string {
  switch (refusal.kind) {
    case 'features0':
      return `KVM needs ${refusal.bits.map(({ bit, name }) => name ?? `bit ${bit}`).join(' and ')} of TDX_FEATURES0`;
    case 'attributes':
    case 'xfam':
      return `the module asks for ${refusal.bits.map(({ bit, name }) => name ?? `bit ${bit}`).join(', ')} in ${refusal.kind === 'xfam' ? 'XFAM' : 'ATTRIBUTES'}, which KVM does not support`;
    case 'config-slots':
      return `${refusal.used} CPUID_CONFIG slots, of ${refusal.limit} that KVM takes`;
  }
}

/** Each bit of TDX_FEATURES0 that is missing is a refusal of its own: they are told together. */
function refusalsText(refusals: readonly Refusal[]): string {
  const bits = refusals.flatMap((refusal) => (refusal.kind === 'features0' ? refusal.bits : []));
  const others = refusals.filter(({ kind }) => kind !== 'features0');
  const joined: readonly Refusal[] = bits.length === 0 ? others : [{ kind: 'features0', bits }, ...others];
  return joined.map(refusalText).join('; ');
}

/** A KVM as titles name it: `KVM 7.1.5 (../linux@HEAD)`. */
export const kvmTitle = ({ name, operand }: { readonly name: string; readonly operand?: string | undefined }): string =>
  `KVM ${name}${operand === undefined ? '' : ` (${operand})`}`;

/** `TDX module 2.0.18 on KVM 7.1.5, coming from 2.0.16`. */
export const releaseTitle = (review: ReleaseReview): string =>
  `TDX module ${review.to.name}${review.policy === null ? '' : ` on ${kvmTitle(review.policy)}`}, ${againstText(review)}`;

/** What a release is held against; the oldest that was read stands alone. */
function againstText({ from, to, isOldest }: ReleaseReview): string {
  if (from.name !== to.name) return `coming from ${from.name}`;
  return isOldest ? 'the oldest release that was read: there is nothing to compare it with' : 'compared with itself';
}

/** Whether KVM runs the release. */
export function runsText(runs: Runs): string {
  switch (runs.kind) {
    case 'yes':
      return `yes; ${runs.slots}${runs.limit === null ? '' : ` of ${runs.limit}`} CPUID_CONFIG slots`;
    case 'no': {
      const at = shortPlaces(runs.evidence);
      return `no: ${refusalsText(runs.refusals)}${at === '' ? '' : ` (${at})`}`;
    }
    case 'unknown':
      return `not known: ${runs.missing.join(', ')} not read`;
  }
}

const CARE_TEXT = {
  restores: 'KVM restores',
  closes: 'no TD gets at under KVM',
  nothing: 'KVM neither restores nor keeps TDs from',
} as const;

/** MSRs with what KVM does about them, those that it leaves alone first; of those that no TD gets at, at most `most` names. */
function changesText(changes: readonly HostChange[], most: number): string {
  const parts = (['nothing', 'restores', 'closes', null] as const).flatMap((kvm) => {
    const own = changes.filter((change) => change.kvm === kvm);
    const names = [
      ...new Set(own.map(({ msr, restoredAt }) => (restoredAt === null ? msr : `${msr} (${shortPlace(restoredAt)})`))),
    ];
    if (names.length === 0) return [];
    const isCounted = kvm === 'closes' && names.length > most;
    const what = isCounted ? `${names.length} MSRs` : names.join(', ');
    const ranges = isCounted && own.some(({ isRange }) => isRange) ? ' (a range counts as one)' : '';
    return [kvm === null ? what : `${what}, which ${CARE_TEXT[kvm]}${ranges}`];
  });
  return parts.join('; ');
}

const HOW_TEXT = { derived: 'derived from its code', read: 'read', inferred: 'read, in part inferred' } as const;

/** What is left of the host's state, in one sentence; where more than `most` MSRs are out of reach, their number. */
export function hostStateText(state: HostState, from: string, to: string, most: number): string {
  if (state.kind !== 'not-examined' && from === to)
    return `examined at ${to} (${HOW_TEXT[state.how]}): nothing to compare it with`;
  if (state.kind === 'not-examined') return `not examined for ${state.releases.join(' and ')}`;
  // An MSR that is left under another condition than before stands in both lists.
  const before = new Set(state.better.map(({ msr }) => msr));
  const now = new Set(state.worse.map(({ msr }) => msr));
  const otherwise = [...state.otherwise, ...state.worse.filter(({ msr }) => before.has(msr))];
  const worse = state.worse.filter(({ msr }) => !before.has(msr));
  const better = state.better.filter(({ msr }) => !now.has(msr)).map(plainChange);
  const told = [
    ...(worse.length === 0 ? [] : [`newly left changed: ${changesText(worse, most)}`]),
    ...(otherwise.length === 0 ? [] : [`left with another value: ${changesText(otherwise, most)}`]),
    ...(better.length === 0 ? [] : [`no longer left changed: ${changesText(better, most)}`]),
  ];
  const standing = [...new Set(state.standing.map(({ msr }) => msr))];
  const still =
    standing.length === 0 ? '' : `; left changed as before, and KVM does not restore it: ${standing.join(', ')}`;
  return `examined at ${to} (${HOW_TEXT[state.how]}): ${told.length === 0 ? `no MSR newly left changed since ${from}` : `against ${from} ${told.join('; ')}`}${still}`;
}

/** Of what is no longer left changed it does not matter what KVM does. */
const plainChange = ({ msr, isRange, isInPart }: HostChange): HostChange => ({
  msr: isInPart === true ? `${msr} (but for some TDs)` : msr,
  isRange,
  kvm: null,
  restoredAt: null,
});

/** `1 exposed, 5 passed`, of features; bits of fields apart. */
function countText(verdicts: readonly VerdictCount[]): string {
  const features = verdicts.flatMap(({ verdict, features: count }) => (count === 0 ? [] : [`${count} ${verdict}`]));
  const fields = verdicts.reduce((sum, { fieldBits }) => sum + fieldBits, 0);
  return `${features.join(', ') || 'none'}${fields === 0 ? '' : `; beside them ${fields} bits of numbers`}`;
}

/** `TDX_FEATURES0 of 2.0.08: 0x… by its source, which is told here, and 0x… by mapping_file.json`. */
export const disputedText = ({ release, source, published }: DisputedFeatures): string =>
  `TDX_FEATURES0 of ${release}: ${hex(source)} by its source, which is told here, and ${hex(published)} by mapping_file.json`;

/** Why a release is compared with the other, what lies between, and what else it can be compared with. */
function lineageLines(from: string, to: string, lineage: Lineage | null): readonly string[] {
  if (lineage === null) return [];
  const between = lineage.between.join(', ');
  return [
    lineage.why === null
      ? `${to} is compared with ${from}, the release before it that was read; whose code it has was not examined`
      : `${to} is compared with ${from}: ${lineage.why}`,
    ...(between === ''
      ? []
      : [`between them, known by name only: ${between}; what changed may have come with one of them`]),
    ...(lineage.before === null
      ? []
      : [`on its own line ${lineage.before} comes before ${to}: \`bitwatch review ${to} --from ${lineage.before}\``]),
  ];
}

/** What a review says beside its findings. */
export function statusLines(review: Review): readonly string[] {
  if (review.kind !== 'release') return [];
  const { from, to, kvm, hostState, diff, lineage, disputed } = review;
  return [
    ...(kvm === null ? [] : [`Runs: ${runsText(kvm.runs)}`]),
    `Host state: ${hostStateText(hostState, from.name, to.name, Number.POSITIVE_INFINITY)}`,
    ...(kvm === null || kvm.runs.kind === 'no' ? [] : [`Features that a VMM may set: ${countText(kvm.verdicts)}`]),
    ...(kvm === null || kvm.standing.length === 0
      ? []
      : [`Exposed in ${from.name} already: ${placesText(kvm.standing)}`]),
    ...disputed.map((each) => `Sources disagree: ${disputedText(each)}`),
    ...lineageLines(from.name, to.name, lineage),
    ...diff.coverage.unknown,
  ];
}
