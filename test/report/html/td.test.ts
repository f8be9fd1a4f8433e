import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hex, hex32, or } from '../../../pipeline/model/mask.ts';
import { leafId, REGISTERS } from '../../../pipeline/model/place.ts';
import type { Specs } from '../../../pipeline/specs/store.ts';
import { browserTitle, hasNoBrowser, launchBrowser, screenshotPath } from '../../helpers/browser.ts';
import { bitwatch } from '../../helpers/run.ts';
import { shippedSpecs } from '../../helpers/specs.ts';
import { hostFor, KEPT } from '../../helpers/td.ts';

/** Releases of each line, and how many cases of each: 500 in all. */
const RELEASES = ['1.0.03', '1.5.06', '1.5.16', '2.0.08', '2.0.18'];
const CASES = 100;
/** Cases that somebody made elsewhere, one a line, for the last release; the host stands in each. */
const { BITWATCH_TD_CASES: foreign = '' } = process.env;

/** Numbers of 32 bits in a fixed order that looks like none. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state ^ (state >>> 15)) >>> 0;
  };
}

describe.skipIf(hasNoBrowser)(`td in the page, in Chromium${browserTitle}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'bitwatch-td-page-'));
  const file = join(directory, 'index.html');
  let browser: Browser;
  let page: Page;
  let specs: Specs;

  beforeAll(async () => {
    specs = await shippedSpecs();
    await bitwatch(['report', '--out', `html=${file}`]);
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(20_000);
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    rmSync(directory, { recursive: true });
  });

  const releaseOf = (name: string) => {
    const release = specs.releases.find(({ module }) => module.release === name);
    if (release === undefined) throw new Error(`no release ${name}`);
    return release;
  };
  const hostJson = (name: string) => ({
    host: [...hostFor(releaseOf(name)).leaves].map(([key, values]) => {
      const [leaf = 0, subleaf = 0] = key.split('.').map(Number);
      return { leaf: hex(leaf), subleaf: hex(subleaf), ...registers(values) };
    }),
  });
  const registers = (values: readonly number[]) =>
    Object.fromEntries(REGISTERS.map((register, at) => [register, hex32(values[at] ?? 0)]));

  /** Cases in the shape of `bitwatch td`: hosts with other bits, parameters and guests, some of which are refused. */
  function casesOf(name: string, count: number, width = 0): readonly object[] {
    const { module } = releaseOf(name);
    const next = numbers([...name].reduce((sum, character) => sum * 31 + character.charCodeAt(0), count));
    const chance = (of: number): boolean => next() % of === 0;
    const some = (mask: number): number => (mask & (chance(2) ? next() : next() & next())) >>> 0;
    return Array.from({ length: count }, (_, id) => {
      const hostPatch = module.lookup
        .filter((row) => KEPT[leafId(row)] === undefined && row.leaf !== 0xd && row.leaf !== 0x1f && chance(6))
        .map(({ leaf, subleaf, verifyMask, verifyValue }) => {
          const values = REGISTERS.map((register) => {
            const verified = chance(400) ? 0 : (verifyMask[register] ?? 0);
            return or((next() & ~verified) >>> 0, (verifyValue[register] ?? 0) & verified);
          });
          return { leaf: hex(leaf), subleaf: hex(subleaf ?? 0), ...registers(values) };
        });
      const hasTopology = chance(12);
      const cpuidConfig = module.configurable
        .filter(({ leaf }) => leaf !== 0x1f || hasTopology)
        .map(({ leaf, subleaf, configDirect, allowDirect }) => ({
          leaf: hex(leaf),
          subleaf: hex(subleaf ?? 0),
          ...registers(
            REGISTERS.map((register) => {
              if (leaf === 0x80000008 && register === 'eax') return width;
              if (leaf === 1 && register === 'eax' && !chance(20)) return 0;
              const settable = or(configDirect[register] ?? 0, allowDirect[register] ?? 0);
              // HLE and RTM go together, or the TD is refused.
              const mask = leaf === 7 && register === 'ebx' && !chance(12) ? settable & ~0x810 : settable;
              return chance(1000) ? next() : some(mask);
            }),
          ),
        }));
      const wanted = [0x4, 0xe4, 0x200, 0x60000].reduce((mask, group) => (chance(2) ? mask | group : mask), 3);
      const xfam = BigInt(wanted) & (module.xfam?.fixed0 ?? 3n);
      return {
        id,
        ...(chance(3) ? { hostPatch } : {}),
        attributes: hex((chance(3) ? 1n << 63n : 0n) | (chance(4) ? 1n << 30n : 0n) | (chance(5) ? 1n << 28n : 0n)),
        xfam: hex(chance(12) ? BigInt(next()) : xfam),
        ...(chance(8) ? { configFlags: hex(next() % 32), eptpControls: '0x26' } : {}),
        tscFrequency: chance(20) ? next() % 500 : 4 + (next() % 397),
        maxVcpus: 1 + (next() % 64),
        cpuidConfig,
        guest: {
          osxsave: chance(2),
          pke: chance(2),
          mode64: !chance(5),
          vcpuIndex: next() % 64,
          x2apicId: next(),
          tdCtls: chance(2) ? { ENUM_TOPOLOGY: chance(2), VIRT_CPUID2: true, REDUCE_VE: chance(6) } : {},
          xcr0: hex(some(0x602e7) | 1),
        },
        ...(chance(2)
          ? {
              queries: [
                [7, 0],
                [7, 1],
                [1, 0],
                [0xd, 1],
                [next() % 0x30, next() % 4],
                [next(), 0],
              ],
            }
          : {}),
      };
    });
  }

  const open = async (name: string, kvm: string | null, host: string): Promise<void> => {
    const parts = new URLSearchParams({ view: 'host', to: name, ...(kvm === null ? { show: 'module' } : { kvm }) });
    await page.goto('about:blank');
    await page.goto(`${pathToFileURL(file).href}#${parts}`);
    await page.waitForSelector('html[data-ready=yes]', { state: 'attached' });
    await page
      .locator('#host-file')
      .setInputFiles({ name: 'host.json', mimeType: 'application/json', buffer: Buffer.from(host) });
    await page.waitForFunction(() => /leaves/.test(document.getElementById('host-name')?.textContent ?? ''));
  };
  /** What the page answers to each text of a TD, or what it says is wrong with it. */
  const answers = (texts: readonly string[]): Promise<readonly string[]> =>
    page.evaluate((all) => {
      const params = document.getElementById('params') as HTMLTextAreaElement;
      return all.map((text) => {
        params.value = text;
        params.dispatchEvent(new Event('input'));
        return document.getElementById('td-json')?.textContent ?? document.getElementById('td')?.textContent ?? '';
      });
    }, texts);
  const command = async (name: string, host: string, lines: readonly string[], kvm: string | null) => {
    writeFileSync(join(directory, 'host.json'), host);
    writeFileSync(join(directory, 'cases.jsonl'), `${lines.join('\n')}\n`);
    const options = ['--host', join(directory, 'host.json'), '--batch', join(directory, 'cases.jsonl')];
    const { stdout, stderr } = await bitwatch(['td', name, ...options, ...(kvm === null ? [] : ['--kvm', kvm])]);
    expect(stderr).toBe('');
    return stdout.trim().split('\n');
  };

  test.each(RELEASES)('equals the command on random cases of %s', async (name) => {
    const host = JSON.stringify(hostJson(name));
    const lines = casesOf(name, CASES).map((each) => JSON.stringify(each));
    const expected = await command(name, host, lines, null);
    await open(name, null, host);
    expect(await answers(lines)).toEqual(expected);
    const made = expected.filter((line) => JSON.parse(line).status === '0x0000000000000000').length;
    // Both what comes to be and what is refused was compared.
    expect(made).toBeGreaterThan(30);
    expect(made).toBeLessThan(CASES);
  });

  test('equals the command behind a KVM, too', async () => {
    const host = JSON.stringify(hostJson('2.0.08'));
    const lines = casesOf('2.0.08', 20, 0x00300000).map((each) => JSON.stringify(each));
    await open('2.0.08', '6.16.1', host);
    expect(await answers(lines)).toEqual(await command('2.0.08', host, lines, '6.16.1'));
  });

  test.skipIf(foreign === '')('equals the command on the cases that BITWATCH_TD_CASES names', async () => {
    const name = '2.0.18';
    const lines = readFileSync(foreign, 'utf8').trim().split('\n');
    const host = JSON.stringify(hostJson(name));
    await open(name, null, host);
    expect(await answers(lines)).toEqual(await command(name, host, lines, null));
  });

  test('shows leaf by leaf what differs from the host and who decides, for a capture that is dropped', async () => {
    const name = '2.0.08';
    await open(name, '6.16.1', JSON.stringify({ schema: 'bitwatch.host/1', ...hostJson(name) }));
    const seen = await page.locator('#td pre').first().innerText();
    expect(seen).toContain('KVM 6.16.1 sets:');
    expect(seen).toMatch(/What differs from the host:[\s\S]* host 0x[0-9a-f]{8} {2}TD 0x[0-9a-f]{8}\n {4}\[/);
    await page.locator('#host-name').scrollIntoViewIfNeeded();
    await page.screenshot({ path: screenshotPath('host') });
    const raw = 'CPU 0:\n   0x00000007 0x00: eax=0x00000002 ebx=0x00000000 ecx=0x00000020 edx=0x00000000\n';
    const drop = async (text: string): Promise<void> => {
      const data = await page.evaluateHandle((content) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([content], 'raw.txt', { type: 'text/plain' }));
        return transfer;
      }, text);
      await page.dispatchEvent('#drop', 'drop', { dataTransfer: data });
    };
    await drop(raw);
    await expect.poll(() => page.locator('#host-name').innerText()).toContain('raw.txt: 1 leaves');
    await drop('no capture');
    await expect
      .poll(() => page.locator('#td').innerText())
      .toContain('raw.txt: expected what cpuid -r prints, or JSON');
    await drop(raw);
    await answers(['{"xfam": "many"}']);
    expect(await page.locator('#td').innerText()).toContain('the TD: xfam: expected a number');
    await answers(['{']);
    expect(await page.locator('#td').innerText()).toContain('the TD: expected JSON');
  });
});
