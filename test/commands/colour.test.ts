import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../pipeline/commands/run.ts';
import { coloured } from '../../pipeline/report/colour.ts';
import { temporaryFolder } from '../helpers/repository.ts';
import { ROOT } from '../helpers/run.ts';

/** What a command writes to standard output, a terminal or not. */
async function printed(args: readonly string[], isTerminal: boolean, env: NodeJS.ProcessEnv = {}): Promise<string> {
  let text = '';
  await run(args, {
    env,
    stdout: {
      write: (part) => {
        text += part;
      },
      isTerminal,
    },
    stderr: { write: () => {}, isTerminal: false },
    today: () => '2026-11-21',
    home: ROOT,
  });
  return text;
}
const ESCAPE = '\u001b[';
const bare = (text: string): string => text.replace(/\u001b\[\d+m/g, '');

test.each([['review 2.0.08 --kvm 6.16.1 --from 1.5.06'], ['status'], ['bits 2.0.08 --kvm 6.16.1']])(
  '%s has colour on a terminal only, and says the same',
  async (line) => {
    const args = line.split(' ');
    const piped = await printed(args, false);
    const shown = await printed(args, true);
    expect(piped).not.toContain(ESCAPE);
    expect(shown).toContain(ESCAPE);
    expect(bare(shown)).toBe(piped);
  },
);

test('NO_COLOR and --no-color win over a terminal and over FORCE_COLOR, which wins over a pipe', async () => {
  const status = (isTerminal: boolean, env: NodeJS.ProcessEnv, ...more: readonly string[]) =>
    printed(['status', ...more], isTerminal, env).then((text) => text.includes(ESCAPE));
  expect(await status(true, { NO_COLOR: '1' })).toBe(false);
  expect(await status(true, {}, '--no-color')).toBe(false);
  expect(await status(false, { FORCE_COLOR: '1' })).toBe(true);
  expect(await status(false, { FORCE_COLOR: '0' })).toBe(false);
  expect(await status(false, { FORCE_COLOR: '1', NO_COLOR: '1' })).toBe(false);
  expect(await status(true, { NO_COLOR: '' })).toBe(true);
});

test('files and JSON have none', async () => {
  const file = join(temporaryFolder(), 'review.txt');
  const review = ['review', '2.0.08', '--kvm', '6.16.1'];
  await printed([...review, '--out', `text=${file}`], true, { FORCE_COLOR: '1' });
  expect(readFileSync(file, 'utf8')).not.toContain(ESCAPE);
  expect(await printed([...review, '--json'], true, { FORCE_COLOR: '1' })).not.toContain(ESCAPE);
});

test('what nobody decided is red, what waits is yellow, what is kept back is green', () => {
  expect(coloured('1. Nobody decided, and KVM lets it through')).toBe(
    `${ESCAPE}31m1. Nobody decided, and KVM lets it through${ESCAPE}0m`,
  );
  expect(coloured('  decide 1, confirm 5')).toBe(`  ${ESCAPE}33mdecide 1${ESCAPE}0m, confirm 5`);
  expect(coloured('  decide 0')).toBe(`  ${ESCAPE}32mdecide 0${ESCAPE}0m`);
  expect(coloured('A denied  A exposed')).toBe(`A ${ESCAPE}32mdenied${ESCAPE}0m  A ${ESCAPE}31mexposed${ESCAPE}0m`);
  expect(coloured('undecided')).toBe('undecided');
});
