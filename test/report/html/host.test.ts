import { expect, test } from 'vitest';
import { createModel } from '../../../pipeline/report/html/client/model.ts';
import type { PageData, PageHost } from '../../../pipeline/report/html/shape.ts';

const hostOf = (kind: PageHost['kind']): PageHost => ({
  feature: kind,
  kind,
  why: 'a test',
  gates: [],
  msrs: [{ msr: 'ALPHA', exits: ['none'], restored: [false] }],
  at: 'specs/clobbers.md:1',
});

test('the page tells what is lost, what KVM brings back, what needs help and what is harmless', () => {
  const data = {
    classes: [],
    releases: [],
    policies: [],
    rows: [],
    gates: [],
    verdicts: [],
    hosts: [hostOf('clobber'), hostOf('handled'), hostOf('functional'), hostOf('harmless')],
  };
  // The wording needs nothing else of the page's data.
  const model = createModel(data as unknown as PageData);
  expect([0, 1, 2, 3].map((index) => model.hostText([index]))).toEqual([
    'clobbers ALPHA',
    'clobbers ALPHA, which KVM brings back',
    'needs the VMM’s help',
    'harmless',
  ]);
  expect(model.hostText([])).toBe('');
});
