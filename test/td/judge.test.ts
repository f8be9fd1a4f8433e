import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { listReleases } from '../../pipeline/git/releases.ts';
import { openRepository } from '../../pipeline/git/repository.ts';
import { bitwatch } from '../helpers/run.ts';

const { BITWATCH_MODULE_REPO: clone = '', BITWATCH_TDCPUID: tool = '' } = process.env;
const hasGcc = spawnSync('gcc', ['--version']).status === 0;
const isReady = clone !== '' && tool !== '' && hasGcc;

/** The releases whose code can be run, each with a seed of its own. */
const RELEASES = [
  ['1.5.01', 11],
  ['1.5.05', 12],
  ['1.5.06', 13],
] as const;
const CASES = 670;

const text = (command: string, args: readonly string[]): string =>
  execFileSync(command, [...args], { encoding: 'utf8', maxBuffer: 1 << 30 });

/** The commits of the releases that the clone has, by the rules of the program: a mirror holds other trees as well. */
const commits = async (): Promise<ReadonlyMap<string, string>> => {
  const found = await listReleases(openRepository(clone, process.env));
  return new Map(found.map(({ release, commit }) => [release, commit]));
};

type Judged = {
  readonly status?: string;
  readonly panic?: unknown;
  readonly sysInit?: { readonly status: string };
  readonly sysLpInit?: { readonly status: string };
  readonly mngInit?: { readonly name: string; readonly operand?: string };
  readonly mngInitRcx?: { readonly leaf: string; readonly subleaf: string };
  readonly results?: readonly unknown[];
};
type Told = {
  readonly status: string | null;
  readonly platform: { readonly stops: string | null } | null;
  readonly refused: {
    readonly code: string;
    readonly operand: string | null;
    readonly leaf: string | null;
    readonly subleaf: string | null;
  } | null;
  readonly results: readonly unknown[];
};

/** Both answers in one shape; what the judge's README calls not faithful does not occur in these cases. */
const judged = ({ status, panic, sysInit, sysLpInit, mngInit, mngInitRcx, results }: Judged) => ({
  status: panic !== undefined ? null : (status ?? (sysLpInit ?? sysInit)?.status),
  stops: panic !== undefined,
  refused:
    status === undefined || /^0x0+$/.test(status)
      ? null
      : {
          code: mngInit?.name,
          operand: mngInit?.operand ?? null,
          leaf: mngInitRcx?.leaf ?? null,
          subleaf: mngInitRcx === undefined || mngInitRcx.subleaf === '0xffffffff' ? null : mngInitRcx.subleaf,
        },
  results: results ?? [],
});
const told = ({ status, platform, refused, results }: Told) => ({
  status,
  stops: platform?.stops != null,
  refused:
    refused === null
      ? null
      : {
          code: refused.code,
          operand: refused.operand?.startsWith('OPERAND_ID_') === true ? refused.operand : null,
          leaf: refused.leaf,
          subleaf: refused.subleaf,
        },
  results,
});

describe.skipIf(!isReady)(
  'td equals the module’s own code, bit for bit (skipped without gcc, BITWATCH_MODULE_REPO and BITWATCH_TDCPUID)',
  () => {
    test.each(RELEASES)('%s', { timeout: 240_000 }, async (release, seed) => {
      const commit = (await commits()).get(release);
      if (commit === undefined) return console.warn(`${clone} has no tree of ${release}: not compared`);
      const folder = mkdtempSync(join(tmpdir(), 'bitwatch-judge-'));
      try {
        const tree = join(folder, 'tree');
        mkdirSync(tree);
        const archive = execFileSync(
          'git',
          [`--git-dir=${clone}`, 'archive', commit, 'src', 'include', 'proj_defs.mk'],
          { maxBuffer: 1 << 30 },
        );
        execFileSync('tar', ['x', '-C', tree], { input: archive });
        const judge = join(folder, 'judge');
        execFileSync(join(tool, 'build.sh'), [tree, judge], { stdio: 'ignore' });
        const cases = text('python3', [
          join(tool, 'random_cases.py'),
          '--oracle',
          judge,
          '--seed',
          `${seed}`,
          '--count',
          `${CASES}`,
        ]);
        const hostile = text('python3', [
          join(tool, 'random_cases.py'),
          '--oracle',
          judge,
          '--seed',
          `${seed}`,
          '--count',
          '100',
          '--bad-host',
          '0.03',
        ]);
        const file = join(folder, 'cases.jsonl');
        writeFileSync(file, cases + hostile);
        const expected = text(judge, ['--batch', file])
          .trimEnd()
          .split('\n')
          .map((line) => judged(JSON.parse(line)));
        const { status, stdout } = await bitwatch(['td', release, '--batch', file]);
        const found = stdout
          .trimEnd()
          .split('\n')
          .map((line) => told(JSON.parse(line)));
        expect(status).toBe(0);
        expect(expected.length).toBe(CASES + 100);
        for (const [index, answer] of expected.entries()) expect([index, found[index]]).toEqual([index, answer]);
        expect(found.length).toBe(expected.length);
        expect(found.filter((each) => each.refused !== null).length).toBeGreaterThan(50);
        expect(found.filter((each) => each.results.length > 0).length).toBeGreaterThan(CASES / 2);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  },
);

test('the judge is named by folder where it is named at all', () => {
  if (tool === '') return;
  expect([existsSync(join(tool, 'build.sh')), readFileSync(join(tool, 'README.md'), 'utf8').length > 0]).toEqual([
    true,
    true,
  ]);
});
