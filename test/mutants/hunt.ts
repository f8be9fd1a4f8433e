import { roomOf } from './checkout.ts';
import type { Covered } from './cover.ts';
import type { Engine } from './engine.ts';
import type { Mutant } from './mutate.ts';

export type Outcome =
  | { readonly kind: 'killed' | 'timeout'; readonly by: string }
  /** `untried`: it takes effect before any test starts, and that was not to be tried; `left`: tests that cost too much to try. */
  | { readonly kind: 'survived' | 'unmet' | 'untried'; readonly left: number };
type Options = {
  readonly engine: Engine;
  readonly covered: readonly Covered[];
  readonly mutants: readonly Mutant[];
  /** All that the sources have, by number. */
  readonly fileOf: ReadonlyMap<number, string>;
  /** Milliseconds of tests that are spent on one mutant. */
  readonly budget: number;
  /** Leaves out mutants that take effect before a test starts: each costs processes of its own. */
  readonly isQuick: boolean;
  readonly tell: (line: string) => void;
};

const costOf = ({ tests }: Covered): number => tests.reduce((sum, { ms }) => sum + ms, 0);
/** Tests of the mutant's own room first, then what costs least. */
const nearOf = (file: string, mutant: Mutant): number => (file.startsWith(`test/${roomOf(mutant.file)}/`) ? 0 : 1);

/** Tries to kill every mutant: in the tests that meet it, then, where it is met outside of tests, with it awake from the start. */
export async function hunt(options: Options): Promise<ReadonlyMap<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  const awake = new Set<number>();
  const { tests, left } = shares(options);
  const files = [...options.covered].sort((a, b) => costOf(a) / a.tests.length - costOf(b) / b.tests.length);
  const seen = new Set<number>();
  for (const [index, { file }] of files.entries()) {
    let plan = (tests.get(file) ?? []).map((ids) => ids.filter((id) => !outcomes.has(id)));
    // A run that stops early, because something wrong stayed behind, goes on with what it did not try.
    for (let round = 0; round < 20 && plan.some((ids) => ids.length > 0); round += 1) {
      options.tell(
        `kill ${index + 1}/${files.length} ${file}: ${new Set(plan.flat()).size} mutants, ${outcomes.size} of ${options.mutants.length} dead`,
      );
      const { lines } = await options.engine.run([file], { mode: 'kill', tests: { [file]: plan } });
      let pending: { readonly id: number; readonly test: number } | null = null;
      const over = new Map<number, Set<number>>();
      for (const line of lines) {
        if (line.kind === 'start') {
          pending = line;
          over.set(line.test, (over.get(line.test) ?? new Set()).add(line.id));
        }
        if (line.kind === 'unsound') plan = plan.map((ids, test) => (test === line.test ? [] : ids));
        if (line.kind !== 'end') continue;
        pending = null;
        if (line.how === 'killed' || line.how === 'timeout')
          outcomes.set(line.id, { kind: line.how, by: `${file} > ${line.name}` });
        else if (line.how === 'survived') seen.add(line.id);
        else awake.add(line.id);
      }
      if (pending !== null) outcomes.set(pending.id, { kind: 'timeout', by: file });
      plan = plan.map((ids, test) => ids.filter((id) => !outcomes.has(id) && over.get(test)?.has(id) !== true));
    }
  }
  for (const mutant of options.mutants) {
    if (outcomes.has(mutant.id)) continue;
    const isMet = options.covered.some(
      ({ tests, outside }) => outside.includes(mutant.id) || tests.some(({ hits }) => hits.includes(mutant.id)),
    );
    const by = options.isQuick || !isMet ? null : await whole(options, mutant, awake.has(mutant.id));
    const kind = !isMet ? 'unmet' : options.isQuick && !seen.has(mutant.id) ? 'untried' : 'survived';
    outcomes.set(mutant.id, by ?? { kind, left: left.get(mutant.id) ?? 0 });
  }
  return outcomes;
}

/** For each test of each file the mutants to try in it, so that no mutant costs more than its budget. */
function shares({ covered, mutants, budget }: Options): {
  readonly tests: ReadonlyMap<string, readonly number[][]>;
  readonly left: ReadonlyMap<number, number>;
} {
  const tests = new Map<string, number[][]>(covered.map(({ file, tests: all }) => [file, all.map(() => [])]));
  const meeting = new Map<number, { readonly file: string; readonly test: number; readonly ms: number }[]>(
    mutants.map(({ id }) => [id, []]),
  );
  for (const { file, tests: all } of covered)
    for (const [test, { ms, passed, hits }] of all.entries())
      if (passed) for (const id of hits) meeting.get(id)?.push({ file, test, ms });
  const left = new Map<number, number>();
  for (const mutant of mutants) {
    const all = [...(meeting.get(mutant.id) ?? [])].sort(
      (a, b) => nearOf(a.file, mutant) - nearOf(b.file, mutant) || a.ms - b.ms,
    );
    let spent = 0;
    for (const { file, test, ms } of all) {
      if (spent > 0 && spent + ms > budget) left.set(mutant.id, (left.get(mutant.id) ?? 0) + 1);
      else tests.get(file)?.[test]?.push(mutant.id);
      spent += spent > 0 && spent + ms > budget ? 0 : ms;
    }
  }
  return { tests, left };
}

/** How much of a mutant's file and room a test file runs: who reads a table stands near it. */
function useOf(
  { tests }: Covered,
  mutant: Mutant,
  fileOf: ReadonlyMap<number, string>,
): { readonly ofFile: number; readonly ofRoom: number } {
  const files = [...new Set(tests.flatMap(({ hits }) => hits))].map((id) => fileOf.get(id) ?? '');
  const room = roomOf(mutant.file);
  return {
    ofFile: files.filter((file) => file === mutant.file).length,
    ofRoom: files.filter((file) => roomOf(file) === room).length,
  };
}

/** So many files are run as a whole for one mutant. */
const MAX_WHOLE = 3;

/** Kills a mutant that takes effect before a test starts, or whose effect an earlier run has kept. */
async function whole(
  { engine, covered, fileOf, budget, tell }: Options,
  mutant: Mutant,
  asleep: boolean,
): Promise<Outcome | null> {
  const files = covered
    .filter(({ tests }) => tests.every(({ passed }) => passed))
    .filter(
      ({ outside, tests }) =>
        outside.includes(mutant.id) || (asleep && tests.some(({ hits }) => hits.includes(mutant.id))),
    )
    .map((each) => ({ ...each, use: useOf(each, mutant, fileOf) }))
    .sort(
      (a, b) =>
        nearOf(a.file, mutant) - nearOf(b.file, mutant) ||
        b.use.ofFile - a.use.ofFile ||
        b.use.ofRoom - a.use.ofRoom ||
        costOf(a) - costOf(b),
    );
  let spent = 0;
  for (const covered of files.slice(0, MAX_WHOLE)) {
    // Each run starts a process: a second beside what its tests cost.
    spent += costOf(covered) + 1000;
    if (spent > budget + 1000 && covered !== files[0]) break;
    tell(`whole ${mutant.file}:${mutant.line} ${covered.file}`);
    const { lines, failed } = await engine.run([covered.file], { mode: 'whole', id: mutant.id });
    const end = lines.find((line) => line.kind === 'end');
    if (end?.kind === 'end')
      return { kind: end.how === 'timeout' ? 'timeout' : 'killed', by: `${covered.file} > ${end.name}` };
    if (failed || !lines.some(({ kind }) => kind === 'done')) return { kind: 'killed', by: covered.file };
  }
  return null;
}
