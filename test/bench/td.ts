import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadRelease } from '../../pipeline/specs/one-release.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import { hostFor } from '../helpers/td.ts';
import { best, bestOfEach, command } from './measure.ts';

const RELEASE = '1.5.06';
const LIMITS = { one: 100, lines: 1000 } as const;
const LINES = 10_000;

/** What a case costs above the bare start of Node, in one run with it, and how many lines of a batch a second answers. */
export async function benchTd(print: (line: string) => void, root: string, cli: string): Promise<void> {
  const found = await loadRelease(join(root, 'specs'), RELEASE, NO_CACHE);
  if (found === null) throw new Error(`${RELEASE} is not in specs/`);
  const folder = mkdtempSync(join(tmpdir(), 'bitwatch-bench-'));
  try {
    const host = [...hostFor(found).leaves].map(([key, [eax, ebx, ecx, edx]]) => {
      const [leaf, subleaf] = key.split('.').map(Number);
      return { leaf, subleaf, eax, ebx, ecx, edx };
    });
    const [hosts, one, many] = ['host.json', 'case.json', 'cases.jsonl'].map((name) => join(folder, name));
    if (hosts === undefined || one === undefined || many === undefined) throw new Error('three names');
    writeFileSync(hosts, JSON.stringify({ host }));
    writeFileSync(one, JSON.stringify({ hostFile: hosts, xfam: 7 }));
    writeFileSync(many, `${JSON.stringify({ hostFile: hosts, xfam: 7 })}\n`.repeat(LINES));
    const [start, answer] = bestOfEach(15, [
      () => command(process.execPath, ['-e', '0']),
      () => command(process.execPath, [cli, 'td', RELEASE, one, '--json']),
    ]);
    const above = answer - start;
    print(
      `td: one case above the start of Node (${start.toFixed(0)} ms): ${above.toFixed(0)} ms (limit ${LIMITS.one} ms) ${above <= LIMITS.one ? 'ok' : 'OVER'}`,
    );
    const took = best(2, () => command(process.execPath, [cli, 'td', RELEASE, '--batch', many]));
    const rate = (LINES * 1000) / took;
    print(
      `td: lines of a batch a second: ${rate.toFixed(0)} (at least ${LIMITS.lines}) ${rate >= LIMITS.lines ? 'ok' : 'UNDER'}`,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
