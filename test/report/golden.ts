import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';

/** Compares a text with a file of the project; `UPDATE=1` rewrites the file instead. */
export function expectFile(file: string, content: string): void {
  if (process.env.UPDATE === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  expect(existsSync(file) ? readFileSync(file, 'utf8') : `no ${file}: run the tests with UPDATE=1`).toBe(content);
}

/** The files of a directory are exactly these; `UPDATE=1` removes others. */
export function expectOnly(directory: string, names: readonly string[]): void {
  const found = readdirSync(directory).sort();
  if (process.env.UPDATE === '1') for (const name of found) if (!names.includes(name)) rmSync(join(directory, name));
  expect(readdirSync(directory).sort()).toEqual([...names].sort());
}
