import { expect, test } from 'vitest';
import { bodyOf, readUnit } from '../../../pipeline/extract/c/unit.ts';
import { show } from '../../../pipeline/extract/module/clobbers/expression.ts';

function conditionOf(text: string): string {
  const unit = readUnit('a.c', text);
  const [fn] = unit.functions.get('f') ?? [];
  if (fn === undefined) throw new Error('no function');
  const [first] = bodyOf(unit, fn);
  return first?.kind === 'if' ? show(first.test) : '';
}

test('a condition with a part under #ifdef is a choice between both conditions', () => {
  expect(conditionOf('void f(void) { if (a\n#ifdef X\n && b\n#endif\n) { g(); } }')).toBe('defined(X) ? (a && b) : a');
});

test('#else gives the other part', () => {
  expect(conditionOf('void f(void) { if (a\n#if X\n && b\n#else\n && c\n#endif\n) g(); }')).toBe(
    'X ? (a && b) : (a && c)',
  );
});

test('an if whose head alone stands under #ifdef holds the block with and without the condition', () => {
  const unit = readUnit('a.c', 'void f(void) {\n#ifdef X\n if (a)\n#endif\n { g(); }\n h(); }');
  const [fn] = unit.functions.get('f') ?? [];
  const body = fn === undefined ? [] : bodyOf(unit, fn);
  expect(body.map(({ kind }) => kind)).toEqual(['conditional', 'expr']);
  const [first] = body;
  expect(first?.kind === 'conditional' ? first.branches.map(({ body: [inner] }) => inner?.kind) : []).toEqual([
    'if',
    'block',
  ]);
});

test('an else under #ifdef is an else with that condition', () => {
  const unit = readUnit('a.c', 'void f(void) {\n if (a) { g(); }\n#ifdef X\n else { h(); }\n#endif\n }');
  const [fn] = unit.functions.get('f') ?? [];
  const [first] = fn === undefined ? [] : bodyOf(unit, fn);
  expect(first?.kind === 'if' ? first.otherwise.map(({ kind }) => kind) : []).toEqual(['conditional']);
});
