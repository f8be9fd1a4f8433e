import { betweenLevel } from '../judge/levels.ts';
import type { BitName } from '../model/field.ts';
import type { FoundPlace } from '../model/finding.ts';
import { hex, hex32 } from '../model/mask.ts';
import type {
  FindingChange,
  PolicyChanges,
  PolicyMaskChange,
  ReleaseEffect,
  SeriesEffect,
  SeriesOutcome,
  SeriesStep,
  SinceVersion,
  Split,
  VerdictChange,
} from '../model/series-effect.ts';
import { findingJson } from './findings-json.ts';
import { placeJson, policyJson } from './machine.ts';
import { outcomeText } from './series-words.ts';
import { itemOf } from './view.ts';

/** `bitwatch.series/1`. The parts of an outcome that its kind does not have are null. */
export function seriesJson(effect: SeriesEffect, names: readonly BitName[]) {
  const { series, kernel, touched, inputs, outcome, fixups, notes, command } = effect;
  return {
    schema: 'bitwatch.series/1',
    series,
    kernel,
    touched,
    inputs,
    outcome: { kind: outcome.kind, text: outcomeText(effect), ...outcomeJson(outcome, names) },
    fixups,
    notes,
    command,
  };
}

function outcomeJson(outcome: SeriesOutcome, names: readonly BitName[]) {
  const isApplied = outcome.kind === 'applied';
  return {
    reason: outcome.kind === 'incomplete' || outcome.kind === 'unreadable' ? outcome.reason : null,
    base: 'base' in outcome ? outcome.base : null,
    rejection: outcome.kind === 'rejected' ? outcome.rejection : null,
    offsets: isApplied ? outcome.offsets : null,
    before: isApplied && outcome.before !== null ? policyJson(outcome.before, names) : null,
    after: isApplied ? policyJson(outcome.after, names) : null,
    changes: isApplied ? changesJson(outcome.changes) : null,
    steps: isApplied
      ? outcome.steps.map((step) => ({
          ...step,
          changes: step.changes === null ? null : changesJson(step.changes),
          splits: splitsJson(step.splits),
        }))
      : null,
    between: isApplied
      ? outcome.between.map((each) => ({ ...each, level: betweenLevel(each), places: each.places.map(placedJson) }))
      : null,
    since: isApplied ? sinceJson(outcome.since) : null,
    findings: isApplied ? outcome.findings.map((finding) => findingJson(itemOf(finding), 'series')) : null,
    effects: isApplied ? outcome.effects.map(effectJson) : null,
    open: isApplied
      ? outcome.open.map(({ release, findings }) => ({
          release,
          findings: findings.map((finding) => findingJson(itemOf(finding), release)),
        }))
      : null,
  };
}

const effectJson = ({ release, verdicts, gates, closed, opened }: ReleaseEffect) => ({
  release,
  gates: { opened: gates.opened.map(placedJson), shut: gates.shut.map(placedJson) },
  verdicts: verdicts.map(verdictJson),
  closed: closed.map(findingChangeJson),
  opened: opened.map(findingChangeJson),
});

const placedJson = ({ mask, bits, ...place }: FoundPlace) => ({ ...placeJson(place), mask: hex32(mask), bits });

const splitsJson = ({ added, removed }: SeriesStep['splits']) => {
  const all = (splits: readonly Split[]) =>
    splits.map(({ kind, place }) => ({ kind, place: place === null ? null : placedJson(place) }));
  return { added: all(added), removed: all(removed) };
};

function sinceJson(since: SinceVersion | null) {
  if (since === null) return null;
  const { id, version, rfc } = since;
  if (since.kind === 'not-compared')
    return { id, version, rfc, reason: since.reason, isSameStart: null, changes: null, splits: null, effects: null };
  return {
    id,
    version,
    rfc,
    reason: null,
    isSameStart: since.isSameStart,
    changes: changesJson(since.changes),
    splits: splitsJson(since.splits),
    effects: since.effects.map(effectJson),
  };
}

const maskJson = (change: PolicyMaskChange) => ({
  ...placeJson(change),
  mask: hex32(change.mask),
  bits: change.bits,
  path: change.path,
  line: change.line,
});

function changesJson({ deny, allow, adds, known, attributes, ...rest }: PolicyChanges) {
  const both = (list: PolicyChanges['deny']) => ({
    added: list.added.map(maskJson),
    removed: list.removed.map(maskJson),
  });
  return {
    generation: rest.generation,
    deny: both(deny),
    allow: both(allow),
    adds: both(adds),
    known: both(known),
    restores: rest.restores,
    attributes: { added: hex(attributes.added), removed: hex(attributes.removed) },
    xfam: rest.xfam,
    configLimit: rest.configLimit,
  };
}

const verdictJson = (change: VerdictChange) => ({
  ...placeJson(change),
  mask: hex32(change.mask),
  bits: change.bits,
  class: change.class,
  from: change.from,
  to: change.to,
  clobbers: change.clobbers,
});

const findingChangeJson = ({ rule, level, place, mask, bits }: FindingChange) => ({
  rule,
  level,
  ...placeJson(place),
  mask: hex32(mask),
  bits,
});
