import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Matrix } from '../../pipeline/cases/matrix.ts';
import { matrixMarkdown, matrixText } from '../../pipeline/report/matrix.ts';
import { COLUMNS } from '../../pipeline/report/text.ts';
import { hostileText } from './hostile.ts';

const matrix: Matrix = {
  releases: ['1.5.06', '2.0.08'],
  policies: ['6.16', '7.0'],
  cells: [
    { release: '1.5.06', policy: '6.16', counts: { allowed: 40, denied: 3 } },
    { release: '2.0.08', policy: '6.16', counts: { known: 9, exposed: 2, denied: 3 } },
    { release: '2.0.08', policy: '7.0', counts: {} },
  ],
};

describe('the matrix of releases by policies', () => {
  it('counts bits by verdict, what needs a decision first, as Markdown', () => {
    expect(matrixMarkdown(matrix)).toBe(
      [
        '| TDX module | KVM 6.16 | KVM 7.0 |',
        '| --- | --- | --- |',
        '| 1.5.06 | 3 denied, 40 allowed | not judged |',
        '| 2.0.08 | 2 exposed, 3 denied, 9 known | no bit offered |',
        '',
      ].join('\n'),
    );
  });

  it('says the same as text', () => {
    expect(matrixText(matrix)).toBe(
      [
        'TDX module 1.5.06',
        '  KVM 6.16  3 denied, 40 allowed',
        '  KVM 7.0   not judged',
        'TDX module 2.0.08',
        '  KVM 6.16  2 exposed, 3 denied, 9 known',
        '  KVM 7.0   no bit offered',
        '',
      ].join('\n'),
    );
  });

  it('keeps its shape whatever the names are', () => {
    fc.assert(
      fc.property(hostileText, (name) => {
        const named = {
          releases: [name],
          policies: [name],
          cells: [{ release: name, policy: name, counts: { exposed: 1 } }],
        };
        const rows = matrixMarkdown(named).trimEnd().split('\n');
        expect(rows.map((row) => row.replaceAll('\\\\', '').match(/(?<!\\)\|/g)?.length)).toEqual([3, 3, 3]);
        for (const line of matrixText(named).split('\n')) expect(line.length).toBeLessThanOrEqual(COLUMNS);
      }),
    );
  });
});
