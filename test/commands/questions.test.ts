import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bitwatch, ROOT } from '../helpers/run.ts';

const page = readFileSync(join(ROOT, 'docs', 'questions.md'), 'utf8');
/** Each command of the page with the output that stands under it; those that name a made-up host cannot be run again. */
const shown = [...page.matchAll(/```\n(.*?)```/gs)]
  .flatMap(([, block = '']) => block.split(/^\$ bitwatch /m).slice(1))
  .map((text) => {
    const [command = '', ...output] = text.split('\n');
    return { command, output: output.join('\n').trimEnd() };
  })
  .filter(({ command }) => !command.includes('.json'));

test('the page has a command for each of the six questions', () => {
  expect(page.match(/^## /gm)).toHaveLength(7);
  expect(shown.length).toBeGreaterThanOrEqual(6);
});

test.each(shown)('$command prints what the page shows', async ({ command, output }) => {
  const { status, stdout } = await bitwatch(command.split(' '));
  expect(status).toBe(0);
  const isCut = output.endsWith('\n…');
  const whole = stdout.trimEnd();
  const wanted = isCut ? output.slice(0, -2) : output;
  expect(isCut ? whole.slice(0, wanted.length) : whole).toBe(wanted);
});
