import { unreadOf } from '../../cases/coverage.ts';
import { groundOf } from '../../cases/reviews.ts';
import { kvmContext } from '../../judge/judge.ts';
import { registerOf } from '../../judge/lookup.ts';
import type { KvmContext } from '../../judge/rule.ts';
import { verdictOfBit } from '../../judge/verdict.ts';
import { beyondTables } from '../../model/beyond-tables.ts';
import { bitsText } from '../../model/bit-names.ts';
import { absentRegister, type ClassedRelease, classOfBit } from '../../model/class.ts';
import { deciderOfBit } from '../../model/decider.ts';
import { bitMask, hasBit, or } from '../../model/mask.ts';
import { namedBits } from '../../model/names.ts';
import { type Place, samePlace } from '../../model/place.ts';
import { holdsAt } from '../../model/policy.ts';
import type { Specs } from '../../specs/store.ts';
import { beyondWords, deciderWords, kvmPartWords } from '../decider-words.ts';
import { wrap } from '../wrap.ts';

/** A bit's whole story: its class per release, its verdict per KVM version, with where each was read. */
export type BitStory = {
  readonly place: Place;
  readonly bit: number;
  readonly name: string | null;
  readonly releases: readonly {
    readonly release: string;
    readonly class: string;
    readonly gates: readonly string[];
    readonly dynamic: boolean;
    /** Who decides the bit by the release's code, in words; null where its code was not examined. */
    readonly decider: string | null;
    readonly evidence: string | null;
  }[];
  readonly verdicts: readonly {
    readonly policy: string;
    readonly generation: string;
    readonly per: readonly {
      readonly release: string;
      readonly verdict: string | null;
      /** Why there is no verdict. */
      readonly why: 'refused' | 'not-settable' | null;
    }[];
    /** What KVM itself does with the bit, beside letting a VMM set it or not. */
    readonly notes: readonly string[];
    readonly evidence: readonly string[];
  }[];
  /** Releases known by name only: a run of releases that agree says nothing about those between them. */
  readonly unread: readonly string[];
};

/**
 * What each KVM version does about each release, worked out once for all bits that are told; `place` where they are of one
 * register.
 */
export function judgedOf(specs: Specs, place: Place | null = null): readonly (readonly KvmContext[])[] {
  const ground = groundOf(specs);
  // Whole releases are the same objects to whoever judges them: what was worked out of them is at hand.
  const releases =
    place === null
      ? specs.releases
      : specs.releases.map(({ module, registers }) => ({
          module,
          registers: registers.filter((register) => samePlace(register, place)),
        }));
  return specs.policies.map((policy) => releases.map((release) => kvmContext(release, policy, ground)));
}

// The facts, the bit, and what was worked out of them.
export function storyOf(specs: Specs, place: Place, bit: number, judged: ReturnType<typeof judgedOf>): BitStory {
  return {
    place,
    bit,
    name: namedBits(specs.knowledge.names, place, (1 << bit) >>> 0)[0]?.name ?? null,
    releases: specs.releases.map((release) => {
      const register = registerOf(release, place) ?? absentRegister(place);
      const { repository, revision, path } = release.module.source;
      return {
        release: release.module.release,
        class: classOfBit(register, bit),
        gates: [...register.gates].filter(([, mask]) => hasBit(mask, bit)).map(([gate]) => gate),
        dynamic: hasBit(register.dynamic, bit),
        decider: decidedBy(release, place, bit),
        evidence: `${repository}@${revision.slice(0, 12)} ${path}${register.line === undefined ? '' : `:${register.line}`}`,
      };
    }),
    verdicts: specs.policies.map((policy, at) => ({
      policy: policy.version,
      generation: policy.generation,
      per: specs.releases.map((release, index) => {
        const context = judged[at]?.[index];
        const verdict = verdictOfBit(context?.verdicts ?? [], place, bit);
        const why = context?.runs.kind === 'no' ? ('refused' as const) : ('not-settable' as const);
        return { release: release.module.release, verdict, why: verdict === null ? why : null };
      }),
      notes: kvmPartWords(
        policy,
        place,
        bit,
        specs.releases.flatMap((release) => registerOf(release, place) ?? []),
      ),
      evidence: [...policy.deny, ...policy.allow, ...policy.adds]
        .filter((entry) => holdsAt(entry, place) && hasBit(entry.mask, bit))
        .map(
          (entry) => `${policy.source.repository}@${policy.source.revision.slice(0, 12)} ${entry.path}:${entry.line}`,
        ),
    })),
    unread: unreadOf(specs).map(({ release }) => release),
  };
}

