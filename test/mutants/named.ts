import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { Engine } from './engine.ts';

/** A mutant made by hand: `find` stands once in the file, and the tests that are to notice its replacement. */
const schema = z.array(
  z.strictObject({
    name: z.string(),
    says: z.string(),
    file: z.string(),
    find: z.string(),
    replace: z.string(),
    tests: z.array(z.string()).min(1),
  }),
);

/** Runs the named mutants, or those asked for; whether each stands where it is said to and is killed. */
export async function runNamed(
  root: string,
  state: string,
  names: readonly string[],
  print: (line: string) => void,
): Promise<boolean> {
  const all = schema.parse(parse(readFileSync(join(root, 'test/mutants/named.yaml'), 'utf8')));
  const sources = new Map<string, string>();
  const engine = await Engine.open(root, state, sources);
  let good = true;
  for (const { name, says, file, find, replace, tests } of all) {
    if (names.length > 0 && !names.includes(name)) continue;
    const parts = readFileSync(join(root, file), 'utf8').split(find);
    let how = parts.length === 2 ? 'SURVIVED' : `NOT FOUND ONCE in ${file}`;
    if (parts.length === 2) {
      sources.set(file, parts.join(replace));
      engine.changed(file);
      const { lines, failed } = await engine.run(tests, { mode: 'whole', id: -2 });
      const end = lines.find((line) => line.kind === 'end');
      if (failed || end !== undefined) how = `killed by ${end?.kind === 'end' ? end.name : tests[0]}`;
      sources.delete(file);
      engine.changed(file);
    }
    good &&= how.startsWith('killed');
    print(`${name.padEnd(4)} ${says}: ${how}`);
  }
  await engine.close();
  return good;
}
