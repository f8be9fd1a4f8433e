import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';

test('bash completes commands, releases, kernels, rules and features, as bash itself says', async () => {
  const folder = temporaryFolder();
  const script = join(folder, 'complete.bash');
  writeFileSync(script, (await bitwatch(['completion', 'bash'])).stdout);
  const complete = (...words: readonly string[]): readonly string[] =>
    execFileSync(
      'bash',
      [
        '-c',
        'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bitwatch; printf "%s\\n" "${COMPREPLY[@]}"',
        'bash',
        script,
        'bitwatch',
        ...words,
      ],
      { cwd: folder, encoding: 'utf8' },
    )
      .trim()
      .split('\n');
  expect(complete('rev')).toEqual(['review']);
  expect(complete('review', '2.0.1')).toEqual(['2.0.18', '2.0.16', '2.0.12']);
  expect(complete('review', '2.0.08', '--kvm', '6.18')).toEqual(['6.18.35', '6.18.2']);
  expect(complete('check', '--fail-on', 'w')).toEqual(['warning']);
  expect(complete('explain', 'WRMSRN')).toEqual(['WRMSRNS']);
  expect(complete('explain', 'facts-m')).toEqual(['facts-missing']);
  expect(complete('list', 'k')).toEqual(['kernels']);
});

test.each(['zsh', 'fish'])('%s knows the same', async (shell) => {
  const { stdout } = await bitwatch(['completion', shell]);
  for (const word of ['review', '2.0.18', '6.18.35', 'WRMSRNS', 'facts-missing']) expect(stdout).toContain(word);
});
