import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import type { Discussion, Discussions } from '../cases/discussions.ts';
import { bitsIn, findBits } from '../cases/find-bits.ts';
import { specsUnder } from '../cases/operand.ts';
import type { BitSelection } from '../model/bit-text.ts';
import { bitMask, FULL } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import type { Place } from '../model/place.ts';
import { plain } from '../model/text.ts';
import { registerTable } from '../report/bits/register-table.ts';
import { type BitStory, judgedOf, storiesText, storyOf } from '../report/bits/story.ts';
import { placeJson } from '../report/machine.ts';
import { wrap } from '../report/wrap.ts';
import type { Specs } from '../specs/store.ts';
import {
  type CommandLine,
  type Context,
  collect,
  KVM_OPTION,
  type Opts,
  printAnswer,
  textOf,
  textsOf,
} from './command-line.ts';

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
  await printAnswer(context, {
    json: () => ({
      schema: 'bitwatch.history/1',
      bits: stories.map((story) => ({
        ...story,
        place: placeJson(story.place),
        discussed: discussions?.of(story.place, story.bit).map(({ thread: _, ...mail }) => mail) ?? null,
      })),
    }),
    // A whole register is a table; what each of its bits went through is asked bit by bit.
    text: () =>
      isWhole(selections) && discussions === null
        ? selections.map(({ place }) => tableOf(specs, place)).join('\n')
        : storiesText(stories, lines).join('\n'),
  });
}

const isWhole = (selections: readonly BitSelection[]): boolean => selections.every(({ mask }) => mask === FULL);

const tableOf = (specs: Specs, place: Place): string =>
  registerTable(place, specs.releases, (bit) => namedBits(specs.knowledge.names, place, bitMask(bit))[0]?.name ?? '');

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
