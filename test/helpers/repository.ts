import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export type TestCommit = {
  readonly subject: string;
  /** Contents by path; null removes the file. The tree of the commit before stays otherwise. */
  readonly files: Readonly<Record<string, string | Buffer | null>>;
  readonly tags?: readonly string[];
  readonly annotated?: readonly string[];
  readonly branch?: string;
};

/** A folder that the test removes when it ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bitwatch-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const gitEnv = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'A',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'A',
  GIT_COMMITTER_EMAIL: 'a@example.org',
};
export const git = (folder: string, ...args: readonly string[]): string =>
  execFileSync('git', [...args], {
    cwd: folder,
    env: gitEnv,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();

/** An empty bare repository, as `git init --bare` leaves one: tests make hundreds, and a process takes longer than its files. */
export function makeBare(folder: string, branch: string): void {
  for (const name of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info', 'hooks', 'branches'])
    mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'HEAD'), `ref: refs/heads/${branch}\n`);
  writeFileSync(join(folder, 'description'), 'a repository of a test\n');
  writeFileSync(join(folder, 'config'), '[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n');
}

/** What little `git fast-import` writes stays in its pack: another process would take it out. */
export const KEEP_PACK = ['-c', 'fastimport.unpackLimit=0'] as const;

/** Takes an object away, and leaves the others loose. */
export function loseObject(gitDir: string, oid: string): void {
  const packs = join(gitDir, 'objects', 'pack');
  // What a pack holds is unpacked only where the repository does not have it.
  const bytes = readdirSync(packs)
    .filter((name) => name.endsWith('.pack'))
    .map((name) => readFileSync(join(packs, name)));
  rmSync(packs, { recursive: true });
  mkdirSync(packs);
  const env = { ...gitEnv, GIT_DIR: gitDir, GIT_CONFIG: '/dev/null' };
  for (const input of bytes) execFileSync('git', ['unpack-objects', '-q'], { cwd: gitDir, env, input });
  rmSync(join(gitDir, 'objects', oid.slice(0, 2), oid.slice(2)), { force: true });
}

/** Builds a bare repository through `git fast-import`, with dates that never change. */
export function buildRepository(commits: readonly TestCommit[], folder = temporaryFolder()): string {
  makeBare(folder, 'main');
  addCommits(folder, commits, 0);
  return folder;
}

/** Adds commits to a repository; `start` numbers them on, so that their dates grow. */
export function addCommits(folder: string, commits: readonly TestCommit[], start: number): void {
  const parts: Buffer[] = [];
  const say = (text: string): void => {
    parts.push(Buffer.from(text));
  };
  const data = (content: string | Buffer): void => {
    const bytes = Buffer.from(content);
    say(`data ${bytes.length}\n`);
    parts.push(bytes);
    say('\n');
  };
  const seen = new Set<string>();
  for (const [index, commit] of commits.entries()) {
    const branch = `refs/heads/${commit.branch ?? 'main'}`;
    const who = `A <a@example.org> ${1_700_000_000 + (start + index) * 3600} +0000`;
    say(`commit ${branch}\nmark :${index + 1}\ncommitter ${who}\n`);
    data(commit.subject);
    if (start > 0 && !seen.has(branch)) say(`from ${branch}^0\n`);
    seen.add(branch);
    for (const [path, content] of Object.entries(commit.files)) {
      if (content === null) say(`D ${path}\n`);
      else {
        say(`M 100644 inline ${path}\n`);
        data(content);
      }
    }
    for (const tag of commit.tags ?? []) say(`reset refs/tags/${tag}\nfrom :${index + 1}\n\n`);
    for (const tag of commit.annotated ?? []) {
      say(`tag ${tag}\nfrom :${index + 1}\ntagger ${who}\n`);
      data(tag);
    }
  }
  say('done\n');
  execFileSync('git', [...KEEP_PACK, 'fast-import', '--quiet', '--done', '--force'], {
    cwd: folder,
    env: gitEnv,
    input: Buffer.concat(parts),
  });
}
