import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { cloneSeeds } from './clones.ts';
import { type Problem, runShare } from './pool.ts';
import { TARGETS } from './targets.ts';

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('a whole number');
  return value;
};
type Options = {
  readonly minutes?: number;
  readonly count?: number;
  readonly seed: number;
  readonly workers: number;
  readonly out?: string;
  readonly kills?: number;
};

const command = new Command('fuzz')
  .description(
    `Damages inputs and reads them. Targets: ${TARGETS.map(({ name }) => name).join(', ')}; all where none is named.`,
  )
  .argument('[target...]')
  .option('--minutes <n>', 'how long', whole)
  .option('--count <n>', 'how many inputs over all targets', whole)
  .option('--seed <n>', 'what the inputs are made from: the same seed, the same inputs', whole, 1)
  .option('--workers <n>', 'how many at once', whole, 2)
  .option(
    '--kills <n>',
    'kill the program so often at random moments and check what is left, instead of damaging inputs',
    whole,
  )
  .option('--out <folder>', 'write each input that fails there; TARGET/ below it is laid out as fixtures/fuzz is');

/** Prints to the terminal, and nowhere else. */
const print = (line: string): void => console.log(line);

/** The fault run is a program of its own: `kills.ts` beside this one, with the number of kills and the seed. */
function kill(count: number, seed: number): number {
  const program = join(import.meta.dirname, 'kills.js');
  if (!existsSync(program)) {
    print('no fault run here: test/fuzz/kills.ts is not part of this revision');
    return 69;
  }
  return spawnSync(process.execPath, [program, `${count}`, `${seed}`], { stdio: 'inherit' }).status ?? 70;
}

async function main(names: readonly string[], options: Options): Promise<number> {
  if (options.kills !== undefined) return kill(options.kills, options.seed);
  const unknown = names.filter((name) => !TARGETS.some((target) => target.name === name));
  if (unknown.length > 0) {
    print(`no target ${unknown.join(', ')}; there are ${TARGETS.map(({ name }) => name).join(', ')}`);
    return 64;
  }
  const targets = TARGETS.filter(({ name }) => names.length === 0 || names.includes(name));
  const { seeds, notes } = cloneSeeds(process.env);
  for (const note of notes) print(note);
  const parts = targets.reduce((sum, { weight }) => sum + weight, 0);
  const wanted = options.count ?? (options.minutes === undefined ? 100_000 : Number.POSITIVE_INFINITY);
  const endOf = (weight: number): number => Math.min(Math.ceil((wanted * weight) / parts), 0x7fffffff);
  const perTarget = ((options.minutes ?? 60 * 24) * 60_000) / Math.ceil(targets.length / options.workers);
  const problems: Problem[] = [];
  let total = 0;
  const queue = [...targets];
  const work = async (): Promise<void> => {
    for (let target = queue.shift(); target !== undefined; target = queue.shift()) {
      const { name } = target;
      const start = Date.now();
      let own = 0;
      const cloned = seeds.filter((seed) => seed.target === name);
      const inputs = await runShare(
        { target: name, run: options.seed, first: 0, step: 1, end: endOf(target.weight), seeds: cloned },
        (problem) => {
          own += 1;
          problems.push(problem);
        },
        () => Date.now() - start > perTarget,
      );
      total += inputs;
      const seconds = (Date.now() - start) / 1000;
      print(
        `${name.padEnd(22)} ${String(inputs).padStart(9)} inputs ${seconds.toFixed(1).padStart(8)} s ${own} problems`,
      );
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, options.workers) }, work));
  for (const problem of problems.slice(0, 50)) tell(problem, options);
  print(
    `${total} inputs, seed ${options.seed}: ${problems.length === 0 ? 'no problem' : `${problems.length} problems`}`,
  );
  return problems.length === 0 ? 0 : 70;
}

function tell({ target, number, what, seed }: Problem, { out, seed: run }: Options): void {
  print(
    `${target} --seed ${run}, input ${number}${seed === null ? '' : ` (${seed.kind})`}: ${what.split('\n').slice(0, 6).join('\n    ')}`,
  );
  if (out === undefined || seed === null) return;
  const folder = join(out, target, seed.kind.replaceAll('/', '+'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${run}-${number}`), seed.text, 'latin1');
}

command.parse();
process.exitCode = await main(command.args, command.opts<Options>());
