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
    /** Which of the same changes of the same text in the file, from 1, in its order; all of them where it is not said. */
    nth: z.union([z.int().min(1), z.array(z.int().min(1)).min(1)]).optional(),
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
  readonly nth: readonly number[] | null;
  readonly kind: 'equal' | 'accepted';
  readonly reason: string;
};

/** The entries of equivalent.yaml, one for each change. */
export function explainedOf(root: string): readonly Explained[] {
  const all = schema.parse(parse(readFileSync(join(root, 'test/mutants/equivalent.yaml'), 'utf8')) ?? []);
  return all.flatMap(({ change, nth, ...rest }) =>
    [change].flat().map((each) => ({ ...rest, change: each, nth: nth === undefined ? null : [nth].flat() })),
  );
}

const keyOf = ({ file, text, change }: Pick<Mutant, 'file' | 'text' | 'change'>): string =>
  JSON.stringify([file, text, change]);

/**
 * The entries of mutants by their ids, and the entries that name none. By file, text of the line and change, for lines may move;
 * `mutants` are all, in the order of their files.
 */
export function joined(
  entries: readonly Explained[],
  mutants: readonly Mutant[],
): { readonly byId: ReadonlyMap<number, Explained>; readonly idle: readonly Explained[] } {
  const keys = entries.map(keyOf);
  const counts = new Map<string, number>();
  const byId = new Map<number, Explained>();
  for (const mutant of mutants) {
    const key = keyOf(mutant);
    const nth = (counts.get(key) ?? 0) + 1;
    counts.set(key, nth);
    const entry = entries.find((each, at) => keys[at] === key && (each.nth === null || each.nth.includes(nth)));
    if (entry !== undefined) byId.set(mutant.id, entry);
  }
  const used = new Set(byId.values());
  return { byId, idle: entries.filter((entry) => !used.has(entry)) };
}
