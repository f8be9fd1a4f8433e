import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, matchesGlob } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { copyOf, filesUnder, roomOf, type SourceFile, sourcesOf } from './checkout.ts';
import { cover } from './cover.ts';
import { Engine } from './engine.ts';
import { type Explained, explainedOf, joined } from './explained.ts';
import { hunt, type Outcome } from './hunt.ts';
import { instrument, type Mutant } from './mutate.ts';
import { runNamed } from './named.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number');
  return value;
};
type Options = {
  readonly sample?: number;
  readonly seed: number;
  readonly files: readonly string[];
  readonly tests: readonly string[];
  readonly since?: string;
  readonly again?: string;
  readonly budget: number;
  readonly quick?: boolean;
  readonly atLeast: number;
  readonly explained?: boolean;
  readonly doubt?: boolean;
  readonly named?: boolean | readonly string[];
  readonly out?: string;
};

const command = new Command('mutants')
  .description(
    'Changes one operator, condition, constant, call or return at a time in pipeline/{model,diff,judge,cases}, in a copy, and tells which changes no test notices.',
  )
  .option('--sample <n>', 'so many mutants, drawn by the seed', whole)
  .option('--seed <n>', 'the same seed, the same mutants', whole, 1)
  .option('--files <glob...>', 'only in these files', ['pipeline/**'])
  .option('--tests <glob...>', 'only with these tests', ['test/**'])
  .option('--since <ref>', 'only on lines that changed since a revision')
  .option('--again <file>', 'only those that survived in the file that --out wrote')
  .option('--budget <ms>', 'how much time of tests one mutant is worth', whole, 8000)
  .option(
    '--quick',
    'leave out mutants that take effect before a test starts, such as those of tables; they are counted apart',
  )
  .option('--at-least <percent>', 'the score below which the status is 100', whole, 85)
  .option('--explained', 'the status is 100 where a survivor has no reason in equivalent.yaml too')
  .option('--doubt', 'try the mutants that equivalent.yaml calls equal too; the status is 65 where a test tells one')
  .option('--named [name...]', 'the mutants of named.yaml instead, each with the tests that kill it')
  .option('--out <file>', 'write every mutant and what became of it, as JSON');

