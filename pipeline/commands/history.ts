import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { unreadOf } from '../cases/coverage.ts';
import type { Discussion, Discussions } from '../cases/discussions.ts';
import { bitsIn, findBits } from '../cases/find-bits.ts';
import { specsUnder } from '../cases/operand.ts';
import { groundOf } from '../cases/reviews.ts';
import { kvmContext } from '../judge/judge.ts';
import { registerOf } from '../judge/lookup.ts';
import type { KvmContext } from '../judge/rule.ts';
import { verdictOfBit } from '../judge/verdict.ts';
import { bitsText } from '../model/bit-names.ts';
import type { BitSelection } from '../model/bit-text.ts';
import { absentRegister, classOfBit } from '../model/class.ts';
import { deciderOfBit } from '../model/decider.ts';
import { bitMask, FULL, hasBit, or } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import { type Place, samePlace } from '../model/place.ts';
import { holdsAt } from '../model/policy.ts';
import { plain } from '../model/text.ts';
import { deciderWords, kvmPartWords } from '../report/decider-words.ts';
import { jsonText, placeJson } from '../report/machine.ts';
import { registerTable } from '../report/register-table.ts';
import { wrap } from '../report/wrap.ts';
import type { Specs } from '../specs/store.ts';
import { type CommandLine, type Context, collect, KVM_OPTION, type Opts, textOf, textsOf } from './command-line.ts';

/** `bitwatch history BIT`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'history <bit>', 'a bit’s class per release and verdict per KVM version', [
    "bitwatch history '7.1.EAX[19]'",
    'bitwatch history 7.1.EAX',
    'bitwatch history WRMSRNS --archive ../kvm/git/0.git',
  ])
    .option(...KVM_OPTION)
    .option('--archive <path>', 'a mail archive in which the bit may be discussed, several times', collect, [])
    .option('--state <file>', 'where the state of the scan is kept')
    .action((bit: string, opts: Opts, command: Command) =>
      historyCommand(contextOf(command), bit, {
        archives: textsOf(opts.archive),
        state: textOf(opts.state),
        kvm: textOf(opts.kvm),
      }),
    );
}

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
    /** Who decides the bit by the release's code, in words; null where its code was not examined or its table lacks the leaf. */
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

