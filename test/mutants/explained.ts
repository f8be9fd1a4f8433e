import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Mutant } from './mutate.ts';

const schema = z.array(
  z.strictObject({
    file: z.string(),
    text: z.string(),
    /** One change of the line as the tool prints it, or several with the same reason. */
    change: z.union([z.string(), z.array(z.string()).min(1)]),
    kind: z.enum(['equal', 'accepted']).default('equal'),
    reason: z.string().min(10),
  }),
);

/**
 * Why no test notices a mutant. `equal`: nobody can, so it does not count. `accepted`: one could, but what it would hold is not
 * worth a test; it counts as a survivor.
 */
export type Explained = {
  readonly file: string;
  readonly text: string;
  readonly change: string;
  readonly kind: 'equal' | 'accepted';
  readonly reason: string;
};

/** The mutants of equivalent.yaml, one for each change. */
export function explainedOf(root: string): readonly Explained[] {
  const all = schema.parse(parse(readFileSync(join(root, 'test/mutants/equivalent.yaml'), 'utf8')) ?? []);
  return all.flatMap(({ change, ...rest }) => [change].flat().map((each) => ({ ...rest, change: each })));
}

const keyOf = ({ file, text, change }: Pick<Mutant, 'file' | 'text' | 'change'>): string =>
  JSON.stringify([file, text, change]);

/** Asks for the entry of a mutant, by file, text of its line and change: lines may move. */
export function entryOf(entries: readonly Explained[]): (mutant: Mutant) => Explained | undefined {
  const byKey = new Map(entries.map((entry) => [keyOf(entry), entry]));
  return (mutant) => byKey.get(keyOf(mutant));
}

/** Entries that name no mutant of the sources. */
export function idleOf(entries: readonly Explained[], mutants: readonly Mutant[]): readonly Explained[] {
  const keys = new Set(mutants.map(keyOf));
  return entries.filter((entry) => !keys.has(keyOf(entry)));
}
