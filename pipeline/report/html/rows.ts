import type { BitFacts } from '../../cases/page-facts.ts';
import type { RegisterClasses } from '../../model/class.ts';
import { CELL_CLASSES } from '../../model/class.ts';
import { VERDICTS } from '../../model/finding.ts';
import type { GateId } from '../../model/gate.ts';
import { and, FULL, or } from '../../model/mask.ts';
import { namedBits } from '../../model/names.ts';
import { comparePlaces, formatLeaf, formatPlace, leafId, type Place, placeId, samePlace } from '../../model/place.ts';
import type { Policy, PolicyMask } from '../../model/policy.ts';
import type { PageRow, PageSource, PageState, Parts } from './shape.ts';
import { sourceOf, type Table, tableOf } from './tables.ts';

/** Tables that rows share with the rest of the page. */
export type SharedTables = {
  readonly texts: Table<string>;
  readonly gates: Table<GateId>;
  readonly sources: Table<PageSource>;
};

/** Every register that any release has, in the order of places. */
export function placesOf(facts: BitFacts): readonly Place[] {
  const all = new Map(facts.releases.flatMap(({ registers }) => registers.map((each) => [placeId(each), each])));
  return [...all.values()].sort(comparePlaces);
}

/** The leaves of those registers, each once, with a row's index in them. */
export function leavesOf(places: readonly Place[]): { readonly names: readonly string[]; readonly ids: Table<string> } {
  const ids = tableOf<string>((id) => id);
  for (const place of places) ids.indexOf(leafId(place));
  const names = new Map(places.map((place) => [leafId(place), formatLeaf(place)]));
  return { names: ids.items.map((id) => names.get(id) ?? ''), ids };
}

export function rowsOf(facts: BitFacts, places: readonly Place[], shared: SharedTables): readonly PageRow[] {
  const { ids } = leavesOf(places);
  const releases = facts.releases.map(({ registers }) => new Map(registers.map((each) => [placeId(each), each])));
  const verdicts = facts.policies.map((judged) => judged.verdicts.map(verdictIndex));
  return places.map((place) => {
    const id = placeId(place);
    const states = tableOf<PageState>(stateKey);
    const judged = tableOf<Parts>(String);
    const per = releases.map((registers) => {
      const register = registers.get(id);
      return register === undefined ? -1 : states.indexOf(stateOf(register, shared.gates));
    });
    const perPolicy = verdicts.map((each) =>
      each.map((byPlace) => {
        const parts = byPlace.get(id);
        return parts === undefined ? -1 : judged.indexOf(parts);
      }),
    );
    return {
      leaf: ids.indexOf(leafId(place)),
      place: formatPlace(place),
      names: nameRuns(facts, place, shared.texts),
      states: states.items,
      per,
      verdictStates: judged.items,
      verdicts: perPolicy,
      hosts: hostParts(facts, place),
      listed: facts.policies.map(({ policy }) => listedOf(facts, policy, place, shared.sources)),
    };
  });
}

function stateOf(register: RegisterClasses, gates: Table<GateId>): PageState {
  return {
    classes: CELL_CLASSES.flatMap((name, index) => {
      const mask = register.classes.get(name);
      return mask === undefined ? [] : [[index, mask] as const];
    }),
    gates: [...register.gates].map(([gate, mask]) => [gates.indexOf(gate), mask] as const),
    verified: or(register.verified.fixed1, register.verified.fixed0),
    dynamic: register.dynamic,
  };
}

/** Equal exactly for equal states; made often, so it is cheap. */
const stateKey = ({ classes, gates, verified, dynamic }: PageState): string =>
  `${classes}|${gates}|${verified}|${dynamic}`;

/** One release's verdicts by place: each verdict's mask once, whatever the class. */
function verdictIndex(verdicts: BitFacts['policies'][number]['verdicts'][number]): ReadonlyMap<string, Parts> {
  const byPlace = new Map<string, Map<number, number>>();
  for (const each of verdicts) {
    const id = placeId(each);
    const masks = byPlace.get(id) ?? new Map<number, number>();
    const index = VERDICTS.indexOf(each.verdict);
    masks.set(index, or(masks.get(index) ?? 0, each.mask));
    byPlace.set(id, masks);
  }
  return new Map([...byPlace].map(([id, masks]) => [id, [...masks].sort(([a], [b]) => a - b)]));
}

/** Names of single bits and fields as runs of neighbours with one name. */
function nameRuns(facts: BitFacts, place: Place, texts: Table<string>): PageRow['names'] {
  const runs: [number, number, number][] = [];
  for (const { bit, name } of namedBits(facts.knowledge.names, place, FULL)) {
    if (name === null) continue;
    const text = texts.indexOf(name);
    const last = runs.at(-1);
    if (last !== undefined && last[0] === bit - 1 && last[2] === text) last[0] = bit;
    else runs.push([bit, bit, text]);
  }
  return runs;
}

function hostParts(facts: BitFacts, place: Place): Parts {
  return facts.hostFeatures.flatMap(({ row }, index) => {
    const mask = row.bits.filter((bit) => samePlace(bit, place)).reduce((all, bit) => or(all, and(bit.mask, FULL)), 0);
    return mask === 0 ? [] : [[index, mask] as const];
  });
}

/** Where a KVM version's lists name bits of the register. */
function listedOf(
  facts: BitFacts,
  policy: Policy,
  place: Place,
  sources: Table<PageSource>,
): PageRow['listed'][number] {
  const at = (entry: PolicyMask) =>
    [sources.indexOf(sourceOf(facts.webAddresses, { ...policy.source, path: entry.path })), entry.line] as const;
  return (['deny', 'allow', 'adds'] as const).flatMap((list) =>
    policy[list].filter((entry) => samePlace(entry, place)).map((entry) => ({ mask: entry.mask, list, at: at(entry) })),
  );
}
