import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { baseSpecs, newerThan } from '../../pipeline/cases/newer.ts';
import type { Finding } from '../../pipeline/model/finding.ts';
import type { ReportFacts } from '../../pipeline/model/review.ts';
import { git, gitEnv, temporaryFolder } from '../helpers/repository.ts';
import { emptySpecs } from '../helpers/specs.ts';
import { contextOf } from './context.ts';

/** A report with these findings by review; a `!` behind a name is a finding that somebody decided on. */
const reportOf = (reviews: Readonly<Record<string, readonly string[]>>): ReportFacts =>
  ({
    reviews: Object.entries(reviews).map(([id, names]) => ({
      id,
      findings: names.map((name) => ({
        fingerprint: name.replace('!', ''),
        decided: name.endsWith('!') ? { because: 'seen', by: 'A. Person' } : null,
      })),
    })),
    coverage: { releases: ['1.5.06'], cells: 7 },
  }) as unknown as ReportFacts;
const shownOf = ({ reviews }: ReportFacts) =>
  reviews.map(({ id, findings }) => [
    id,
    findings.map(({ fingerprint, decided }: Finding) => `${fingerprint}${decided === null ? '' : '!'}`),
  ]);

const decisions = (by: string): string =>
  `decisions:\n  - {rule: exposed-unreviewed, because: "nobody minds", by: ${by}}\n`;

describe('what a base does not say', () => {
  test('is all of it where there is no base, and nobody judges it', async () => {
    const report = reportOf({ one: ['a'] });
    const judge = () => expect.fail('judged');
    expect(await newerThan(contextOf(), report, null, judge)).toBe(report);
  });

  test('is each finding that no review of the base has, or has decided otherwise; what was read stays', async () => {
    const folder = emptySpecs(temporaryFolder());
    const asked: string[] = [];
    const report = reportOf({
      one: ['a', 'b', 'c!'],
      two: ['a'],
      three: ['e', 'd!', 'f!'],
    });
    const newer = await newerThan(contextOf(), report, folder, (specs) => {
      asked.push(specs.directory);
      return reportOf({ other: ['a', 'd!'], one: ['c', 'e!', 'f!'] });
    });
    expect(asked).toEqual([folder]);
    expect(shownOf(newer)).toEqual([
      ['one', ['b', 'c!']],
      ['three', ['e']],
    ]);
    expect(newer.coverage).toBe(report.coverage);
  });
});

describe('the specifications of a base', () => {
  test('are those of a folder, or of a revision, from the same folder of its tree', async () => {
    const top = temporaryFolder();
    const specs = emptySpecs(join(top, 'sub', 'specs'));
    writeFileSync(join(specs, 'modules', '.keep'), '');
    writeFileSync(join(specs, 'decisions.yaml'), decisions('Early'));
    cpSync(specs, join(top, 'sub', 'specs-old'), { recursive: true });
    writeFileSync(join(top, 'sub', 'specs-old', 'decisions.yaml'), 'no: yaml of ours\n');
    git(top, 'init', '-q', '-b', 'main', '.');
    git(top, 'add', '.');
    git(top, 'commit', '-q', '-m', 'one');
    writeFileSync(join(specs, 'decisions.yaml'), decisions('Late'));
    const context = contextOf({ specs });
    const whoIn = async (base: string) => (await baseSpecs(context, base)).decisions.map(({ by }) => by);
    expect(await whoIn(specs)).toEqual(['Late']);
    expect(await whoIn('HEAD')).toEqual(['Early']);
    // What the revision has besides is not written anywhere, and what was written is gone.
    const read = await baseSpecs(context, 'HEAD');
    expect(existsSync(read.directory)).toBe(false);
    expect(read.directory.startsWith(tmpdir())).toBe(true);
    await expect(baseSpecs(context, 'nowhere')).rejects.toThrow(/no revision "nowhere"/);
    renameSync(specs, join(top, 'sub', 'moved'));
    await expect(baseSpecs(contextOf({ specs: join(top, 'sub', 'moved') }), 'HEAD')).rejects.toThrow(
      new RegExp(`^--base HEAD: ${git(top, 'rev-parse', 'HEAD').slice(0, 12)} has no sub/moved/$`),
    );
  });

  test('are no revision where no work tree is', async () => {
    const specs = temporaryFolder();
    await expect(baseSpecs(contextOf({ specs }), 'HEAD')).rejects.toThrow(
      `--base HEAD: no such directory, and ${specs} is in no work tree of git whose revision it could be`,
    );
  });

  test('of a tree that somebody made by hand write nothing outside of their folder', async () => {
    const top = temporaryFolder();
    const specs = join(top, 'specs');
    mkdirSync(specs);
    git(top, 'init', '-q', '-b', 'main', '.');
    const make = (input: string, ...args: readonly string[]): string =>
      execFileSync('git', args, { cwd: top, env: gitEnv, input, encoding: 'utf8' }).trim();
    const blob = make('x', 'hash-object', '-w', '--stdin');
    const above = make(`100644 blob ${blob}\tout.yaml\n`, 'mktree');
    const tree = make(`040000 tree ${make(`040000 tree ${above}\t..\n`, 'mktree')}\tspecs\n`, 'mktree');
    git(top, 'update-ref', 'refs/heads/main', make('by hand', 'commit-tree', tree));
    await expect(baseSpecs(contextOf({ specs }), 'main')).rejects.toThrow(
      '--base main: "specs/../out.yaml" is no path',
    );
  });
});
