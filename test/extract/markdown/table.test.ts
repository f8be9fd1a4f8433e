import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  integerCell,
  linksCell,
  listCell,
  optionalCell,
  textCell,
  wordCell,
} from '../../../pipeline/extract/markdown/cells.ts';
import { readDocument } from '../../../pipeline/extract/markdown/document.ts';
import { readTable, readTables } from '../../../pipeline/extract/markdown/table.ts';
import { DataError, KnownError } from '../../../pipeline/model/errors.ts';

const register = wordCell('EAX', 'EBX', 'ECX', 'EDX');
const shape = {
  columns: {
    leaf: { title: 'Leaf', parse: integerCell(32) },
    register: { title: 'Register', parse: register },
    why: { title: 'Why', parse: optionalCell(textCell) },
  },
};

const page = `# Facts

Some prose with a | in it.

## Bits

| Leaf | Register | Why |
|------|----------|-----|
| 0x7  | \`EAX\`  | a \\| b, see [the thread](https://example.org/a) |
| 13   | **EDX**  | –   |
`;

describe('readTable', () => {
  test('gives each row by column name, with its line and headings', () => {
    expect(readTable('facts.md', page, shape)).toEqual([
      { leaf: 7n, register: 'EAX', why: 'a | b, see the thread', line: 9, headings: ['Facts', 'Bits'] },
      { leaf: 13n, register: 'EDX', why: null, line: 10, headings: ['Facts', 'Bits'] },
    ]);
  });

  test('does not depend on the order of columns, nor on the case of titles', () => {
    const text = '| why | LEAF | register |\n|---|---|---|\n| x | 1 | ECX |\n';
    expect(readTable('a.md', text, shape)).toMatchObject([{ leaf: 1n, register: 'ECX', why: 'x' }]);
  });

  test('names file, line, column and title of a cell that does not parse', () => {
    const text = page.replace('**EDX**', 'R8');
    expect(() => readTable('facts.md', text, shape)).toThrow(
      'facts.md:10:8: Register: expected one of EAX, EBX, ECX, EDX, found "R8"',
    );
  });

  test.each([
    [
      'a missing column',
      '| Leaf | Why |\n|-|-|\n| 1 | x |\n',
      'a.md:1: expected one column "Register", found columns Leaf, Why',
    ],
    [
      'a column of an unknown title',
      '| Leaf | Register | Why | Wy |\n|-|-|-|-|\n',
      'a.md:1:25: expected only columns Leaf, Register, Why, found "Wy"',
    ],
    [
      'a column twice',
      '| Leaf | Leaf | Register | Why |\n|-|-|-|-|\n',
      'a.md:1: expected one column "Leaf", found 2 of them',
    ],
    ['a short row', '| Leaf | Register | Why |\n|-|-|-|\n| 1 | EAX |\n', 'a.md:3: expected 3 cells, found 2'],
    [
      'a row with an unescaped |',
      '| Leaf | Register | Why |\n|-|-|-|\n| 1 | EAX | a | b |\n',
      'a.md:3: expected 3 cells, found 4',
    ],
    ['no table', 'prose\n', 'a.md: expected a table, found none'],
    [
      'a row cut off by a blank line',
      '| Leaf | Register | Why |\n|-|-|-|\n\n| 1 | EAX | x |\n',
      'a.md:4: expected table rows inside a table',
    ],
    [
      'a table without a delimiter row',
      '| Leaf | Register | Why |\n| 1 | EAX | x |\n',
      'a.md:1: expected table rows inside a table',
    ],
    [
      'a line of text right under a table',
      '| Leaf | Register | Why |\n|-|-|-|\n| 1 | EAX | x |\nmore\n',
      'a.md:4: expected 3 cells, found 1',
    ],
    [
      'an empty required cell',
      '| Leaf | Register | Why |\n|-|-|-|\n|  | EAX | x |\n',
      'a.md:3:1: Leaf: expected a number such as 12 or 0x0c, found an empty cell',
    ],
  ])('refuses %s', (_title, text, message) => {
    expect(() => readTable('a.md', text, shape)).toThrow(message);
    expect(() => readTable('a.md', text, shape)).toThrow(DataError);
  });

  test('reads the table under a heading, refuses two and a heading that is not there', () => {
    const table = '| Leaf | Register | Why |\n|-|-|-|\n| 1 | EAX | x |\n';
    const text = `## One\n\n${table}\n## Two\n\n${table.replace('EAX', 'EBX')}`;
    expect(readTable('a.md', text, { ...shape, heading: 'two' })).toMatchObject([{ register: 'EBX' }]);
    expect(() => readTable('a.md', text, shape)).toThrow('a.md:9: expected one such table, found a second one');
    expect(() => readTable('a.md', text, { ...shape, heading: 'Three' })).toThrow('under the heading "Three"');
    expect(readTables('a.md', text, shape).map((row) => row.headings)).toEqual([['One'], ['Two']]);
  });

  test('chooses the table that has the columns among others', () => {
    const text = `| A |\n|-|\n| b |\n\n${page}`;
    expect(readTable('a.md', text, shape)).toHaveLength(2);
  });

  test('leaves other columns aside when asked', () => {
    const text = '| Leaf | Note | Register | Why |\n|-|-|-|-|\n| 1 | n | EAX | x |\n';
    expect(readTable('a.md', text, { ...shape, otherColumns: 'ignore' })).toMatchObject([{ leaf: 1n }]);
  });
});

