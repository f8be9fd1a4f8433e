import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axeCore from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reviewFacts } from '../../../pipeline/cases/review.ts';
import { briefingOf } from '../../../pipeline/report/briefing.ts';
import { briefingText } from '../../../pipeline/report/briefing-text.ts';
import { html } from '../../../pipeline/report/html/page.ts';
import { viewOf } from '../../../pipeline/report/view.ts';
import type { Specs } from '../../../pipeline/specs/store.ts';
import { browserTitle, hasNoBrowser, launchBrowser, screenshotPath } from '../../helpers/browser.ts';
import { pageFacts } from '../../helpers/page-facts.ts';
import { bitwatch } from '../../helpers/run.ts';
import { shippedSpecs } from '../../helpers/specs.ts';
import { reportOf } from '../builder.ts';
import { HOSTILE } from '../hostile.ts';

const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];
const QUESTION = '#to=2.0.08&from=1.5.06&kvm=6.16.1';

describe.skipIf(hasNoBrowser)(`the page in Chromium${browserTitle}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'bitwatch-page-'));
  const file = (name: string): string => join(directory, `${name}.html`);
  const problems: string[] = [];
  let browser: Browser;
  let page: Page;
  let specs: Specs;

  beforeAll(async () => {
    specs = await shippedSpecs();
    await bitwatch(['report', '--out', `html=${file('real')}`]);
    writeFileSync(file('made'), html(viewOf(reportOf('plain'), 'A made page', pageFacts())));
    const hostile = HOSTILE.join(' ');
    writeFileSync(file('hostile'), html(viewOf(reportOf(hostile), hostile, pageFacts(hostile))));
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
    // What is copied can be read without asking the machine for its clipboard.
    await page.addInitScript(() => {
      Object.defineProperty(navigator, 'clipboard', {
        value: {
          writeText: async (text: string) => {
            document.documentElement.dataset.copied = text;
          },
        },
      });
    });
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true });
  });

  async function open(name: string, hash = '', viewport = { width: 1280, height: 900 }): Promise<void> {
    await page.setViewportSize(viewport);
    await page.goto('about:blank');
    await page.goto(`${pathToFileURL(file(name)).href}${hash}`);
    await page.waitForFunction(() => document.documentElement.dataset.ready === 'yes');
  }
  const text = (selector: string): Promise<string> => page.locator(selector).innerText();
  const hash = (): string => decodeURIComponent(new URL(page.url()).hash);
  const focused = (): Promise<string> =>
    page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent || '');
  const search = async (query: string): Promise<void> => {
    await page.keyboard.press('/');
    expect(await focused()).toBe('query');
    await page.locator('#query').fill(query);
    await page.keyboard.press('Enter');
  };
  const openAll = (): Promise<void> =>
    page.evaluate(async () => {
      // What is opened may hold more that is closed.
      for (let shut = [...document.querySelectorAll('details')]; shut.length > 0; ) {
        for (const details of shut) details.open = true;
        await new Promise((resolve) => setTimeout(resolve, 30));
        shut = [...document.querySelectorAll<HTMLDetailsElement>('details:not([open])')];
      }
    });
  /** What breaks a rule of axe: of all that it has on, or of these alone. */
  async function axe(rules?: string[]): Promise<readonly string[]> {
    return page.evaluate(async (values) => {
      const { axe: tool } = globalThis as unknown as { readonly axe: typeof axeCore };
      const only = values === undefined ? {} : { runOnly: { type: 'rule' as const, values } };
      const { violations } = await tool.run({ ...only, resultTypes: ['violations'] });
      return violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes[0]?.html}`);
    }, rules);
  }
  const briefing = (to: string, from: string | null, kvm: string): string => {
    const named = (name: string | null) => specs.releases.find(({ module }) => module.release === name) ?? null;
    const policy = specs.policies.find(({ version }) => version === kvm) ?? null;
    const release = named(to);
    if (release === null) throw new Error(`no release ${to}`);
    const facts = reviewFacts(specs, { release, since: named(from), policies: [policy] }, '2026-11-21');
    const [review] = facts.reviews;
    if (review?.kind !== 'release') throw new Error('no review of a release');
    return briefingText(briefingOf(review, facts.coverage));
  };

  test('opens on a map of releases by KVM versions, each cell with a shape and words', async () => {
    await open('real');
    expect(await page.locator('.map thead th').allInnerTexts()).toEqual([
      expect.stringContaining('KVM'),
      ...specs.policies.map(({ version }) => version).reverse(),
    ]);
    const cell = (release: string, kvm: string) =>
      page.locator('.map a').and(page.getByRole('link', { name: `${release} on KVM ${kvm}: ` }));
    expect(await cell('2.0.08', '6.16.1').innerText()).toMatch(/◆\s*1\s+decide$/);
    expect(await cell('2.0.18', '7.1.5').innerText()).toMatch(/◆\s*1 old\s+decide$/);
    expect(await cell('1.0.03', '7.1.5').innerText()).toMatch(/×\s+cannot run$/);
    expect(await page.getByRole('link', { name: '2.0.04 on KVM 6.17: 2 confirm', exact: true }).count()).toBe(1);
    expect(await page.locator('.map tr.unread').first().innerText()).toMatch(
      /^2\.0\.14\s+known by name only, not read/,
    );
    expect(await page.locator('.map a[aria-current]').innerText()).toMatch(/^2\.0\.18 on KVM 7\.1\.5/);
    await page.screenshot({ path: screenshotPath('map') });
  });

  test('shows the briefing of a cell beside the map, against the predecessor or what the reader picks', async () => {
    await open('real');
    await page.getByRole('link', { name: '2.0.08 on KVM 6.16.1: ' }).click();
    await expect.poll(() => text('#title')).toBe('TDX module 2.0.08 on KVM 6.16.1, coming from 1.5.16');
    expect(await focused()).toBe('title');
    expect(await page.locator('#from option:checked').innerText()).toBe('1.5.16, whose code it has');
    await page.locator('#from').focus();
    await page.locator('#from').selectOption('1.5.06');
    await expect.poll(hash).toBe('#to=2.0.08&from=1.5.06&kvm=6.16.1');
    expect(await focused()).toBe('from');
    const seen = await text('.briefing');
    for (const part of ['Nobody decided, and KVM lets it through', 'RAO_INT[3]', '2.0.05, in between', '28 of 128'])
      expect(seen).toContain(part);
    await page.screenshot({ path: screenshotPath('briefing') });
  });

  test('shows texts of CPUID with all their blanks', async () => {
    await open('real', '#to=1.5.28&from=1.5.16&kvm=7.1.5');
    const shown = (await text('main')).replace(/\n\s*/g, ' ');
    for (const brand of ['InteTD X   l', 'Intel TDX   ']) expect(shown).toContain(brand);
  });

  test('copies a briefing as the command prints it, for neighbours and pairs far apart under old and new kernels', async () => {
    await open('real', QUESTION);
    const kernels = [specs.policies[0]?.version ?? '', specs.policies.at(-1)?.version ?? ''];
    const names = specs.releases.map(({ module }) => module.release);
    // Each release under both, once after its predecessor and once after another.
    const pairs = names.flatMap((to, at) =>
      kernels.map((kvm, which) => ({
        to,
        from: (at + which) % 2 === 0 ? null : (names[(at * 7 + 3) % names.length] ?? to),
        kvm,
      })),
    );
    const hashes = pairs.map(
      ({ to, from, kvm }) => `#${new URLSearchParams({ to, ...(from === null ? {} : { from }), kvm })}`,
    );
    const copied = await page.evaluate(async (all) => {
      const texts: string[] = [];
      for (const each of all) {
        location.hash = each;
        await new Promise((resolve) => setTimeout(resolve, 0));
        document.getElementById('copy')?.click();
        texts.push(document.documentElement.dataset.copied ?? '');
      }
      return texts;
    }, hashes);
    expect(copied).toEqual(pairs.map(({ to, from, kvm }) => briefing(to, from, kvm)));
    const { stdout } = await bitwatch(['review', '2.0.08', '--from', '1.5.06', '--kvm', '6.16.1']);
    expect(briefing('2.0.08', '1.5.06', '6.16.1')).toBe(stdout);
  }, 60_000);

  test('goes from a briefing to a bit: releases, kernels, deciders, host state, findings and lines', async () => {
    await open('real', QUESTION);
    await page.getByRole('link', { name: 'RAO_INT[3]' }).first().click();
    await expect.poll(() => text('#title')).toBe('7.1.EAX[3] RAO_INT');
    expect(hash()).toBe('#to=2.0.08&from=1.5.06&kvm=6.16.1&bit=7.1.EAX[3]');
    expect(await text('.lead')).toMatch(
      /^In 2\.0\.08 on KVM 6\.16\.1: allow-direct in the table: the VMM may clear what the host has\. Exposed: let through/,
    );
    expect(await page.locator('.strip tbody tr').count()).toBe(1 + specs.policies.length);
    expect(await page.locator('.strip thead th').count()).toBe(1 + 24);
    expect(await page.locator('.strip a[title="2.0.08 on KVM 6.16.1: exposed"]').innerText()).toMatch(/!$/);
    expect(await page.locator('.strip a[title="1.0.03 on KVM 7.1.5: refused"]').innerText()).toMatch(/⊘$/);
    const story = await text('main');
    for (const part of [
      'allow-direct in the table: the VMM may clear what the host has',
      'Not read, so not said: 1.5.20, 1.5.24, 1.5.25, 2.0.05, 2.0.14.',
      'RAO-INT: harmless',
      'no mail archive was searched',
      'bitwatch explain ‘7.1.EAX[3]’'.replace(/[‘’]/g, "'"),
    ])
      expect(story).toContain(part);
    expect(await page.locator('.finding').first().innerText()).toMatch(/^warning .*RAO_INT/s);
    expect(await page.locator('main a[href^="https://github.com/"]').first().getAttribute('href')).toMatch(
      /^https:\/\/github\.com\/[\w-]+\/[\w.-]+\/blob\/[0-9a-f]{40}\/.*#L\d+$/,
    );
    await page.screenshot({ path: screenshotPath('story'), fullPage: true });
    await page.keyboard.press('Escape');
    await expect.poll(hash).toBe('#to=2.0.08&from=1.5.06&kvm=6.16.1');
    await open('real', `${QUESTION}&bit=7.0.ECX[5]`);
    const waitpkg = await text('main');
    for (const part of ['denied', 'tdx.c:132', 'UMWAIT_CONTROL', 'never written on exit', 'specs/clobbers.md'])
      expect(waitpkg).toContain(part);
  });

  test('jumps from the search to a bit or a release, in the spellings of the command line', async () => {
    await open('real');
    for (const query of ['CPUID.(EAX=07H,ECX=0H):ECX.WAITPKG[bit 5]', 'waitpkg', 'CPUID.7.0:ECX[5]']) {
      await search(query);
      await expect.poll(() => text('#title')).toBe('7.0.ECX[5] WAITPKG');
      await page.getByRole('link', { name: 'Map' }).click();
      await expect.poll(() => text('#title')).not.toBe('7.0.ECX[5] WAITPKG');
    }
    await search('TDX_1.5.06');
    await expect.poll(() => text('#title')).toMatch(/^TDX module 1\.5\.06 on KVM /);
    await search('7.1.EAX[3:0]');
    expect(await page.locator('.offers a').allInnerTexts()).toEqual([0, 1, 2, 3].map((bit) => `7.1.EAX[${bit}]`));
    await search('WAITPKX');
    expect(await text('main')).toMatch(/is no bit.*WAITPKG/);
    expect(await page.locator('#names option').count()).toBeGreaterThan(100);
  });

  test('says that a link names what it does not know, and offers what it does', async () => {
    await open('real', '#to=9.9.9&kvm=6.16.1');
    expect(await text('main')).toContain('names the release “9.9.9”, which this page does not know');
    await page.getByRole('link', { name: '2.0.08' }).click();
    await expect.poll(() => text('#title')).toMatch(/^TDX module 2\.0\.08 on KVM 6\.16\.1/);
    await open('real', '#to=2.0.08&kvm=5.4');
    expect(await text('main')).toContain('KVM “5.4”');
    expect(await page.locator('.offers a').count()).toBe(specs.policies.length);
  });

  test('shows every bit of a release one click further, folded to what changed', async () => {
    await open('real', QUESTION);
    await page.getByRole('link', { name: 'All bits of this release' }).click();
    await expect.poll(() => text('#title')).toContain('All bits of TDX module 2.0.08 on KVM 6.16.1, against 1.5.06');
    // Leaves with less of it than a click may lay out stand open, the others count their bits.
    expect(await page.locator('summary', { hasText: /^Leaf 7\.1/ }).innerText()).toMatch(/^Leaf 7\.1\s*\d+ bits$/);
    expect(await page.getByRole('link', { name: /^2\.EAX/ }).count()).toBe(0);
    await page.locator('#show').selectOption('exposed');
    await expect.poll(() => text('main')).toContain('1 bit: exposed: let through, and nobody decided');
    const rao = page.getByRole('link', { name: '7.1.EAX[3] RAO_INT: allow-direct, exposed, changed' });
    expect(await rao.locator('[aria-hidden]').innerText()).toBe('A!');
    await page.getByText('The other leaves').click();
    await page.getByText('Leaf 7.0', { exact: true }).click();
    await rao.focus();
    expect(await focused()).toMatch(/^7\.1\.EAX\[3\]/);
    await page.keyboard.press('ArrowLeft');
    expect(await focused()).toMatch(/^7\.1\.EAX\[4\]/);
    await page.keyboard.press('End');
    expect(await focused()).toMatch(/^7\.1\.EAX\[0\]/);
    await page.keyboard.press('Enter');
    await expect.poll(() => text('#title')).toMatch(/^7\.1\.EAX\[0\]/);
    await page.keyboard.press('Escape');
    await expect.poll(() => text('#title')).toContain('All bits of TDX module 2.0.08');
  });

  test('is walked by keyboard alone: one stop for the map, arrows within, Enter opens, what has the focus is seen', async () => {
    await open('real');
    expect(await page.locator('.map a[tabindex="0"]').count()).toBe(1);
    await page.locator('.map a[tabindex="0"]').focus();
    for (const key of ['Control+Home', 'ArrowDown', 'ArrowRight', 'ArrowDown', 'ArrowLeft'])
      await page.keyboard.press(key);
    expect(await focused()).toMatch(/^2\.0\.12 on KVM 7\.1\.5/);
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
    expect(outline).toBe('solid');
    await page.keyboard.press('Enter');
    await expect.poll(() => text('#title')).toMatch(/^TDX module 2\.0\.12 on KVM 7\.1\.5/);
    expect(await focused()).toBe('title');
    const stops: string[] = [];
    for (let step = 0; step < 6; step += 1) {
      await page.keyboard.press('Tab');
      stops.push(await focused());
    }
    expect(stops.slice(0, 3)).toEqual(['to', 'kvm', 'from']);
    expect(stops).toContain('copy');
  });

  test('lists the findings of the report with all their places, and what was read and what was not', async () => {
    await open('made');
    await openAll();
    const finding = page.locator('.notes .finding').first();
    const places = await finding.locator('tbody th').allInnerTexts();
    expect(places).toEqual(['7.1.EAX', '4.{0,1}.EDX']);
    await open('real');
    await openAll();
    expect(await text('.notes')).toMatch(/2\.0\.14\s+known by name only/);
    expect(await text('.notes')).toContain('KVM 7.1.5');
  });

  test('shows texts of sources as text', async () => {
    for (const where of ['', '#to=old', '#view=bits&show=all', '#bit=7.1.EAX[2]']) {
      await open('hostile', where);
      await openAll();
      const seen = await page.evaluate(() => ({
        elements: document.querySelectorAll('main script, main img, main b, main iframe, main a[href^="javascript"]')
          .length,
        text: document.body.innerText,
      }));
      expect(seen.elements).toBe(0);
      if (where === '') expect(seen.text).toContain('<script>alert(1)</script>');
      expect(seen.text).not.toMatch(/[\u0000-\u0008\u001b\u202a-\u202e\u2066-\u2069]/);
    }
  });

  test('shows the text of a report that has no facts for a page', async () => {
    await page.goto(pathToFileURL(file('findings')).href);
    expect(await text('main')).toContain('What was read');
  });

  test.each([
    ['a briefing', 'real', QUESTION],
    ['a bit', 'real', `${QUESTION}&bit=7.0.ECX[5]`],
    ['all bits', 'made', '#view=bits'],
    ['what is not known', 'made', '#to=nothing'],
    ['a host', 'real', '#view=host&to=2.0.08&kvm=6.16.1'],
  ])('is clean for axe, light and dark: %s', async (_, name, where) => {
    await page.emulateMedia({ colorScheme: 'light' });
    await open(name, where);
    if (name === 'made') await openAll();
    await page.evaluate(axeCore.source);
    expect(await axe()).toEqual([]);
    // What is dark has the same elements: its colours are what differs.
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await axe(COLOUR_RULES)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'light' });
  });

  test('is looked at by a person in light and dark', async () => {
    await open('real', QUESTION);
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const [red = 0] = (await background()).match(/\d+/g)?.map(Number) ?? [];
      expect(red > 127 ? 'light' : 'dark').toBe(colorScheme);
      await page.screenshot({ path: screenshotPath(colorScheme) });
    }
  });

  test('shows the briefing first at 400 pixels and on paper, and reflows at 400 % zoom', async () => {
    const tops = () =>
      page.evaluate(() =>
        ['.briefing', '.map-part'].map((each) => document.querySelector(each)?.getBoundingClientRect().top ?? 0),
      );
    const width = () => page.evaluate(() => document.documentElement.scrollWidth);
    for (const size of [400, 320]) {
      await open('real', QUESTION, { width: size, height: 800 });
      const [briefingTop = 0, mapTop = 0] = await tops();
      expect(briefingTop).toBeLessThan(mapTop);
      expect(await width()).toBe(size);
      await page.screenshot({ path: screenshotPath(`narrow-${size}`), fullPage: true });
      await open('real', `${QUESTION}&bit=7.0.ECX[5]`, { width: size, height: 800 });
      expect(await width()).toBe(size);
      // The table of releases is wider: the one that was asked for is in sight all the same, behind the names of the rows.
      const cell = (await page.locator('.strip td.chosen').first().boundingBox()) ?? { x: 0, width: 0 };
      const head = (await page.locator('.strip th[scope=row]').first().boundingBox()) ?? { x: 0, width: 0 };
      expect(cell.x).toBeGreaterThanOrEqual(head.x + head.width);
      expect(cell.x + cell.width).toBeLessThanOrEqual(size);
    }
    await page.emulateMedia({ media: 'print' });
    await open('real', QUESTION);
    const [briefingTop = 0, mapTop = 0] = await tops();
    expect(briefingTop).toBeLessThan(mapTop);
    expect(await page.locator('#query').isVisible()).toBe(false);
    expect(await page.locator('#copy').isVisible()).toBe(false);
    await page.screenshot({ path: screenshotPath('print'), fullPage: true });
    await page.emulateMedia({ media: 'screen' });
  });

  test('asked nothing of any host and wrote no error, in all of the above', () => {
    expect(problems).toEqual([]);
  });
});
