import type { Rejection } from '../../model/series-effect.ts';
import type { PatchFile } from './patch.ts';

type Refusal = Pick<Rejection, 'path' | 'hunk' | 'reason'>;

/** What git's words mean, in the order in which they are looked for; `$1` is the path. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/^(.+): does not exist in index$/m, 'the base has no such file'],
  [/^(.+): already exists in index$/m, 'the diff creates a file that the base has'],
  [/^invalid path '(.+)'$/m, 'the path is not one that a tree may hold'],
  [/^affected file '(.+)' is beyond a symbolic link$/m, 'the path leads through a symbolic link'],
  [/^(.+): has type (?:\d+), expected (?:\d+)$/m, 'the base has something of another type there'],
  [/^(.+): wrong type$/m, 'the base has something of another type there'],
  [/^(.+): contents do not match/m, 'the file that the diff removes is another one in the base'],
];

/** Reads out of git's errors which file and hunk a patch was refused for. `output` is what `git apply --verbose` said. */
export function readRefusal(output: string, files: readonly PatchFile[]): Refusal {
  const said = output
    .split('\n')
    .filter((line) => line.startsWith('error: ') && !line.startsWith('error: while searching for:'))
    .map((line) => line.slice('error: '.length));
  const text = said.join('\n');
  const failed = /^patch failed: (.+):(\d+)$/m.exec(text);
  if (failed !== null) {
    const [, path = '', line = ''] = failed;
    const hunk = hunkAt(files, path, Number(line));
    return { path, hunk, reason: 'the lines that the hunk expects are not at the base' };
  }
  for (const [form, reason] of MEANINGS) {
    const path = form.exec(text)?.[1];
    if (path !== undefined) return { path, hunk: null, reason };
  }
  const first = said[0] ?? output.trim().split('\n')[0] ?? '';
  return {
    path: null,
    hunk: null,
    reason: `git does not take the diff: ${first === '' ? 'it gives no reason' : first}`,
  };
}

function hunkAt(files: readonly PatchFile[], path: string, line: number): Rejection['hunk'] {
  const own = files.filter((file) => file.oldPath === path || file.newPath === path).flatMap(({ hunks }) => hunks);
  const at = own.findIndex(({ oldStart }) => oldStart === line);
  const hunk = own[at];
  return hunk === undefined ? null : { number: at + 1, header: hunk.header };
}

/** Hunks that git placed at other lines than the diff says. */
export const offsetsIn = (output: string): number =>
  [...output.matchAll(/^Hunk #\d+ succeeded at \d+ \(offset -?\d+ lines?\)\.$/gm)].length;
