import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { command } from './measure.ts';

const LIMITS = { open: 1000, repaint: 100, bytes: 2_000_000 } as const;

/** The page of the whole history in Chromium: from navigation to its ready mark, and from a choice to the second frame after it. */
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
    line(print, 'page: a release change repaints, the slowest of all', await repaintTime(page), LIMITS.repaint, 'ms');
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

/** Every step between neighbours and the longest jump; each the best of three, of those the worst. */
async function repaintTime(page: Page): Promise<number> {
  return page.evaluate<number>(`(async () => {
    const select = document.getElementById('to');
    const values = [...select.options].filter(({ disabled }) => !disabled).map(({ value }) => value);
    const show = (value) => new Promise((resolve) => {
      const start = performance.now();
      select.value = value;
      select.dispatchEvent(new Event('change'));
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now() - start)));
    });
    const order = [...values, values[0]];
    const least = order.map(() => Infinity);
    for (let run = 0; run < 3; run += 1)
      for (const [index, value] of order.entries()) least[index] = Math.min(least[index], await show(value));
    // The first of a round only sets out from where the last one ended.
    return Math.max(...least.slice(1));
  })()`);
}
