import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';
import { ROOT } from './run.ts';

const path = process.env.BITWATCH_CHROMIUM ?? '/usr/bin/chromium';

/** True where tests in a browser cannot run. On a forge that is no excuse: there the browser's absence fails them. */
export const hasNoBrowser = !existsSync(path) && process.env.CI === undefined;
export const browserTitle = hasNoBrowser ? ' (skipped: no Chromium, BITWATCH_CHROMIUM names none)' : '';

/** Drawn without a GPU: where there is none, one that is emulated takes longer. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: path, args: ['--no-sandbox', '--disable-gpu'] });

/** Where screenshots are left for a person to look at; not part of the repository. */
export function screenshotPath(name: string): string {
  const directory = join(ROOT, 'artifacts', 'screenshots');
  mkdirSync(directory, { recursive: true });
  return join(directory, `${name}.png`);
}
