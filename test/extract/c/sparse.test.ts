import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sparse } from '../../../pipeline/extract/c/sparse.ts';
import { readUnit } from '../../../pipeline/extract/c/unit.ts';

const fn = (name: string, body: string): string => `static int ${name}(int a,\n\t\tint b)\n{\n${body}}\n`;

test('keeps directives and wanted functions, every line in its place', () => {
  const text = `int x;\n#define A 1\n${fn('f', '\treturn 1;\n')}\n${fn('g', '\treturn wanted;\n')}#define B 2\n`;
  const kept = sparse(text, /wanted/);
  expect(kept.split('\n').length).toBe(text.split('\n').length);
  expect(kept.split('\n').map((line, index) => (line === '' ? null : index))).toEqual(
    text
      .split('\n')
      .map((line, index) =>
        /^#|g\(|wanted|int b/.test(line) || (index > 7 && /^[{}]/.test(line))
          ? /^\t\tint b/.test(line) && index < 5
            ? null
            : index
          : null,
      ),
  );
});

test.each([
  ['a continuation', '#define A \\\n\t1 \\\n\t+ 2\n', 'A'],
  ['a comment that opens in a directive', '#define A 1 /* one\n two */ + 2\n', 'A'],
  ['blanks before it', ' \t# define A 1\n', 'A'],
  ['a comment before it', '/* a */ int x;\n#define A 1\n', 'A'],
  ['`/*` in a literal', 'char *x = "/*";\n#define A 1\nchar *y = "*/";\n', 'A'],
  ['`/*` in a line comment', '// see a/*.c\n#define A 1\n/* b */\n', 'A'],
  ['a quote in a comment', "/* don't */\n#define A 1\n", 'A'],
  ['no line break at the end', 'int x;\n#define A 1', 'A'],
])('reads a directive with %s', (_, text, name) => {
  const [whole, part] = [readUnit('f.c', text), readUnit('f.c', sparse(text, null))];
  expect(part.macros.get(name)).toEqual(whole.macros.get(name));
  expect(part.macros.get(name)).toBeDefined();
});

test('keeps enums whole', () => {
  const text =
    'struct a {\n\tint b;\n};\nenum leafs {\n\tONE = 3, /* {} */\n#ifdef X\n\tTWO,\n#endif\n};\nenum leafs use(int c);\n';
  const part = sparse(text, null);
  expect(part.split('\n').length).toBe(text.split('\n').length);
  expect(part).toContain('\tONE = 3, /* {} */\n#ifdef X\n\tTWO,\n#endif\n};');
  expect(part).not.toContain('struct');
});

test('takes no directive out of a comment', () => {
  const text = '/*\n#define A 1\n*/\n/* x\n * y */ int z; /*\n#define B 1 */\n#define C 1\n';
  expect([...readUnit('f.c', sparse(text, null)).macros.keys()]).toEqual(['C']);
});

test('macros between functions, and the functions that are wanted, stand where they do in the whole text', () => {
  const line = fc.constantFrom(
    '\ta = 1;\n',
    '\tif (a) {\n\t\tb();\n\t}\n',
    '\n',
    '\t/* } */\n',
    '\t/* two\n\t * lines */\n',
    '\tx = "\\"/*";\n',
    "\tx = '\"';\n",
    '#define IN 2\n',
    '#define LONG(a) \\\n\t(a)\n',
    '\twanted();\n',
    '\t// it is a\n',
  );
  const body = fc.array(line).map((lines) => lines.join(''));
  fc.assert(
    fc.property(fc.array(body, { maxLength: 5 }), (bodies) => {
      const text = bodies.map((each, index) => fn(`f${index}`, each)).join('\n#define AFTER 1\nint x[] = { 1 };\n');
      const [whole, part] = [readUnit('f.c', text), readUnit('f.c', sparse(text, /wanted/))];
      const macros = (unit: typeof whole) =>
        [...unit.definitions]
          .filter(([name]) => name === 'AFTER')
          .map(([name, all]) => [name, all.map((each) => each.line)]);
      expect(macros(part)).toEqual(macros(whole));
      for (const [index, each] of bodies.entries()) {
        const name = `f${index}`;
        if (!each.includes('wanted')) continue;
        const [mine] = part.functions.get(name) ?? [];
        const [all] = whole.functions.get(name) ?? [];
        expect([mine?.line, mine?.params]).toEqual([all?.line, all?.params]);
      }
    }),
  );
});
