import { KnownError } from '../../pipeline/model/errors.ts';
import { canonical } from './canonical.ts';
import { damaged } from './mutate.ts';
import { randomOf } from './random.ts';
import type { Seed, Target } from './targets.ts';

/** One input of a run: damaged, or changed so that it means the same. */
export type Input = { readonly seed: Seed; readonly keeps: boolean };

/** The input of a number: the run's seed decides it, whatever was run before. */
export function inputOf(target: Target, seeds: readonly Seed[], run: number, number: number): Input {
  const random = randomOf(run, target.name, number);
  const seed = random.pick(seeds) ?? { kind: '', text: '' };
  const same = random.pick(target.same);
  if (same !== undefined && random.below(4) === 0) {
    let { text } = seed;
    for (let left = 1 + random.below(3); left > 0; left -= 1) text = (random.pick(target.same) ?? same)(random, text);
    return { seed: { kind: seed.kind, text }, keeps: true };
  }
  const other = random.pick(seeds)?.text ?? '';
  return { seed: { kind: seed.kind, text: damaged(random, seed.text, target.words, other) }, keeps: false };
}

type Outcome = { readonly facts: string } | { readonly refused: string } | { readonly bug: string };

async function outcomeOf(target: Target, seed: Seed): Promise<Outcome> {
  try {
    return { facts: canonical(await target.run(seed)) };
  } catch (error) {
    if (error instanceof KnownError) return { refused: error.message };
    return { bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** What is wrong with the outcome of an input, null where nothing is. `origins` are the facts of the seeds. */
export async function problemOf(target: Target, input: Input, origins: ReadonlySet<string>): Promise<string | null> {
  const outcome = await outcomeOf(target, input.seed);
  if ('bug' in outcome) return outcome.bug;
  if (!input.keeps) return null;
  if ('refused' in outcome) return `refused, though the change keeps the meaning: ${outcome.refused}`;
  return origins.has(outcome.facts) ? null : 'other facts, though the change keeps the meaning';
}

/** The facts of a target's seeds; a seed that the target itself refuses is no seed. */
export async function originsOf(
  target: Target,
  seeds: readonly Seed[],
): Promise<{ readonly seeds: readonly Seed[]; readonly facts: ReadonlySet<string> }> {
  const facts = new Set<string>();
  const good: Seed[] = [];
  for (const seed of seeds) {
    const outcome = await outcomeOf(target, seed);
    if ('bug' in outcome) throw new Error(`the seed ${seed.kind} of ${target.name}: ${outcome.bug}`);
    if ('refused' in outcome) continue;
    good.push(seed);
    facts.add(outcome.facts);
  }
  return { seeds: good, facts };
}
