import type { BitFacts } from '../../cases/page-facts.ts';
import type { ClassedRelease } from '../../model/class.ts';
import { configurableMask } from '../../model/class.ts';
import { ATTRIBUTE_NAMES, FEATURE_NAMES, XFAM_NAMES } from '../../model/control.ts';
import type { Verdict } from '../../model/finding.ts';
import { type GateId, gateId } from '../../model/gate.ts';
import { bitsOf64, countBits, hex } from '../../model/mask.ts';
import { compareVersions } from '../../model/order.ts';
import { formatLeaf, type LeafKey, leafId, type Place } from '../../model/place.ts';
import type { Coverage } from '../../model/review.ts';
import { plain } from '../../model/text.ts';
import { coverageLines, type View } from '../view.ts';
import { gateText } from '../words.ts';
import { discussionsOf } from './discussions.ts';
import { findingsOf, sectionsOf } from './findings.ts';
import { CLASS_LEGEND, VERDICT_LEGEND } from './legend.ts';
import { leavesOf, placesOf, rowsOf } from './rows.ts';
import type { PageControl, PageData, PageHost, PageRelease, PageSource } from './shape.ts';
import { sourceOf, type Table, tableOf, textTable } from './tables.ts';

/** Everything that the page shows, compact. */
export function pageData(view: View, facts: BitFacts): PageData {
  const texts = textTable();
  const gates = tableOf<GateId>((gate) => gate);
  const sources = tableOf<PageSource>(({ text, url }) => `${text} ${url}`);
  const rules = tableOf<string>((rule) => rule);
  const places = placesOf(facts);
  const rows = rowsOf(facts, places, { texts, gates, sources });
  const releases = facts.releases.map((release) => releaseOf(release, places, facts, sources));
  const hosts = facts.hostFeatures.map((feature) => hostOf(feature, gates));
  const findings = findingsOf(view.sections, places, facts.webAddresses, { texts, rules, sources });
  return {
    schema: 'bitwatch.page/1',
    title: view.title,
    first: firstOf(facts),
    base: plain(facts.base),
    classes: CLASS_LEGEND,
    verdicts: VERDICT_LEGEND,
    releases,
    axis: axisOf(facts, view.coverage),
    policies: facts.policies.map(({ policy }) => ({
      name: plain(policy.version),
      generation: policy.generation,
      source: sources.indexOf(sourceOf(facts.webAddresses, policy.source)),
      notes: policy.notes.map(plain),
    })),
    leaves: leavesOf(places).names,
    rows,
    gates: gates.items.map(gateText),
    hosts,
    sources: sources.items,
    sections: sectionsOf(view.sections),
    rules: rules.items,
    texts: texts.items,
    findings,
    counts: countsOf(facts),
    discussions: discussionsOf(facts.discussions, places),
    // What was not read stands in the table of releases.
    coverage: coverageLines({ ...view.coverage, unread: [] }),
  };
}

/** What the reader sees first: what the run was asked for, else the newest release against KVM's base, under the newest KVM. */
function firstOf({ releases, policies, base, first }: BitFacts): PageData['first'] {
  const names = releases.map(({ module }) => module.release);
  const versions = policies.map(({ policy }) => policy.version);
  const pick = (list: readonly string[], name: string | null, otherwise: number): number => {
    const index = name === null ? -1 : list.indexOf(name);
    return index >= 0 ? index : otherwise;
  };
  return {
    from: pick(names, first.from, pick(names, base, names.length - 1)),
    to: pick(names, first.to, names.length - 1),
    kvm: pick(versions, first.kvm, versions.length - 1),
  };
}

function releaseOf(
  release: ClassedRelease,
  places: readonly Place[],
  facts: BitFacts,
  sources: Table<PageSource>,
): PageRelease {
  const { module } = release;
  const lines = new Map(release.registers.map((register) => [leafId(register), register.line ?? 0]));
  const leaves = new Map<string, LeafKey>(places.map((place) => [leafId(place), place]));
  const named = new Map([...FEATURE_NAMES, ...module.featureNames]);
  return {
    name: plain(module.release),
    source: sources.indexOf(sourceOf(facts.webAddresses, module.source)),
    lines: [...leaves.keys()].map((id) => lines.get(id) ?? 0),
    notes: module.notes.map(plain),
    controls: [
      controlOf('ATTRIBUTES that may be set', module.attributes?.fixed0 ?? null, ATTRIBUTE_NAMES),
      controlOf('XFAM that may be set', module.xfam?.fixed0 ?? null, XFAM_NAMES),
      controlOf('TDX_FEATURES0', module.features0, named, module.features0Conditional),
    ],
    zeroLeaves: module.fixed0Leaves.map((leaf) => formatLeaf({ leaf, subleaf: null })),
  };
}

function controlOf(
  name: string,
  mask: bigint | null,
  names: ReadonlyMap<number, string>,
  conditional: readonly number[] = [],
): PageControl {
  const nameOf = (bit: number): string =>
    plain(`${names.get(bit) ?? 'no name'}${conditional.includes(bit) ? ' (depends on the platform)' : ''}`);
  return {
    name,
    mask: mask === null ? null : hex(mask),
    bits: mask === null ? [] : bitsOf64(mask).map((bit) => [bit, nameOf(bit)] as const),
  };
}

function hostOf({ row, msrs }: BitFacts['hostFeatures'][number], gates: Table<GateId>): PageHost {
  return {
    feature: plain(row.feature),
    kind: row.kind,
    why: plain(row.source),
    gates: [
      ...row.attributes.map((bit) => gateId({ kind: 'attributes', bit })),
      ...row.xfam.map((bit) => gateId({ kind: 'xfam', bit })),
    ].map(gates.indexOf),
    msrs: msrs.map(({ msr, exits, restored }) => ({ msr: plain(msr), exits, restored })),
    at: `specs/clobbers.md:${row.line}`,
  };
}

/** All releases in order, also those of which only the name is known. */
function axisOf(facts: BitFacts, { unread }: Coverage): PageData['axis'] {
  const read = facts.releases.map(({ module }, release) => ({ key: module.release, release, reason: '' }));
  const known = new Set(read.map(({ key }) => key));
  const others = unread
    .filter(({ release }) => !known.has(release))
    .map(({ release, reason }) => ({ key: release, release: -1, reason: plain(reason) }));
  return [...read, ...others]
    .sort((a, b) => compareVersions(a.key, b.key))
    .map(({ key, release, reason }) => ({ name: plain(key), release, reason }));
}

function countsOf({ releases, policies }: BitFacts): PageData['counts'] {
  const sum = (masks: readonly number[]): number => masks.reduce((all, mask) => all + countBits(mask), 0);
  const judged = (verdict: Verdict) =>
    policies.map(({ verdicts }) =>
      verdicts.map((each) => sum(each.filter((one) => one.verdict === verdict).map(({ mask }) => mask))),
    );
  return {
    configurable: releases.map(({ registers }) => sum(registers.map(configurableMask))),
    fixed1: releases.map(({ registers }) => sum(registers.map(({ classes }) => classes.get('fixed1') ?? 0))),
    exposed: judged('exposed'),
    denied: judged('denied'),
  };
}
