import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, matchesGlob } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { parse } from 'yaml';
import { z } from 'zod';
import { copyOf, filesUnder, roomOf, type SourceFile, sourcesOf } from './checkout.ts';
import { cover } from './cover.ts';
import { Engine } from './engine.ts';
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
  .option('--named [name...]', 'the mutants of named.yaml instead, each with the tests that kill it')
  .option('--out <file>', 'write every mutant and what became of it, as JSON');

const print = (line: string): void => console.log(line);
const tell = (line: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line.slice(0, 150)}`);
};

const equivalentsSchema = z.array(
  z.strictObject({ file: z.string(), text: z.string(), change: z.string(), reason: z.string().min(10) }),
);
type Equivalent = z.infer<typeof equivalentsSchema>[number];

/** Mutants that no test can tell from the program, by file, line of text and change. */
function equivalents(root: string): readonly Equivalent[] {
  return equivalentsSchema.parse(parse(readFileSync(join(root, 'test/mutants/equivalent.yaml'), 'utf8')) ?? []);
}
const isSame = (mutant: Mutant, { file, text, change }: Equivalent): boolean =>
  mutant.file === file && mutant.text === text && mutant.change === change;

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

/** Prints the score of each room and the survivors; the score over all. */
function report(
  mutants: readonly Mutant[],
  outcomes: ReadonlyMap<number, Outcome>,
  same: readonly Equivalent[],
): number {
  const counts = new Map<string, { dead: number; late: number; alive: number; untried: number; same: number }>();
  for (const mutant of mutants) {
    const kind = outcomes.get(mutant.id)?.kind;
    for (const room of [roomOf(mutant.file), 'all']) {
      const count = counts.get(room) ?? { dead: 0, late: 0, alive: 0, untried: 0, same: 0 };
      counts.set(room, count);
      if (same.some((each) => isSame(mutant, each))) count.same += 1;
      else if (kind === 'killed') count.dead += 1;
      else if (kind === 'timeout') count.late += 1;
      else if (kind === 'untried') count.untried += 1;
      else count.alive += 1;
    }
  }
  const score = ({ dead, late, alive }: { dead: number; late: number; alive: number }): number =>
    dead + late + alive === 0 ? 100 : (100 * (dead + late)) / (dead + late + alive);
  for (const mutant of mutants) {
    const outcome = outcomes.get(mutant.id);
    if (
      outcome === undefined ||
      !('left' in outcome) ||
      outcome.kind === 'untried' ||
      same.some((each) => isSame(mutant, each))
    )
      continue;
    const how =
      outcome.kind === 'unmet' ? 'no test meets it' : outcome.left > 0 ? `${outcome.left} dear tests not tried` : '';
    print(
      `${mutant.file}:${mutant.line}:${mutant.column}  ${mutant.change}${how === '' ? '' : `  (${how})`}\n    ${mutant.text}`,
    );
  }
  print('room     killed  timeout  survived  equivalent  untried  score');
  const rooms = [...counts].sort(([a], [b]) => Number(a === 'all') - Number(b === 'all'));
  for (const [room, count] of rooms)
    print(
      [
        room.padEnd(6),
        `${count.dead}`.padStart(8),
        `${count.late}`.padStart(8),
        `${count.alive}`.padStart(9),
        `${count.same}`.padStart(11),
        `${count.untried}`.padStart(8),
        `${score(count).toFixed(1)} %`.padStart(9),
      ].join(' '),
    );
  return score(counts.get('all') ?? { dead: 0, late: 0, alive: 0 });
}

async function main(options: Options): Promise<number> {
  const root = copyOf(ROOT);
  const state = mkdtempSync(join(tmpdir(), 'bitwatch-mutants-'));
  process.chdir(root);
  try {
    if (options.named !== undefined)
      return (await runNamed(root, state, options.named === true ? [] : options.named || [], print)) ? 0 : 100;
    const sources = sourcesOf(root);
    const same = equivalents(root);
    const every = sources.flatMap(({ mutants }) => mutants);
    const idle = same.filter((each) => !every.some((mutant) => isSame(mutant, each)));
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
      mutants: mutants.filter((mutant) => !same.some((each) => isSame(mutant, each))),
      budget: options.budget,
      isQuick: options.quick === true,
      tell,
    });
    await engine.close();
    tell('');
    const score = report(mutants, outcomes, same);
    if (options.out !== undefined) writeOut(options.out, mutants, outcomes);
    return idle.length > 0 ? 65 : score < options.atLeast ? 100 : 0;
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
