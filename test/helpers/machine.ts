import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { ROOT } from './run.ts';

export const isRoot = getuid?.() === 0;

/** The program as a build leaves it, for what only a process of its own can show. */
export const CLI = join(ROOT, 'dist', 'pipeline', 'cli.js');

const MINORS = { null: '3', full: '7' } as const;

/** A device of our own: a fault in the program must not break the machine's. */
export function device(folder: string, name: keyof typeof MINORS): string {
  const path = join(folder, name);
  execFileSync('mknod', ['-m', '666', path, 'c', '1', MINORS[name]], { stdio: 'ignore' });
  return path;
}

/** Whether this user may make devices where tests write. */
export const canMakeDevices = ((): boolean => {
  const folder = mkdtempSync(join(tmpdir(), 'bitwatch-test-'));
  try {
    device(folder, 'null');
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
})();

/** Whether a run as another user than root can be had: for what root may and others may not. */
export const canDropRoot =
  isRoot &&
  existsSync(CLI) &&
  spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, CLI, '--version'])
    .status === 0;

export type Ended = { readonly status: number | null; readonly stdout: string; readonly stderr: string };

/** Runs the built program: as root's user `nobody` where that is asked for. */
export function program(
  args: readonly string[],
  options: { readonly cwd?: string; readonly asUser?: boolean; readonly input?: string } = {},
): Ended {
  const words = [process.execPath, CLI, ...args];
  const [command = '', ...rest] =
    options.asUser === true ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', ...words] : words;
  const { status, stdout, stderr } = spawnSync(command, rest, {
    cwd: options.cwd ?? tmpdir(),
    encoding: 'utf8',
    input: options.input ?? '',
    env: { PATH: process.env.PATH, HOME: '/nonexistent' },
    maxBuffer: 1 << 28,
  });
  return { status, stdout, stderr };
}