const print = (line: string): void => console.log(line);
const tell = (line: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line.slice(0, 150)}`);
};

/** Lines of each file that changed since a revision of the checkout, the work tree included. */
function changedSince(ref: string): (mutant: Mutant) => boolean {
  const text = execFileSync(
    'git',
    ['diff', '--unified=0', '--no-color', '--no-ext-diff', '--end-of-options', ref, '--', 'pipeline'],
    { cwd: ROOT, encoding: 'utf8' },
  );
  const lines = new Set<string>();
  let file = '';
  for (const line of text.split('\n')) {
    file = /^\+\+\+ b\/(.*)$/.exec(line)?.[1] ?? file;
    const [, start, count] = /^@@ \S+ \+(\d+)(?:,(\d+))? @@/.exec(line) ?? [];
    if (start !== undefined)
      for (let at = 0; at < Number(count ?? 1); at += 1) lines.add(`${file}:${Number(start) + at}`);
  }
  return (mutant) => lines.has(`${mutant.file}:${mutant.line}`);
}

/** Draws without putting back; a linear congruence is enough to choose lines by. */
function drawn<T>(all: readonly T[], count: number, seed: number): readonly T[] {
  const [rest, out] = [[...all], [] as T[]];
  let state = BigInt(seed);
  while (out.length < count && rest.length > 0) {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    out.push(...rest.splice(Number(state >> 33n) % rest.length, 1));
  }
  return out;
}

const outcomeSchema = z.array(
  z.looseObject({ file: z.string(), text: z.string(), change: z.string(), outcome: z.string() }),
);

function chosen(sources: readonly SourceFile[], options: Options): readonly Mutant[] {
  let all = sources
    .flatMap(({ mutants }) => mutants)
    .filter(({ file }) => options.files.some((glob) => matchesGlob(file, glob)));
  if (options.since !== undefined) all = all.filter(changedSince(options.since));
  if (options.again !== undefined) {
    const before = outcomeSchema
      .parse(JSON.parse(readFileSync(options.again, 'utf8')))
      .filter(({ outcome }) => ['survived', 'unmet'].includes(outcome));
    const keys = new Set(before.map(({ file, text, change }) => `${file} ${text} ${change}`));
    all = all.filter(({ file, text, change }) => keys.has(`${file} ${text} ${change}`));
  }
  const some = options.sample === undefined ? all : drawn(all, options.sample, options.seed);
  return [...some].sort((a, b) => a.id - b.id);
}

type Count = { dead: number; late: number; alive: number; named: number; untried: number; same: number };
type Told = { readonly score: number; readonly isExplained: boolean; readonly isRight: boolean };

/** Prints the survivors, those with a reason apart, and the score of each room; what comes of it for all. */
function report(
  mutants: readonly Mutant[],
  outcomes: ReadonlyMap<number, Outcome>,
  entry: (mutant: Mutant) => Explained | undefined,
): Told {
  const counts = new Map<string, Count>();
  const [open, accepted, wrong]: [string[], string[], string[]] = [[], [], []];
  for (const mutant of mutants) {
    const outcome = outcomes.get(mutant.id);
    const why = entry(mutant);
    const isDead = outcome?.kind === 'killed' || outcome?.kind === 'timeout';
    const isAlive = outcome?.kind === 'survived' || outcome?.kind === 'unmet';
    if (why !== undefined && isDead)
      wrong.push(`${why.kind} by equivalent.yaml, but ${outcome.kind} by ${outcome.by}: ${linesOf(mutant, '')}`);
    else if (isAlive && why === undefined) open.push(linesOf(mutant, howOf(outcome)));
    else if (isAlive && why?.kind === 'accepted') accepted.push(linesOf(mutant, why.reason));
    for (const room of [roomOf(mutant.file), 'all']) {
      const count = counts.get(room) ?? { dead: 0, late: 0, alive: 0, named: 0, untried: 0, same: 0 };
      counts.set(room, count);
      if (why?.kind === 'equal' && !isDead) count.same += 1;
      else if (outcome?.kind === 'killed') count.dead += 1;
      else if (outcome?.kind === 'timeout') count.late += 1;
      else if (outcome?.kind === 'untried') count.untried += 1;
      else count.alive += 1;
      if (isAlive && why?.kind === 'accepted') count.named += 1;
    }
  }
  if (accepted.length > 0) print(`survivors that are accepted, each with its reason:\n${accepted.join('\n')}`);
  if (open.length > 0) print(`survivors that nobody has named a reason for:\n${open.join('\n')}`);
  for (const line of wrong) print(line);
  print('room     killed  timeout  survived  of them accepted  equal  untried  score');
  const rooms = [...counts].sort(([a], [b]) => Number(a === 'all') - Number(b === 'all'));
  for (const [room, count] of rooms)
    print(
      [
        room.padEnd(6),
        `${count.dead}`.padStart(8),
        `${count.late}`.padStart(8),
        `${count.alive}`.padStart(9),
        `${count.named}`.padStart(17),
        `${count.same}`.padStart(6),
        `${count.untried}`.padStart(8),
        `${scoreOf(count).toFixed(1)} %`.padStart(8),
      ].join(' '),
    );
  const all = counts.get('all');
  return {
    score: all === undefined ? 100 : scoreOf(all),
    isExplained: open.length === 0,
    isRight: wrong.length === 0,
  };
}

const scoreOf = ({ dead, late, alive }: Count): number =>
  dead + late + alive === 0 ? 100 : (100 * (dead + late)) / (dead + late + alive);

const linesOf = ({ file, line, column, change, text }: Mutant, note: string): string =>
  `${file}:${line}:${column}  ${change}${note === '' ? '' : `  (${note})`}\n    ${text}`;

const howOf = ({ kind, left }: Extract<Outcome, { left: number }>): string =>
  kind === 'unmet' ? 'no test meets it' : left > 0 ? `${left} dear tests not tried` : '';

async function main(options: Options): Promise<number> {
  const root = copyOf(ROOT);
  const state = mkdtempSync(join(tmpdir(), 'bitwatch-mutants-'));
  process.chdir(root);
  try {
    if (options.named !== undefined)
      return (await runNamed(root, state, options.named === true ? [] : options.named || [], print)) ? 0 : 100;
    const sources = sourcesOf(root);
    const entries = explainedOf(root);
    const every = sources.flatMap(({ mutants }) => mutants);
    const { byId, idle } = joined(entries, every);
    const entry = (mutant: Mutant): Explained | undefined => byId.get(mutant.id);
    for (const { file, text, change } of idle)
      print(`equivalent.yaml names what is not there: ${file}: ${change}: ${text}`);
    const mutants = chosen(sources, options);
    print(`${mutants.length} of ${every.length} mutants, seed ${options.seed}`);
    const tests = filesUnder(root, 'test').filter(
      (file) => file.endsWith('.test.ts') && options.tests.some((glob) => matchesGlob(file, glob)),
    );
    const covered = await cover({
      root,
      state,
      keep: join(ROOT, 'node_modules/.cache/bitwatch-mutants'),
      sources,
      tests,
      tell,
    });
    for (const { file, tests: all } of covered) {
      const failing = all.filter(({ passed }) => !passed).length;
      if (failing > 0) print(`not used: ${failing} tests of ${file} fail without any mutant here`);
    }
    const ids = new Set(mutants.map(({ id }) => id));
    const texts = new Map(
      sources.map((file) => [file.path, instrument(file.source, file.points, (id) => ids.has(id))]),
    );
    const engine = await Engine.open(root, state, texts);
    const outcomes = await hunt({
      engine,
      covered,
      mutants: mutants.filter((mutant) => options.doubt === true || entry(mutant)?.kind !== 'equal'),
      fileOf: new Map(every.map(({ id, file }) => [id, file])),
      budget: options.budget,
      isQuick: options.quick === true,
      tell,
    });
    await engine.close();
    tell('');
    const { score, isExplained, isRight } = report(mutants, outcomes, entry);
    if (options.out !== undefined) writeOut(options.out, mutants, outcomes);
    if (idle.length > 0 || !isRight) return 65;
    return score < options.atLeast || (options.explained === true && !isExplained) ? 100 : 0;
  } finally {
    process.chdir(ROOT);
    for (const folder of [root, state]) if (existsSync(folder)) rmSync(folder, { recursive: true });
  }
}

function writeOut(path: string, mutants: readonly Mutant[], outcomes: ReadonlyMap<number, Outcome>): void {
  const all = mutants.map((mutant) => ({
    ...mutant,
    outcome: outcomes.get(mutant.id)?.kind ?? 'equivalent',
    ...outcomes.get(mutant.id),
    kind: undefined,
  }));
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `${JSON.stringify(all, null, 1)}\n`);
}

command.parse();
process.exitCode = await main(command.opts<Options>());
