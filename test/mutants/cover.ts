import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { reachOf, type SourceFile, stampsOf } from './checkout.ts';
import { Engine } from './engine.ts';
import { instrument } from './mutate.ts';

/** A test in the order of its file: how long it took, whether it passed, and the mutants that it met. */
type CoveredTest = { readonly ms: number; readonly passed: boolean; readonly hits: readonly number[] };
/** `outside`: met while the file was read or by its hooks. */
export type Covered = {
  readonly file: string;
  readonly tests: readonly CoveredTest[];
  readonly outside: readonly number[];
};
type Kept = Record<string, { readonly stamp: string; readonly covered: Covered }>;

/** Numbers of mutants shift when a file before them changes: what is kept counts from the start of each file. */
function renumber(covered: Covered, move: (id: number) => number): Covered {
  const all = (ids: readonly number[]): readonly number[] => ids.map(move);
  return {
    file: covered.file,
    outside: all(covered.outside),
    tests: covered.tests.map((test) => ({ ...test, hits: all(test.hits) })),
  };
}

const WIDTH = 100_000;

/** Which tests meet which mutants; what did not change since it was last asked is not run again. */
export async function cover(options: {
  readonly root: string;
  readonly state: string;
  readonly keep: string;
  readonly sources: readonly SourceFile[];
  readonly tests: readonly string[];
  readonly tell: (line: string) => void;
}): Promise<readonly Covered[]> {
  const { root, state, keep, sources, tell } = options;
  const names = sources.map(({ path }) => path);
  const firsts = sources.map(({ mutants }) => mutants[0]?.id ?? 0);
  const paths: Record<string, number> = Object.fromEntries(names.map((name, index) => [name, index]));
  const kept = readKept(join(keep, 'cover.json'));
  const stampOf = stampsOf(root);
  const tests = options.tests.filter((test) => [...reachOf(root, test)].some((path) => path in paths));
  const out = (id: number): number => {
    const index = firsts.findLastIndex((first, at) => first <= id && (sources[at]?.mutants.length ?? 0) > 0);
    return index * WIDTH + id - (firsts[index] ?? 0);
  };
  const back = (id: number): number => (firsts[Math.floor(id / WIDTH)] ?? 0) + (id % WIDTH);
  // The order of files is part of a number, so a file that came or went makes all stale.
  const order = names.join(' ');
  const stale = tests.filter((test) => kept[test]?.stamp !== order + stampOf(test));
  if (stale.length > 0) {
    const engine = await Engine.open(
      root,
      state,
      new Map(sources.map((file) => [file.path, instrument(file.source, file.points, () => true)])),
    );
    for (const [index, file] of stale.entries()) {
      tell(`cover ${index + 1}/${stale.length} ${file}`);
      const { lines, broken } = await engine.run([file], { mode: 'cover' });
      const tests = lines.flatMap((line) =>
        line.kind === 'test' ? [{ ms: line.ms, passed: line.passed, hits: line.hits }] : [],
      );
      const outside = [...new Set(lines.flatMap((line) => (line.kind === 'outside' ? line.hits : [])))].sort(
        (a, b) => a - b,
      );
      if (broken !== '' || !lines.some(({ kind }) => kind === 'done'))
        throw new Error(`${file} cannot be run: ${broken}`);
      kept[file] = { stamp: order + stampOf(file), covered: renumber({ file, tests, outside }, out) };
      mkdirSync(dirname(join(keep, 'cover.json')), { recursive: true });
      writeFileSync(join(keep, 'cover.json'), JSON.stringify(kept));
    }
    await engine.close();
  }
  return tests.flatMap((test) => (kept[test] === undefined ? [] : [renumber(kept[test].covered, back)]));
}

function readKept(path: string): Kept {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Kept;
  } catch {
    return {};
  }
}
