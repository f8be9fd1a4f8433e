import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { command } from './measure.ts';

const LIMITS = { open: 1000, click: 100, bytes: 1_500_000 } as const;

/** The page of the whole history in Chromium: from navigation to its ready mark, and from a click to the second frame after it. */
export async function benchPage(print: (line: string) => void, cli: string): Promise<void> {
  const executablePath = process.env.BITWATCH_CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) return print('page: skipped, no Chromium (BITWATCH_CHROMIUM names one)');
  const directory = mkdtempSync(join(tmpdir(), 'bitwatch-bench-'));
  const file = join(directory, 'index.html');
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  try {
    command(process.execPath, [cli, 'report', '--out', `html=${file}`]);
    line(print, 'page: its size', statSync(file).size, LIMITS.bytes, 'bytes');
    const page = await browser.newPage({ viewport: { width: 1500, height: 950 } });
    line(print, 'page: from navigation to ready', await openTime(page, file), LIMITS.open, 'ms');
    for (const [what, hashes] of CLICKS)
      line(print, `page: ${what}, the slowest`, await clickTime(page, hashes), LIMITS.click, 'ms');
  } finally {
    await browser.close();
    rmSync(directory, { recursive: true });
  }
}

function line(print: (text: string) => void, what: string, value: number, limit: number, unit: string): void {
  const verdict = value <= limit ? 'ok' : 'OVER';
  print(`${what.padEnd(58)} ${value.toFixed(0).padStart(6)} ${unit} (limit ${limit}) ${verdict}`);
}

/** The best of several loads: what disturbs a load only adds. */
async function openTime(page: Page, file: string): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 5; run += 1) {
    await page.goto('about:blank');
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector('html[data-ready=yes]', { state: 'attached' });
    const ready = () => performance.getEntriesByName('bitwatch-ready')[0]?.startTime ?? Number.POSITIVE_INFINITY;
    least = Math.min(least, await page.evaluate(ready));
  }
  return least;
}

/** Where clicks go: every briefing of the map, then bits, then the bits of a release. */
const CLICKS = [
  ['a click on the map shows a briefing', "[...document.querySelectorAll('.map a')].map((each) => each.hash)"],
  [
    'a click on a bit shows its story',
    "['7.1.EAX[3]', '7.0.ECX[5]', '1.EDX[7]', '0xd.0.EAX[9]', '0x80000008.EAX[3]'].map((bit) => `#to=2.0.08&kvm=6.16.1&bit=${bit}`)",
  ],
  [
    'a click shows what changed of all bits',
    "['2.0.18', '2.0.16', '2.0.08', '1.5.16', '1.5.09'].map((to) => `#view=bits&to=${to}&kvm=6.16.1`)",
  ],
] as const;

/** Each click the best of three, of those the worst. */
async function clickTime(page: Page, hashes: string): Promise<number> {
  return page.evaluate<number>(`(async () => {
    const all = ${hashes};
    const show = (hash) => new Promise((resolve) => {
      const start = performance.now();
      location.hash = hash;
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
    });
    const least = all.map(() => Infinity);
    for (let run = 0; run < 3; run += 1)
      for (const [index, hash] of all.entries()) least[index] = Math.min(least[index], await show(hash));
    location.hash = '';
    await new Promise((resolve) => setTimeout(resolve, 100));
    return Math.max(...least);
  })()`);
}
