import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axeCore from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { html } from '../../../pipeline/report/html/page.ts';
import { viewOf } from '../../../pipeline/report/view.ts';
import { bitFacts } from '../../helpers/bit-facts.ts';
import { browserTitle, hasNoBrowser, launchBrowser, screenshotPath } from '../../helpers/browser.ts';
import { bitwatch } from '../../helpers/run.ts';
import { reportOf } from '../builder.ts';
import { HOSTILE } from '../hostile.ts';

const QUESTION = '#from=1.5.06&to=2.0.08&kvm=6.16.1';

describe.skipIf(hasNoBrowser)(`the page in Chromium${browserTitle}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'bitwatch-page-'));
  const file = (name: string): string => join(directory, `${name}.html`);
  const problems: string[] = [];
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    await bitwatch(['report', '--out', `html=${file('real')}`]);
    writeFileSync(file('made'), html(viewOf(reportOf('plain'), 'A made page', bitFacts())));
    const hostile = HOSTILE.join(' ');
    writeFileSync(file('hostile'), html(viewOf(reportOf(hostile), hostile, bitFacts(hostile))));
    writeFileSync(file('findings'), html(viewOf(reportOf('plain'))));
    browser = await launchBrowser();
    page = await browser.newPage();
    page.setDefaultTimeout(10_000);
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('dialog', (dialog) => problems.push(`dialog ${dialog.message()}`));
    page.on('request', (request) => {
      if (!/^(file|data):/.test(request.url())) problems.push(`request ${request.url()}`);
    });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true });
  });

  async function open(name: string, hash = '', viewport = { width: 1500, height: 950 }): Promise<void> {
    await page.setViewportSize(viewport);
    await page.goto('about:blank');
    await page.goto(`${pathToFileURL(file(name)).href}${hash}`);
    await page.waitForFunction(() => document.documentElement.dataset.ready === 'yes');
  }
  const text = (selector: string): Promise<string> => page.locator(selector).innerText();
  const hash = async (): Promise<string> => {
    // The address follows the selection a moment later.
    await page.waitForTimeout(150);
    return decodeURIComponent(new URL(page.url()).hash);
  };
  const cell = (label: RegExp | string) => page.locator('#grid td').and(page.getByLabel(label)).first();
  const focused = (): Promise<string> =>
    page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.id ?? '');
  /** Lays out what is out of view too, and opens all that is folded away. */
  const renderAll = (): Promise<void> =>
    page.evaluate(() => {
      for (const details of document.querySelectorAll('details')) details.open = true;
      for (const part of document.querySelectorAll<HTMLElement>('#timeline, #findings, #read, #grid tr'))
        part.style.contentVisibility = 'visible';
    });
  async function axe(): Promise<readonly string[]> {
    await page.evaluate(axeCore.source);
    return page.evaluate(async () => {
      const { axe: tool } = globalThis as unknown as { readonly axe: typeof axeCore };
      const { violations } = await tool.run();
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
    });
  }

  test('answers what 2.0.08 made configurable against 1.5.06 and what KVM 6.16 does, from the fields at its top', async () => {
    await open('real');
    await page.getByLabel('From release').selectOption('1.5.06');
    await page.getByLabel('to release').selectOption('2.0.08');
    await page.getByLabel('under KVM').selectOption('6.16.1');
    expect(await text('#summary')).toMatch(
      /^2\.0\.08 makes \d+ bits configurable that 1\.5\.06 did not offer; under KVM 6\.16\.1: \d+ exposed/,
    );
    const group = page.locator('#changes details').first();
    expect(await group.locator('h3').innerText()).toBe('Became configurable');
    const row = group.getByRole('row').filter({ hasText: 'CORE_CAPABILITIES' }).first();
    const cells = await row.locator('th, td').allInnerTexts();
    expect(cells.map((each) => each.replace(/\s+/g, ' ').trim())).toEqual([
      '7.0.EDX[30] CORE_CAPABILITIES',
      'fixed-1 → allow-direct',
      '+ passed',
      'needs the VMM’s help',
    ]);
    await page.screenshot({ path: screenshotPath('question') });
  });

  test('shows each register as a row of a real table with 32 columns, signs and names', async () => {
    await open('real', QUESTION);
    expect(await page.locator('#grid caption').textContent()).toBe(
      'CPUID bits of TDX module 2.0.08, changes against 1.5.06 framed, verdicts of KVM 6.16.1',
    );
    expect(await page.locator('#grid thead th[scope=col]').count()).toBe(33);
    const rows = await page.locator('#grid tbody tr').count();
    expect(await page.locator('#grid tbody th[scope=row]').count()).toBe(rows);
    expect(await page.locator('#grid td').count()).toBe(rows * 32);
    const bit = cell('7.0.EDX[30] CORE_CAPABILITIES');
    expect(await bit.getAttribute('aria-label')).toBe(
      '7.0.EDX[30] CORE_CAPABILITIES: allow-direct, changed from fixed-1, passed, needs the VMM’s help',
    );
    expect(await bit.innerText()).toBe('A');
    expect(await bit.getAttribute('data-verdict')).toBe('+');
    expect(await bit.getAttribute('class')).toContain('changed');
  });

  test('narrows matrix and list by name, leaf, class, verdict and host state, and says how far', async () => {
    await open('real', QUESTION);
    await page.keyboard.press('/');
    expect(await focused()).toBe('query');
    await page.keyboard.type('waitpkg');
    expect(await text('#matched')).toBe('The filter passes 1 bit in 1 register.');
    expect(await page.locator('#grid tbody tr:not([hidden])').count()).toBe(1);
    expect(await text('#changes')).toContain('No changed bit passes the filter');
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.locator('#verdict').selectOption('denied');
    expect(await text('#matched')).toBe('The filter passes 3 bits in 2 registers.');
    await page.locator('#host').selectOption('clobber');
    expect(await text('#matched')).toBe('The filter passes 3 bits in 2 registers.');
    await page.locator('#leaf').selectOption('7.0');
    await page.locator('#class').selectOption('fixed-1');
    expect(await text('#matched')).toBe('The filter passes 0 bits in 0 registers.');
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByLabel('changed bits only').check();
    // Rows out of view are painted a moment later.
    const shown = page.locator('#grid tr:not([hidden]) td:not(.off)');
    await expect.poll(() => shown.count()).toBe(await page.locator('#grid td.changed').count());
    await page.screenshot({ path: screenshotPath('filtered') });
  });

  test('walks the matrix with the arrow keys; Enter opens a story, Esc goes back', async () => {
    await open('real', `${QUESTION}&leaf=7.0`);
    await page.locator('#grid td[tabindex="0"]').focus();
    expect(await focused()).toMatch(/^7\.0\.EAX\[31\]/);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('End');
    expect(await focused()).toMatch(/^7\.0\.EBX\[0\]/);
    for (let step = 0; step < 4; step += 1) await page.keyboard.press('ArrowLeft');
    expect(await focused()).toMatch(/^7\.0\.EBX\[4\] HLE/);
    expect(await page.locator('#grid td[tabindex="0"]').count()).toBe(1);
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('story-title');
    const story = await text('#story');
    for (const part of ['7.0.EBX[4] HLE', 'denied', 'TSX_CTRL', 'tdx.c:121', 'no mail archive was searched'])
      expect(story).toContain(part);
    expect(await hash()).toContain('bit=7.0.EBX[4]');
    expect(await page.locator('#grid td[aria-selected=true]').getAttribute('aria-label')).toMatch(/^7\.0\.EBX\[4\]/);
    await page.screenshot({ path: screenshotPath('story') });
    await page.keyboard.press('Escape');
    expect(await focused()).toMatch(/^7\.0\.EBX\[4\] HLE/);
    expect(await page.locator('#story').isVisible()).toBe(false);
    await page.keyboard.press('Control+End');
    expect(await focused()).toMatch(/^7\.0\.EDX\[0\]/);
  });

  test('keeps the selection in the address, so that a view can be linked', async () => {
    await open('real', QUESTION);
    await page.getByRole('button', { name: 'Newer release' }).click();
    await page.getByLabel('Bit or feature name').fill('7.1.eax');
    await page.getByLabel('changed bits only').check();
    await page.locator('#changes button.bit').first().click();
    const link = await hash();
    expect(link).toBe('#from=1.5.06&to=2.0.12&kvm=6.16.1&q=7.1.eax&changed=1&bit=7.1.EAX[0]');
    const seen = async () => [await text('#summary'), await text('#matched'), await text('#story')];
    const before = await seen();
    await open('real', link);
    expect(await seen()).toEqual(before);
    expect(await hash()).toBe(link);
  });

  test('goes to its parts without losing the selection', async () => {
    await open('made', '#to=old');
    await page.getByRole('navigation').getByText('Bits per release').click();
    expect(await focused()).toBe('timeline');
    expect(await hash()).toBe('#to=old');
    expect(await text('#summary')).toContain('old');
  });

  test('passes over an address that names nothing known', async () => {
    await open('made', '#from=9.9&to=%3Cb%3E&kvm=x&leaf=y&class=z&verdict=q&bit=7.0.EAX%5B99%5D');
    expect(await text('#matched')).toMatch(/^\d+ bits in \d+ registers\.$/);
    expect(await page.locator('#story').isVisible()).toBe(false);
  });

  test('shows what another KVM version says, each verdict with its sign', async () => {
    await open('made');
    const bit = cell(/^7\.1\.EAX\[1\] ALPHA/);
    expect(await bit.getAttribute('data-verdict')).toBe('!');
    await page.getByLabel('under KVM').selectOption({ index: 1 });
    expect(await bit.getAttribute('data-verdict')).toBe('?');
    expect(await text('#summary')).toContain('needs-optin');
    await page.getByLabel('show KVM’s verdict').uncheck();
    expect(await hash()).toContain('show=class');
    await bit.click();
    const story = await text('#story');
    for (const part of ['Verdict of KVM 6.1 (denylist)', 'Verdict of KVM 7.0 plain (allowlist)', 'clobbers host state'])
      expect(story).toContain(part);
    expect(await page.locator('#story a').first().getAttribute('href')).toBe(
      `https://github.com/example/module/blob/${'a'.repeat(40)}/tables.c#L1`,
    );
  });

  test('steps through the releases with the slider, and names each to a screen reader', async () => {
    await open('made');
    const slider = page.getByLabel('Step through releases');
    expect(await slider.getAttribute('aria-valuetext')).toBe('new');
    await slider.focus();
    await page.keyboard.press('ArrowRight');
    expect(await slider.getAttribute('aria-valuetext')).toBe('next plain');
    expect(await text('#summary')).toContain('next plain');
    expect(await page.getByRole('button', { name: 'Newer release' }).isDisabled()).toBe(true);
    expect(await page.locator('#summary').getAttribute('aria-live')).toBe('polite');
  });

  test('plots the bits per release, with the numbers as a table', async () => {
    await open('real', QUESTION);
    expect(await page.locator('#plots svg').count()).toBe(4);
    await page.getByText('The numbers').click();
    await page.locator('#numbers table').waitFor();
    expect(await text('#numbers')).toMatch(/2\.0\.14\s+not read/);
    expect(await page.locator('#read').textContent()).toMatch(/2\.0\.14known by name only/);
  });

  test('says what changed beside the bits of the table, and what is not known of it', async () => {
    await open('made');
    expect((await text('#beyond')).split('\n')).toEqual([
      'TDX_FEATURES0: not known for old, not compared.',
      'Leaves outside of the table that read as 0 instead of #VE: gone 0xa.',
    ]);
    await cell(/^0xa\.EAX\[0\]/).click();
    expect(await text('#story')).toContain('among the leaves that read as 0 instead of #VE');
  });

  test('shows texts of sources as text', async () => {
    await open('hostile');
    await renderAll();
    await cell(/^7\.1\.EAX\[2\]/).click();
    const seen = await page.evaluate(() => ({
      elements: document.querySelectorAll('main script, main img, main b, main iframe, main a[href^="javascript"]')
        .length,
      text: document.body.innerText,
    }));
    expect(seen.elements).toBe(0);
    expect(seen.text).toContain('<script>alert(1)</script>');
    expect(seen.text).not.toMatch(/[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069]/);
  });

  test('shows the text of a report that has no bits', async () => {
    await page.goto(pathToFileURL(file('findings')).href);
    expect(await text('main')).toContain('What was read');
  });

  test.each(['light', 'dark'] as const)('has no serious finding of axe, %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await open('made');
    await renderAll();
    expect(await axe()).toEqual([]);
    await cell(/^7\.1\.EAX\[1\] ALPHA/).click();
    await renderAll();
    expect(await axe()).toEqual([]);
    await open('real', `${QUESTION}&leaf=7.1`);
    await page.screenshot({ path: screenshotPath(`${colorScheme}`), fullPage: true });
    await page.emulateMedia({ colorScheme: 'light' });
  });

  test('reflows at 400 % zoom: only the matrix and wide tables scroll sideways, in their own boxes', async () => {
    await open('real', QUESTION, { width: 320, height: 256 });
    const width = () => page.evaluate(() => document.documentElement.scrollWidth);
    expect(await width()).toBe(320);
    await page.locator('#grid td[tabindex="0"]').focus();
    for (let step = 0; step < 31; step += 1) await page.keyboard.press('ArrowRight');
    for (let step = 0; step < 31; step += 1) await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowDown');
    const { left, right } = await page.evaluate(() => {
      const box = document.activeElement?.getBoundingClientRect();
      const head = document.activeElement?.parentElement?.querySelector('th')?.getBoundingClientRect();
      return { left: box?.left ?? 0, right: head?.right ?? 0 };
    });
    // What has the focus is not under the row's head, which stays in view.
    expect(left).toBeGreaterThanOrEqual(right - 1);
    await page.keyboard.press('Enter');
    expect(await width()).toBe(320);
    await renderAll();
    await page.waitForTimeout(100);
    expect(await width()).toBe(320);
    await page.screenshot({ path: screenshotPath('zoom-400') });
  });

  test('prints what was chosen and found, without its fields for filtering', async () => {
    await open('real', `${QUESTION}&leaf=7.1`);
    await page.emulateMedia({ media: 'print' });
    expect(await page.locator('.filter').isVisible()).toBe(false);
    expect(await page.locator('#summary').isVisible()).toBe(true);
    await page.screenshot({ path: screenshotPath('print') });
    await page.emulateMedia({ media: 'screen' });
  });

  test('asked nothing of any host and wrote no error, in all of the above', () => {
    expect(problems).toEqual([]);
  });
});
