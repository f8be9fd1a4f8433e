import { basename } from 'node:path';
import { openCheckout } from '../git/checkout.ts';
import { EXIT, KnownError, UsageError } from '../model/errors.ts';
import { type Git, writeTree } from './tree.ts';

export type Proposal = {
  /** A checkout whose HEAD the branch is based on, with the remote `origin`. */
  readonly checkout: string;
  /** The folder that is to replace the one of its name at the top of the checkout. */
  readonly folder: string;
  readonly branch: string;
  readonly env: NodeJS.ProcessEnv;
};

/** What the branch would hold against HEAD: the new tree, and each file with `A`, `M` or `D`. */
export type Change = {
  readonly tree: string;
  readonly files: readonly { readonly kind: string; readonly path: string }[];
};
export type PushOutcome = 'unchanged' | 'pushed';

/** Whose commits these are; the address is that of GitHub's own bot. */
const NAME = 'github-actions[bot]';
const EMAIL = '41898282+github-actions[bot]@users.noreply.github.com';
const FETCHED = 'refs/bitwatch/proposed';

/** Compares a folder with that of HEAD; null where they are the same. Neither index nor work tree is touched. */
export async function changeOf(proposal: Proposal): Promise<Change | null> {
  const { git } = openCheckout(proposal.checkout, proposal.env);
  const name = basename(proposal.folder);
  const before = await git(['rev-parse', '--verify', '--end-of-options', `HEAD:${name}`]);
  const tree = await writeTree(git, proposal.folder);
  if (tree === before) return null;
  const fields = (await git(['diff-tree', '-r', '-z', '--no-renames', '--name-status', before, tree])).split('\0');
  const files = fields.flatMap((kind, index) => {
    const path = fields[index + 1];
    return index % 2 === 0 && path !== undefined && path !== '' ? [{ kind, path: `${name}/${path}` }] : [];
  });
  return { tree, files };
}

/**
 * Makes the branch at `origin` hold HEAD with the changed folder as one commit of ours. A branch that has it already is not
 * written. Throws (75) where somebody else's commit is on the branch: it is never overwritten.
 */
export async function pushChange(proposal: Proposal, change: Change, message: string): Promise<PushOutcome> {
  const { branch, folder } = proposal;
  const { git, fetching, pushing } = openCheckout(proposal.checkout, proposal.env);
  // The trees of the change were made for the look at it.
  await writeTree(git, folder);
  await git(['check-ref-format', '--branch', branch]).catch((error: unknown) => {
    throw new UsageError(`--branch: no branch name: ${JSON.stringify(branch)}`, { cause: error });
  });
  const ref = `refs/heads/${branch}`;
  // The pattern also matches refs that only end so.
  const listed = (await fetching(['ls-remote', 'origin', ref])).split('\n').map((line) => line.split('\t'));
  const tip = listed.find(([, name]) => name === ref)?.[0] ?? '';
  if (tip !== '') {
    await fetching(['fetch', '--quiet', '--no-tags', 'origin', `+${ref}:${FETCHED}`]);
    const there = await git(['rev-parse', '--quiet', '--verify', `${FETCHED}:${basename(folder)}`]).catch(() => '');
    if (there === change.tree) return 'unchanged';
    const author = await git(['log', '-1', '--format=%ae %ce', FETCHED]);
    if (author !== `${EMAIL} ${EMAIL}`)
      throw new KnownError(
        EXIT.incomplete,
        `the branch ${branch} has a commit of somebody else, which is not overwritten: merge it or delete the branch`,
      );
  }
  const commit = await commitOf(git, change, basename(folder), message);
  // Only over the tip that was looked at: what another run pushed meanwhile stays.
  await pushing(['push', '--quiet', `--force-with-lease=${ref}:${tip}`, 'origin', `${commit}:${ref}`]);
  return 'pushed';
}

async function commitOf(git: Git, { tree }: Change, name: string, message: string): Promise<string> {
  const top = (await git(['ls-tree', '-z', 'HEAD'])).split('\0').filter((entry) => entry !== '');
  const entries = [...top.filter((entry) => entry.split('\t')[1] !== name), `040000 tree ${tree}\t${name}`];
  const root = await git(['mktree', '-z'], entries.map((entry) => `${entry}\0`).join(''));
  return git(
    [
      '-c',
      `user.name=${NAME}`,
      '-c',
      `user.email=${EMAIL}`,
      'commit-tree',
      '--no-gpg-sign',
      '-p',
      'HEAD',
      '-F',
      '-',
      root,
    ],
    message,
  );
}
