import { type GitOptions, lineBlocks, type Place, requireSuccess, streamGit } from './run.ts';

/** Small windows on the pack and a small delta cache: the same speed, a third of the memory. */
export const SMALL_WINDOWS: NonNullable<GitOptions['settings']> = [
  ['core.packedGitLimit', '32m'],
  ['core.packedGitWindowSize', '1m'],
  ['core.deltaBaseCacheLimit', '16m'],
];

/** Listings are read as they come, so that they may be longer than what is kept: this is for what never ends. */
export const MAX_STREAM = 64 * 1024 ** 3;

/** Runs git and hands on its output: whole lines, in pieces of many. */
export async function gitBlocks(
  place: Place,
  args: readonly string[],
  onBlock: (lines: Buffer) => void,
  input?: string,
): Promise<void> {
  const blocks = lineBlocks(onBlock);
  const options = {
    ...place,
    settings: SMALL_WINDOWS,
    maxBytes: MAX_STREAM,
    ...(input === undefined ? {} : { input }),
  };
  requireSuccess(place.path, args, await streamGit(args, options, blocks.take));
  blocks.end();
}

/** Runs git and hands on its output line by line, as latin1. */
export async function gitLines(
  place: Place,
  args: readonly string[],
  onLine: (line: string) => void,
  input?: string,
): Promise<void> {
  const onBlock = (block: Buffer): void => {
    const lines = block.toString('latin1').split('\n');
    if (lines.at(-1) === '') lines.pop();
    for (const line of lines) onLine(line);
  };
  await gitBlocks(place, args, onBlock, input);
}
