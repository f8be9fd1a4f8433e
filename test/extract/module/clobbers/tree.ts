import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extractClobbers } from '../../../../pipeline/extract/module/clobbers/extract.ts';
import type { TreeFile } from '../../../../pipeline/extract/module/clobbers/tree.ts';
import type { ClobberFacts } from '../../../../pipeline/model/clobber.ts';

const BASE = fileURLToPath(new URL('../../../../fixtures/clobbers/base', import.meta.url));

function walk(folder: string): readonly string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? walk(path) : [path];
    });
}

/** The files of the synthetic module by path. */
export const baseTree = (): Map<string, TreeFile> =>
  new Map(walk(BASE).map((path) => [relative(BASE, path), { text: readFileSync(path, 'utf8'), blob: null }]));

/** The synthetic module with one text of one file replaced; the text must be there, once. */
export function mutated(path: string, from: string, to: string): Map<string, TreeFile> {
  const tree = baseTree();
  const text = tree.get(path)?.text ?? '';
  if (text.split(from).length !== 2) throw new Error(`${path} does not hold this text once: ${from}`);
  return tree.set(path, { text: text.replace(from, () => to), blob: null });
}

export const SOURCE = { repository: 'example/module', revision: 'a'.repeat(40), path: 'src', blob: null };
export const clobbersOf = (files: ReadonlyMap<string, TreeFile>): ClobberFacts =>
  extractClobbers({ release: '9.0', source: SOURCE, files });

/** `guard: exit` of each transition of an MSR. */
export const exitsOf = (facts: ClobberFacts, msr: string): readonly string[] =>
  facts.msrs.filter((item) => item.msr === msr).map((item) => `${item.guard ?? 'always'}: ${item.exit}`);
