import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createVitest, type Vitest } from 'vitest/node';
import type { Line, Plan } from './runner.ts';

/** How long a test may stand still before its process is ended; a mutant that waits for nothing is told so. */
const STILL_MS = 45_000;

/** What is worked out once for the same facts: kept from a run without the mutant it would stand in for what the mutant does. */
export const KEEPER = 'pipeline/model/once.ts';
const FORGETFUL = 'export const once = (work) => work;\nexport const onceFor = (work) => work;\n';

/** Vitest over a copy of the checkout, whose sources are changed only as they are loaded. */
export class Engine {
  readonly #vitest: Vitest;
  readonly #root: string;
  readonly #state: string;

  private constructor(vitest: Vitest, root: string, state: string) {
    this.#vitest = vitest;
    this.#root = root;
    this.#state = state;
  }

  /** `sources`: texts by path from the root, in the place of the files'. */
  static async open(root: string, state: string, sources: ReadonlyMap<string, string>): Promise<Engine> {
    const vitest = await createVitest(
      'test',
      {
        root,
        config: false,
        watch: false,
        include: ['test/**/*.test.ts'],
        runner: join(root, 'test/mutants/runner.ts'),
        reporters: [{}],
        pool: 'forks',
        maxWorkers: 1,
        fileParallelism: false,
        testTimeout: 30_000,
        hookTimeout: 60_000,
        // Tests that share what they build ask for the folder; without it they would count for nothing.
        globalSetup: [join(root, 'test/helpers/shared-folder.ts')],
        setupFiles: [join(root, 'test/mutants/seed.ts')],
        env: { BITWATCH_MUTANTS: state },
        dangerouslyIgnoreUnhandledErrors: true,
      },
      {
        plugins: [
          {
            name: 'mutants',
            enforce: 'pre',
            transform: (_: string, id: string) => {
              const path = relative(root, id.split('?')[0] ?? '');
              return path === KEEPER ? FORGETFUL : (sources.get(path) ?? null);
            },
          },
        ],
      },
    );
    await vitest.standalone();
    return new Engine(vitest, root, state);
  }

  /** Runs test files by a plan: what they noted, whether one failed, and why one could not be read. */
  async run(
    files: readonly string[],
    plan: Plan,
  ): Promise<{ readonly lines: readonly Line[]; readonly failed: boolean; readonly broken: string }> {
    const log = join(this.#state, 'log.jsonl');
    rmSync(log, { force: true });
    writeFileSync(join(this.#state, 'plan.json'), JSON.stringify(plan));
    const lines = (): readonly Line[] =>
      existsSync(log)
        ? readFileSync(log, 'utf8')
            .split('\n')
            .filter((line) => line.endsWith('}'))
            .map((line) => JSON.parse(line) as Line)
        : [];
    const watch = setInterval(() => {
      if (plan.mode !== 'kill' || !existsSync(log) || Date.now() - statSync(log).mtimeMs < STILL_MS) return;
      const last = lines().at(-1);
      if (last?.kind === 'start') process.kill(last.pid, 'SIGKILL');
    }, 1000);
    try {
      const project = this.#vitest.getRootProject();
      const specs = files.map((file) => project.createSpecification(join(this.#root, file)));
      const { testModules } = await this.#vitest.runTestSpecifications(specs);
      return {
        lines: lines(),
        failed: testModules.some((module) => module.state() === 'failed'),
        broken: testModules.flatMap((module) => module.errors().map(({ message }) => message)).join('\n'),
      };
    } finally {
      clearInterval(watch);
    }
  }

  /** The text of a source is another one now. */
  changed(file: string): void {
    this.#vitest.invalidateFile(join(this.#root, file));
  }

  async close(): Promise<void> {
    await this.#vitest.close();
  }
}
