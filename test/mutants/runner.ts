import { setMaxListeners } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import type { RunnerTestFile as File, RunnerTestSuite as Suite, RunnerTestCase as Test } from 'vitest';
import { TestRunner } from 'vitest';

/**
 * What a run of a test file is for: `cover` notes which mutants each test meets; `kill` runs each test again for each mutant
 * listed for it; `whole` runs all tests with one mutant awake from before the first import.
 */
export type Plan =
  | { readonly mode: 'cover' }
  | { readonly mode: 'kill'; readonly tests: Readonly<Record<string, readonly (readonly number[])[]>> }
  | { readonly mode: 'whole'; readonly id: number };

export type Line =
  | { readonly kind: 'test'; readonly ms: number; readonly passed: boolean; readonly hits: readonly number[] }
  | { readonly kind: 'outside'; readonly hits: readonly number[] }
  | { readonly kind: 'start'; readonly id: number; readonly pid: number; readonly test: number }
  | {
      readonly kind: 'end';
      readonly id: number;
      readonly how: 'killed' | 'survived' | 'timeout' | 'asleep' | 'unsound';
      readonly name: string;
    }
  | { readonly kind: 'unsound'; readonly test: number; readonly name: string }
  | { readonly kind: 'done'; readonly file: string };

const STEPS = 3_000_000;

/** Which mutant is awake, and what is met: the instrumented code asks here. */
const state = { awake: -1, met: false, steps: 0, limit: Number.POSITIVE_INFINITY, hits: new Set<number>() };

class OutOfSteps extends Error {}

// Each run of a test listens for its end once more.
setMaxListeners(0);

(globalThis as { __mutant?: (id: number) => boolean }).__mutant = (id) => {
  state.steps += 1;
  if (state.steps > state.limit) throw new OutOfSteps('the mutant does not end');
  if (state.awake === -1) state.hits.add(id);
  if (id !== state.awake) return false;
  state.met = true;
  return true;
};

const folder = process.env.BITWATCH_MUTANTS ?? '';
const plan = JSON.parse(readFileSync(`${folder}/plan.json`, 'utf8')) as Plan;
const write = (line: Line): void => appendFileSync(`${folder}/log.jsonl`, `${JSON.stringify(line)}\n`);
if (plan.mode === 'whole') {
  state.awake = plan.id;
  state.limit = STEPS * 10;
}

/** Runs tests as vitest does, and each again for every mutant that it is to try. */
export default class MutantRunner extends TestRunner {
  #count = -1;
  #path = '';
  #stopped = false;
  readonly #dead = new Set<number>();

  onCollected(files: File[]): void {
    this.#path = relative(process.cwd(), files[0]?.filepath ?? '');
    if (plan.mode === 'cover') this.#outside();
  }

  override async onBeforeRunSuite(suite: Suite): Promise<void> {
    await super.onBeforeRunSuite(suite);
    state.hits = new Set();
  }

  override onAfterRunFiles(): void {
    super.onAfterRunFiles();
    write({ kind: 'done', file: this.#path });
  }

  async runTask(test: Test): Promise<void> {
    this.#count += 1;
    if (this.#stopped) return;
    // What is met between two tests belongs to no test: hooks.
    if (plan.mode === 'cover') this.#outside();
    if (plan.mode === 'whole') return this.#whole(test);
    const ids =
      plan.mode === 'kill' ? (plan.tests[this.#path]?.[this.#count] ?? []).filter((id) => !this.#dead.has(id)) : [];
    if (plan.mode === 'kill' && ids.length === 0) return;
    const plain = await this.#try(test, -1);
    if (plan.mode === 'cover')
      write({ kind: 'test', ms: plain.ms, passed: plain.error === null, hits: [...state.hits].sort((a, b) => a - b) });
    else if (plain.error !== null) {
      this.#stopped = true;
      write({ kind: 'unsound', test: this.#count, name: test.fullName });
    } else for (const id of ids) if (!this.#stopped) await this.#kill(test, id, plain.steps);
    state.hits = new Set();
  }

  #outside(): void {
    write({ kind: 'outside', hits: [...state.hits] });
    state.hits = new Set();
  }

  async #whole(test: Test): Promise<void> {
    const { error } = await this.#try(test, state.awake);
    if (error === null) return;
    this.#stopped = true;
    write({
      kind: 'end',
      id: state.awake,
      how: error instanceof OutOfSteps ? 'timeout' : 'killed',
      name: test.fullName,
    });
  }

  async #kill(test: Test, id: number, steps: number): Promise<void> {
    write({ kind: 'start', id, pid: process.pid, test: this.#count });
    state.limit = STEPS + 20 * steps;
    const { error, met } = await this.#try(test, id);
    state.limit = Number.POSITIVE_INFINITY;
    if (error === null) return write({ kind: 'end', id, how: met ? 'survived' : 'asleep', name: test.fullName });
    // A mutant that leaves something wrong behind would make the next ones look killed.
    const sound = (await this.#try(test, -1)).error === null;
    this.#stopped = !sound;
    this.#dead.add(id);
    const how = error instanceof OutOfSteps ? 'timeout' : 'killed';
    write({ kind: 'end', id, how: sound ? how : 'unsound', name: test.fullName });
  }

  async #try(
    test: Test,
    id: number,
  ): Promise<{ readonly error: unknown; readonly met: boolean; readonly steps: number; readonly ms: number }> {
    const before = performance.now();
    Object.assign(state, { awake: id, met: false, steps: 0 });
    let error: unknown = null;
    try {
      await TestRunner.getTestFn(test)();
    } catch (thrown) {
      error = thrown ?? new Error('thrown');
    }
    if (plan.mode !== 'whole') state.awake = -1;
    return { error, met: state.met, steps: state.steps, ms: performance.now() - before };
  }
}
