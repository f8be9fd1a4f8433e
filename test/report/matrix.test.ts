import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Matrix } from '../../pipeline/cases/matrix.ts';
import type { Verdict } from '../../pipeline/model/finding.ts';
import { matrixMarkdown, matrixText } from '../../pipeline/report/matrix.ts';
import { COLUMNS } from '../../pipeline/report/wrap.ts';
import { hostileText } from './hostile.ts';

const count = (verdict: Verdict, features: number) => ({ verdict, features, fieldBits: 7 });

const matrix: Matrix = {
  releases: ['1.5.06', '2.0.08'],
  policies: ['6.16', '7.0'],
  cells: [
    { release: '1.5.06', policy: '6.16', runs: 'yes', counts: [count('passed', 40), count('denied', 3)] },
    { release: '2.0.08', policy: '6.16', runs: 'no', counts: [] },
    {
      release: '2.0.08',
      policy: '7.0',
      runs: 'yes',
      counts: [count('denied', 3), count('exposed', 2), count('closed', 0)],
    },
  ],
};

describe('the matrix of releases by policies', () => {
  it('counts features by verdict, what needs a decision first, as Markdown', () => {
    expect(matrixMarkdown(matrix)).toBe(
      [
        '| TDX module | KVM 6.16 | KVM 7.0 |',
        '| --- | --- | --- |',
        '| 1.5.06 | 40 passed, 3 denied | not judged |',
        '| 2.0.08 | refused by KVM | 2 exposed, 3 denied |',
        '',
      ].join('\n'),
    );
  });

  it('says the same as text', () => {
    expect(matrixText(matrix)).toBe(
      [
        'TDX module 1.5.06',
        '  KVM 6.16  40 passed, 3 denied',
        '  KVM 7.0   not judged',
        'TDX module 2.0.08',
        '  KVM 6.16  refused by KVM',
        '  KVM 7.0   2 exposed, 3 denied',
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
          cells: [{ release: name, policy: name, runs: 'yes' as const, counts: [count('exposed', 1)] }],
        };
        const rows = matrixMarkdown(named).trimEnd().split('\n');
        expect(rows.map((row) => row.replaceAll('\\\\', '').match(/(?<!\\)\|/g)?.length)).toEqual([3, 3, 3]);
        for (const line of matrixText(named).split('\n')) expect(line.length).toBeLessThanOrEqual(COLUMNS);
      }),
    );
  });
});
