import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Command } from 'commander';
import { type Document, isSeq, parseDocument } from 'yaml';
import { specsDirectory, specsOf } from '../cases/context.ts';
import { decisionOf, decisionsOf, idleDecisions } from '../cases/decisions.ts';
import { findBits } from '../cases/find-bits.ts';
import { releaseName } from '../cases/named.ts';
import { withSpecsLock } from '../cases/specs-lock.ts';
import { everyReview } from '../cases/whole-report.ts';
import { readInputText } from '../disk/read.ts';
import { writeFileAtomically } from '../disk/write.ts';
import { RULE_IDS } from '../judge/catalogue.ts';
import { selectorText } from '../judge/decisions.ts';
import { bitsText } from '../model/bit-names.ts';
import { UsageError } from '../model/errors.ts';
import type { Review } from '../model/review.ts';
import { plain } from '../model/text.ts';
import { readPlainDecisions } from '../specs/lists-file.ts';
import { isDay } from '../specs/lists-shape.ts';
import { NO_CACHE } from '../specs/plain.ts';
import type { Specs } from '../specs/store.ts';
import { type CommandLine, type Context, type Opts, printAnswer, textOf } from './command-line.ts';

/** `bitwatch decide WHAT`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'decide [what]', 'records what people decided on a bit, a feature, a rule or a finding', [
    "bitwatch decide '7.1.EAX[3]' --kvm '>=6.16' --because 'no guest asks for it' --by 'A. Name' --until 2027-06-30",
    'bitwatch decide exposed-unreviewed --release 2.0.08 --because "…" --by "A. Name"',
    'bitwatch decide --prune',
  ])
    .option('--because <text>', 'the reason')
    .option('--by <name>', 'who decides (also GIT_AUTHOR_NAME)')
    .option('--kvm <range>', 'only under these kernels: 6.16.1, or >=6.16,<7.0')
    .option('--release <range>', 'only for these releases; the next ones too where none is named')
    .option('--until <day>', 'the last day on which it holds')
    .option('--prune', 'removes decisions that match nothing or have expired')
    .action((what: string | undefined, opts: Opts, command: Command) => {
      const context = contextOf(command);
      // Of two runs at once none is lost.
      return withSpecsLock(context, 'decide', () =>
        opts.prune === true ? prune(context) : decide(context, what, opts),
      );
    });
}

type Entry = Specs['decisions'][number];

const HEADER =
  'What people decided, each with bits, a rule or a finding, the releases and kernels that it holds for, reason and person. What is decided stays in the report.';

async function decide(context: Context, what: string | undefined, opts: Opts): Promise<void> {
  const because = textOf(opts.because);
  const by = textOf(opts.by) ?? context.env.GIT_AUTHOR_NAME ?? null;
  if (what === undefined || because === null || by === null || by === '')
    throw new UsageError('decide needs WHAT (a bit, feature, rule or finding), --because TEXT and --by NAME');
  const specs = await specsOf(context);
  const until = textOf(opts.until);
  if (until !== null && !isDay(until))
    throw new UsageError(`--until ${JSON.stringify(until)}: expected a day such as 2027-06-30`);
  const entries = selectorsOf(specs, what, opts).map((selector): object => ({
    ...selector,
    because,
    by,
    ...given('until', until),
  }));
  const [file, text] = decisionsFile(context);
  const document = parseDocument(text);
  // What stands there word for word is not written twice.
  const fresh = entries.filter((entry) => !specs.decisions.some((old) => isDeepStrictEqual(old, entry)));
  for (const entry of fresh) document.addIn(['decisions'], document.createNode(entry));
  const after = textIn(document);
  // What would be written is read back as the next run reads it.
  const all = await readPlainDecisions(file, after, NO_CACHE);
  const named = all.filter((each) => entries.some((entry) => isDeepStrictEqual(each, entry)));
  const reviews = everyReview(specs);
  for (const entry of named) checkMatches(entry, reviews, context.today());
  if (fresh.length > 0) writeFileAtomically(file, after);
  const decided = [...new Set(named.map((entry) => selectorText(decisionOf(entry).selector)))];
  await printAnswer(context, {
    json: () => ({ schema: SCHEMA, decided, removed: [] }),
    text: () => decided.map((text) => `decided ${plain(text)} in ${plain(file)}\n`).join(''),
  });
}

/** What a run has added to specs/, and what it has taken away, each as its selector reads. */
const SCHEMA = 'bitwatch.decided/1';