/** Also of a leaf that the tables lack: the code answers it, or injects #VE. Null where the code was not examined. */
function decidedBy(release: ClassedRelease, place: Place, bit: number): string | null {
  const register = registerOf(release, place);
  if (register !== undefined)
    return register.deciders.length === 0 ? null : deciderWords(deciderOfBit(place, register.deciders, bit));
  const beyond = beyondTables(release, place, bit);
  return beyond === null ? null : beyondWords(beyond);
}

/** Stories as texts: bits of a register whose stories read the same are one, under one line that names them. */
export function storiesText(stories: readonly BitStory[], moreOf: (story: BitStory) => string): readonly string[] {
  const groups: { readonly place: Place; readonly body: string; mask: number; readonly names: Set<string> }[] = [];
  for (const story of stories) {
    const body = `${bodyLines(story).join('\n')}\n${moreOf(story)}`;
    const last = groups.at(-1);
    const group =
      last !== undefined && last.body === body && samePlace(last.place, story.place)
        ? last
        : { place: story.place, body, mask: 0, names: new Set<string>() };
    if (group !== last) groups.push(group);
    group.mask = or(group.mask, bitMask(story.bit));
    group.names.add(story.name ?? '(no name)');
  }
  return groups.map(
    ({ place, body, mask, names }) => `${wrap([...names].join(', '), `${bitsText(place, mask)} `).join('\n')}\n${body}`,
  );
}

const classText = ({ class: of, gates }: BitStory['releases'][number]): string =>
  `${of}${gates.length === 0 ? '' : `, gated by ${gates.join(', ')}`}`;

const NO_VERDICT = { refused: 'none: KVM refuses the release', 'not-settable': 'none: a VMM cannot set it' } as const;

/** Neighbouring releases that say the same of a bit. */
type Run<T> = { readonly text: string; readonly items: readonly T[] };

/** Who decides the bit in one release: what its table says, and what its code makes of that. */
export function decidedText(entry: BitStory['releases'][number]): string {
  if (entry.class === 'absent')
    return `absent: no such leaf in the tables${entry.decider === null ? '' : `; ${entry.decider}`}`;
  return entry.decider === null
    ? `${classText(entry)}; who decides was not examined`
    : `${entry.class} in the table: ${entry.decider}`;
}

/** Who decides the bit, in runs of releases. */
export const decidedRuns = (story: BitStory): readonly Run<BitStory['releases'][number]>[] =>
  runs(story.releases, decidedText);

/** What a KVM version does about the bit, in runs of releases. */
export const verdictRuns = ({ per }: BitStory['verdicts'][number]) =>
  runs(per, ({ verdict, why }) => verdict ?? NO_VERDICT[why ?? 'not-settable']);

/** Neighbouring KVM versions that do the same, in all that they do about the bit. */
export const kernelRuns = (story: BitStory): readonly Run<BitStory['verdicts'][number]>[] =>
  runs(story.verdicts, (each) =>
    JSON.stringify([each.generation, each.notes, verdictRuns(each).map(({ text, items }) => [text, items.length])]),
  );

/** Runs of releases that agree are one entry, and so are kernels that do the same. */
function bodyLines(story: BitStory): readonly string[] {
  const lines: string[] = [];
  for (const run of decidedRuns(story)) {
    lines.push(...wrap(run.text, `  ${rangeText(run.items.map(({ release }) => release)).padEnd(22)} `));
    const evidence = run.items[0]?.evidence;
    if (evidence != null) lines.push(...wrap(evidence, '      read in '));
  }
  if (story.unread.length > 0) lines.push(...wrap(story.unread.join(', '), '  not read, so not said  '));
  for (const { items } of kernelRuns(story)) {
    const [first] = items;
    if (first === undefined) continue;
    lines.push(`  KVM ${rangeText(items.map(({ policy }) => policy))} (${first.generation})`);
    for (const run of verdictRuns(first))
      lines.push(...wrap(run.text, `    ${rangeText(run.items.map(({ release }) => release)).padEnd(20)} `));
    for (const note of first.notes) lines.push(...wrap(note, '    '));
    for (const line of items.flatMap(({ evidence }) => evidence)) lines.push(...wrap(line, '      read in '));
  }
  return lines;
}

/** `1.0.00 to 2.0.18`, or the one that there is. */
export const rangeText = (names: readonly string[]): string =>
  names.length === 1 ? `${names[0]}` : `${names[0]} to ${names.at(-1)}`;

/** Neighbours with the same text as one run. */
function runs<T>(items: readonly T[], textOf: (item: T) => string): readonly Run<T>[] {
  const found: { text: string; items: T[] }[] = [];
  for (const item of items) {
    const last = found.at(-1);
    if (last !== undefined && last.text === textOf(item)) last.items.push(item);
    else found.push({ text: textOf(item), items: [item] });
  }
  return found;
}
