import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NoInputError } from '../model/errors.ts';
import type { ArchiveKind } from './state.ts';

/** An archive on disk. `name` is how reports and the state call it. */
export type Archive = {
  readonly name: string;
  readonly path: string;
  readonly kind: ArchiveKind;
  /** What a git that reads it may know of the run's environment. */
  readonly env: NodeJS.ProcessEnv;
};

async function entriesOf(path: string): Promise<ReadonlySet<string>> {
  try {
    return new Set(await readdir(path));
  } catch (cause) {
    throw new NoInputError(`${path}: no such archive`, { cause });
  }
}

/** The epochs of a public-inbox v2 inbox: `git/0.git`, `git/1.git`, …, or `0.git`, `1.git`, … */
async function epochsOf(path: string, names: ReadonlySet<string>): Promise<readonly string[]> {
  const inner = names.has('git') ? join(path, 'git') : path;
  const epochs = [...(inner === path ? names : await entriesOf(inner))].filter((name) => /^\d+\.git$/.test(name));
  return epochs.sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).map((name) => join(inner, name));
}

async function fileKind(path: string): Promise<ArchiveKind> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(64), 0, 64, 0);
    const start = buffer.toString('latin1', 0, bytesRead);
    if (start.startsWith('From mboxrd@') || path.endsWith('.mboxrd')) return 'mboxrd';
    return start.startsWith('From ') ? 'mbox' : 'eml';
  } finally {
    await file.close();
  }
}

/**
 * The archives at a path: a git repository (bare or with `.git`), an inbox of several epochs, a maildir, an mbox or mboxrd, or a
 * single mail. Throws NoInputError where there is none.
 */
export async function locateArchives(path: string, env: NodeJS.ProcessEnv): Promise<readonly Archive[]> {
  const info = await stat(path).catch((cause: unknown) => {
    throw new NoInputError(`${path}: no such archive`, { cause });
  });
  if (!info.isDirectory()) return [{ name: path, path, env, kind: await fileKind(path) }];
  const names = await entriesOf(path);
  if (names.has('HEAD') && names.has('objects')) return [{ name: path, path, env, kind: 'git' }];
  if (names.has('.git')) return [{ name: path, path, env, kind: 'git' }];
  if (names.has('cur') || names.has('new')) return [{ name: path, path, env, kind: 'maildir' }];
  const epochs = await epochsOf(path, names);
  if (epochs.length === 0) throw new NoInputError(`${path}: neither git repository, inbox, maildir nor mail`);
  return epochs.map((epoch) => ({ name: epoch, path: epoch, env, kind: 'git' }));
}