describe('cells', () => {
  const one = <T>(parse: Parameters<typeof optionalCell<T>>[0], cell: string) =>
    readTable('c.md', `| X |\n|-|\n| ${cell} |\n`, { columns: { x: { title: 'X', parse } } })[0]?.x;

  test('lists, links, numbers', () => {
    expect(one(listCell(register), 'EAX, EDX')).toEqual(['EAX', 'EDX']);
    expect(one(listCell(register), '')).toEqual([]);
    expect(() => one(listCell(register), 'EAX,,EDX')).toThrow('without empty parts');
    expect(one(linksCell, '[a](b) <https://c.example/>')).toEqual([
      { text: 'a', url: 'b' },
      { text: 'https://c.example/', url: 'https://c.example/' },
    ]);
    expect(() => one(linksCell, 'none')).toThrow('expected a link');
    expect(one(integerCell(64), '0xFFFFFFFFFFFFFFFF')).toBe((1n << 64n) - 1n);
    expect(() => one(integerCell(32), '0x100000000')).toThrow('at most 32 bits');
    expect(() => one(integerCell(32), '-1')).toThrow('a number such as');
  });
});

describe('readDocument', () => {
  test('finds tables inside lists and quotes', () => {
    const text = '- item\n\n  | A |\n  |---|\n  | b |\n\n> | C |\n> |---|\n';
    expect(readDocument('a.md', text).tables.map((table) => table.header[0]?.text)).toEqual(['A', 'C']);
  });

  test('ignores what a fence or a comment shows', () => {
    const text = '```\n| A |\n|---|\n```\n\n<!--\n| A |\n|---|\n-->\n';
    expect(readDocument('a.md', text)).toEqual({ tables: [], strayRows: [] });
  });

  test.each(['>', '- ', '* ', '[', '![', '*', '_', '`', '<', '~', '1. ', '| ', '[^1]: ', 'a](', '\n> '])(
    'answers on a flood of %j',
    (marker) => {
      // Ends of links without a start nest nothing, and the library takes the square of their number.
      const flood = marker.repeat(marker === 'a](' ? 2_000 : 6_000);
      for (const text of [flood, `| A |\n|---|\n| ${flood} |\n`]) {
        try {
          readDocument('a.md', text);
        } catch (error) {
          expect(error).toBeInstanceOf(KnownError);
        }
      }
    },
  );

  test('gives rows or a known error for any mutation of a page', () => {
    fc.assert(
      fc.property(fc.nat(page.length), fc.nat(12), fc.string({ maxLength: 12 }), (at, cut, insert) => {
        const text = page.slice(0, at) + insert + page.slice(at + cut);
        try {
          for (const row of readTable('a.md', text, shape)) {
            expect(['EAX', 'EBX', 'ECX', 'EDX']).toContain(row.register);
            expect(row.leaf).toBeTypeOf('bigint');
          }
        } catch (error) {
          expect(error).toBeInstanceOf(KnownError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
