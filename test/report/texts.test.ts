import { describe, expect, test } from 'vitest';
import { constantText } from '../../pipeline/model/constant-text.ts';
import { FORMAT_NAMES } from '../../pipeline/report/format-names.ts';
import { quotingMarkdown } from '../../pipeline/report/markdown.ts';
import { wrap } from '../../pipeline/report/wrap.ts';
import { bitwatch } from '../helpers/run.ts';
import { shippedSpecs } from '../helpers/specs.ts';

const OLD = 'InteTD X   l';
const NEW = 'Intel TDX   ';

describe('the texts of CPUID', () => {
  test('every release has its vendor and brand string, letter by letter', async () => {
    const { releases } = await shippedSpecs();
    const texts = (leaf: number) =>
      Object.fromEntries(
        releases.map((release) => [
          release.module.release,
          constantText(release, { leaf, subleaf: leaf === 0x21 ? 0 : null, register: 'ebx' }),
        ]),
      );
    expect(new Set(Object.values(texts(0x21)))).toEqual(new Set(['IntelTDX    ']));
    const brand = texts(0x80000002);
    for (const name of ['1.5.09', '1.5.13', '1.5.16', '2.0.04', '2.0.08', '2.0.12']) expect(brand[name]).toBe(OLD);
    for (const name of ['1.5.28', '1.5.34', '2.0.16', '2.0.18']) expect(brand[name]).toBe(NEW);
    for (const name of ['1.5.06', '1.5.08', '2.0.02']) expect(brand[name]).toBeNull();
    // A register of numbers is no text, and neither is one that is not the same in every TD.
    for (const leaf of [7, 0x15, 0x80000008]) expect(new Set(Object.values(texts(leaf)))).toEqual(new Set([null]));
  });

  // The page words its facts in the browser, and is tested there.
  test.each(FORMAT_NAMES.filter((name) => name !== 'html'))('keep their blanks in the format %s', async (format) => {
    const { stdout } = await bitwatch(['review', '1.5.28', '--from', '1.5.16', '--out', `${format}=-`]);
    expect(stdout).toContain(OLD);
    expect(stdout).toContain(NEW);
  });

  test('keep their blanks in the briefing and in explain', async () => {
    const briefing = await bitwatch(['review', '1.5.28', '--from', '1.5.16']);
    expect(briefing.stdout).toMatch(/under REDUCE_VE: “InteTD X {3}l”\s+became\s+“Intel TDX {3}”/);
    const brand = await bitwatch(['explain', '0x80000002.ECX']);
    expect(brand.stdout).toContain(`  text in 1.5.09 to 1.5.16: “${OLD}”`);
    const vendor = await bitwatch(['explain', '0x21.0.EDX[2]']);
    expect(vendor.stdout).toContain('  text in 1.0.00 to 2.0.18: “IntelTDX    ”');
    expect((await bitwatch(['explain', '7.0.EBX[5]'])).stdout).not.toContain('text in');
  });

  test('are not parted by wrapping, while other blanks are one', () => {
    const line = `${'word '.repeat(12)}“a   b c”  end`;
    expect(wrap(line)).toEqual([`${'word '.repeat(12).trim()} “a   b c”`, 'end']);
    // A quote that nobody closes is no quote.
    expect(wrap('“a   b')).toEqual(['“a b']);
  });

  test('are code in Markdown, which shows all blanks', () => {
    expect(quotingMarkdown('it is “a*   b” and _so_ “c d” *')).toBe('it is “`a*   b`” and \\_so\\_ “c d” \\*');
  });
});