/** What each KVM version does about each release, worked out once for all bits that are told. */
export function judgedOf(specs: Specs): readonly (readonly KvmContext[])[] {
  const ground = groundOf(specs);
  return specs.policies.map((policy) => specs.releases.map((release) => kvmContext(release, policy, ground)));
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
        decider: register.deciders.length === 0 ? null : deciderWords(deciderOfBit(place, register.deciders, bit)),
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

/** Archives in which `bitwatch history` looks for mails on the bit. */
export type HistoryOptions = {
  readonly archives: readonly string[];
  readonly state: string | null;
  readonly kvm: string | null;
};

/** `bitwatch history BIT`. */
async function historyCommand(context: Context, text: string, options: HistoryOptions): Promise<void> {
  const specs = await specsUnder(context, await specsOf(context), options.kvm);
  const selections = findBits(specs, text);
  // A whole register is a table; what each of its bits went through is asked bit by bit.
  if (isWhole(selections) && options.archives.length === 0 && !context.options.json) {
    context.stdout.write(selections.map(({ place }) => tableOf(specs, place)).join('\n'));
    return;
  }
  const judged = judgedOf(specs);
  const stories = selections.flatMap(({ place, mask }) =>
    bitsIn(mask).map((bit) => storyOf(specs, place, bit, judged)),
  );
  const discussions =
    options.archives.length === 0
      ? null
      : await (await import('../cases/discussions.ts')).readDiscussions(
          context,
          options.archives,
          options.state,
          specs.knowledge.names,
        );
  const lines = (story: BitStory): string =>
    discussions === null ? '' : `${discussionLines(discussions.of(story.place, story.bit), discussions).join('\n')}\n`;
  if (context.options.json)
    context.stdout.write(
      jsonText({
        schema: 'bitwatch.history/1',
        bits: stories.map((story) => ({
          ...story,
          place: placeJson(story.place),
          discussed: discussions?.of(story.place, story.bit).map(({ thread: _, ...mail }) => mail) ?? null,
        })),
      }),
    );
  else context.stdout.write(storiesText(stories, lines).join('\n'));
}

const isWhole = (selections: readonly BitSelection[]): boolean => selections.every(({ mask }) => mask === FULL);

const tableOf = (specs: Specs, place: Place): string =>
  registerTable(place, specs.releases, (bit) => namedBits(specs.knowledge.names, place, bitMask(bit))[0]?.name ?? '');

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

/** Runs of releases that agree are one entry, and so are kernels that do the same. */
function bodyLines(story: BitStory): readonly string[] {
  const lines: string[] = [];
  const decided = (entry: BitStory['releases'][number]): string =>
    entry.class === 'absent'
      ? 'absent: no such leaf in the tables'
      : entry.decider === null
        ? `${classText(entry)}; who decides was not examined`
        : `${entry.class} in the table: ${entry.decider}`;
  for (const run of runs(story.releases, decided)) {
    lines.push(...wrap(run.text, `  ${rangeText(run.items.map(({ release }) => release)).padEnd(22)} `));
    const evidence = run.items[0]?.evidence;
    if (evidence != null) lines.push(...wrap(evidence, '      read in '));
  }
  if (story.unread.length > 0) lines.push(...wrap(story.unread.join(', '), '  not read, so not said  '));
  const verdicts = ({ per }: BitStory['verdicts'][number]): readonly string[] =>
    runs(per, ({ verdict, why }) => verdict ?? NO_VERDICT[why ?? 'not-settable']).flatMap((run) =>
      wrap(run.text, `    ${rangeText(run.items.map(({ release }) => release)).padEnd(20)} `),
    );
  const keyOf = (each: BitStory['verdicts'][number]): string =>
    [each.generation, ...verdicts(each), ...each.notes].join('\n');
  for (const { items } of runs(story.verdicts, keyOf)) {
    const [first] = items;
    if (first === undefined) continue;
    lines.push(`  KVM ${rangeText(items.map(({ policy }) => policy))} (${first.generation})`, ...verdicts(first));
    for (const note of first.notes) lines.push(...wrap(note, '    '));
    for (const line of items.flatMap(({ evidence }) => evidence)) lines.push(...wrap(line, '      read in '));
  }
  return lines;
}

const rangeText = (names: readonly string[]): string =>
  names.length === 1 ? `${names[0]}` : `${names[0]} to ${names.at(-1)}`;

/** Neighbours with the same text as one run. */
function runs<T>(
  items: readonly T[],
  textOf: (item: T) => string,
): readonly { readonly text: string; readonly items: readonly T[] }[] {
  const found: { text: string; items: T[] }[] = [];
  for (const item of items) {
    const last = found.at(-1);
    if (last !== undefined && last.text === textOf(item)) last.items.push(item);
    else found.push({ text: textOf(item), items: [item] });
  }
  return found;
}

/** The mails on a bit as text, oldest first. */
function discussionLines(found: readonly Discussion[], { searched, unread }: Discussions): readonly string[] {
  const gap = unread === 0 ? '' : `, ${unread} could not be read`;
  return [
    ...wrap(
      `${found.length === 0 ? 'in no mail' : `in ${found.length} mail${found.length === 1 ? '' : 's'}`} of ${searched} in threads that name TDX${gap}`,
      '  discussed ',
    ),
    ...found.flatMap(({ id, date, author, subject, archives, text }) => [
      ...wrap(plain(`${date ?? 'no date'} ${author}: ${subject}`), '    '),
      `      ${plain(`<${id}>`)}`,
      ...wrap(plain(`as ${text}, in ${archives.join(', ')}`), '      '),
    ]),
  ];
}