const given = (name: string, value: string | null): object => (value === null ? {} : { [name]: value });

/** What the entries name; a feature that is of two registers is two. */
function selectorsOf(specs: Specs, what: string, opts: Opts): readonly object[] {
  const range = { ...given('releases', rangeOf(textOf(opts.release))), ...given('kernels', textOf(opts.kvm)) };
  if (/^[0-9a-f]{16}$/.test(what)) {
    if (Object.keys(range).length > 0)
      throw new UsageError('a finding is of one release and kernel: --kvm and --release go with bits and rules');
    return [{ finding: what }];
  }
  if ((RULE_IDS as readonly string[]).includes(what)) return [{ rule: what, ...range }];
  const beside = { kinds: ['rule', 'finding'], names: RULE_IDS };
  return findBits(specs, what, beside).map(({ place, mask }) => ({ bits: bitsText(place, mask), ...range }));
}

const rangeOf = (text: string | null): string | null =>
  text !== null && /^[vt]/i.test(text) ? releaseName(text) : text;

/** An entry that decides nothing is a mistake of whoever writes it. */
function checkMatches(entry: Entry, reviews: readonly Review[], today: string): void {
  const decision = decisionOf(entry);
  const [problem] = idleDecisions(reviews, [decision], today);
  if (problem === undefined) return;
  throw new UsageError(
    problem.problem === 'expired'
      ? `--until ${JSON.stringify(entry.until)} is over`
      : `no finding is about ${selectorText(decision.selector)}; \`bitwatch report --json\` lists them`,
  );
}

/** Removes entries that match nothing or have expired, from both files. */
async function prune(context: Context): Promise<void> {
  const specs = await specsOf(context);
  const idle = idleDecisions(everyReview(specs), decisionsOf(specs), context.today());
  const useless = new Set(idle.map(({ selector }) => selector));
  const selectors = decisionsOf(specs).map(({ selector }) => selectorText(selector));
  const isUseless = selectors.map((selector) => useless.has(selector));
  const cut = (name: string, key: string, start: number): void => {
    const file = join(specsDirectory(context), name);
    if (!existsSync(file)) return;
    const document = parseDocument(readInputText(file));
    const list = document.get(key);
    if (!isSeq(list)) return;
    const kept = list.items.filter((_, index) => isUseless[start + index] !== true);
    if (kept.length === list.items.length) return;
    list.items = kept;
    writeFileAtomically(file, textIn(document));
  };
  cut('decisions.yaml', 'decisions', 0);
  cut('waivers.yaml', 'waivers', specs.decisions.length);
  const removed = selectors.filter((selector) => useless.has(selector));
  await printAnswer(context, {
    json: () => ({ schema: SCHEMA, decided: [], removed }),
    text: () => `removed ${removed.length} of ${selectors.length} decisions\n`,
  });
}

/** The file and its text; what it begins with where it is not there yet. */
function decisionsFile(context: Context): readonly [file: string, text: string] {
  const file = join(specsDirectory(context), 'decisions.yaml');
  return [file, existsSync(file) ? readInputText(file) : `# ${HEADER}\ndecisions: []\n`];
}

/** People's comments stay; a list that had no entry is written as the others. */
function textIn(document: Document): string {
  for (const key of ['decisions', 'waivers']) {
    const list = document.get(key);
    if (isSeq(list)) list.flow = list.items.length === 0;
  }
  return document.toString({ lineWidth: 0 });
}
