import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rulePages } from '../../pipeline/report/rules-page.ts';
import { expectFile, expectOnly } from './golden.ts';

describe('docs/rules', () => {
  const pages = rulePages();

  it.each(pages.map((page) => [page.name, page] as const))(
    '%s says what the catalogue says',
    (_, { name, content }) => {
      expectFile(join('docs/rules', name), content);
    },
  );

  it('holds no page of a rule that is gone', () =>
    expectOnly(
      'docs/rules',
      pages.map(({ name }) => name),
    ));

  it('links only to pages that exist', () => {
    const names = new Set(pages.map(({ name }) => name));
    for (const { content } of pages)
      for (const [, target = ''] of content.matchAll(/\]\(([^)]+\.md)\)/g)) expect(names.has(target)).toBe(true);
  });
});
