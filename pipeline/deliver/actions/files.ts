import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { writeFault } from '../../disk/fault.ts';

/**
 * Outputs in the form of the file that GITHUB_OUTPUT names: `name<<MARK`, the value, `MARK`. The mark is a hash of the value,
 * which no value can hold. (@actions/core does the same, with the environment of the process, which only cli.ts may touch.)
 */
export const outputsText = (outputs: Readonly<Record<string, string>>): string =>
  Object.entries(outputs)
    .map(([name, value]) => {
      const mark = `end_${createHash('sha256').update(value).digest('hex')}`;
      return `${name}<<${mark}\n${value}\n${mark}\n`;
    })
    .join('');

/** Appends to a file that the runner names; where it names none, as outside of a workflow, nothing is written. */
export function appendTo(file: string | undefined, text: string): void {
  if (file === undefined || file === '') return;
  try {
    appendFileSync(file, text);
  } catch (error) {
    throw writeFault(file, error);
  }
}
