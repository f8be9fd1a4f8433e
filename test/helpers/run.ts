import { join } from 'node:path';
import { run } from '../../pipeline/commands/run.ts';
import type { Timing } from '../../pipeline/deliver/github/client.ts';

export type RunResult = { readonly status: number; readonly stdout: string; readonly stderr: string };

/** The repository's root: its own `specs/` are what a user gets. */
export const ROOT = join(import.meta.dirname, '..', '..');

/** Runs the command line in this process, as `cli.ts` would. */
export async function bitwatch(
  args: readonly string[],
  options: {
    readonly env?: NodeJS.ProcessEnv;
    readonly today?: string;
    readonly home?: string;
    readonly timing?: Timing;
  } = {},
): Promise<RunResult> {
  let stdout = '';
  let stderr = '';
  const status = await run(args, {
    env: options.env ?? { PATH: process.env.PATH, HOME: '/nonexistent' },
    stdout: {
      write: (text) => {
        stdout += text;
      },
      isTerminal: false,
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
      isTerminal: false,
    },
    today: () => options.today ?? '2026-11-21',
    home: options.home ?? ROOT,
    ...(options.timing === undefined ? {} : { timing: options.timing }),
  });
  return { status, stdout, stderr };
}
