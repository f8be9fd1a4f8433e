import { expect, test } from 'vitest';
import { bitwatch } from '../helpers/run.ts';

test('status has a line for the newest release of each line under the newest kernels, and what is next', async () => {
  const { status, stdout } = await bitwatch(['status', '--json']);
  expect(status).toBe(0);
  const { pairs } = JSON.parse(stdout);
  expect(pairs.map(({ release, kvm }: { release: string; kvm: string }) => `${release} ${kvm}`)).toEqual([
    '2.0.18 7.1.5',
    '2.0.18 7.0',
    '1.5.34 7.1.5',
    '1.5.34 7.0',
    '1.0.03 7.1.5',
    '1.0.03 7.0',
  ]);
  // RAO-INT came with 2.0.08: no news for 2.0.18, and still nobody decided.
  expect(pairs[0]).toMatchObject({ runs: 'yes', open: 0, from: '2.0.16' });
  expect(pairs[0].standing).toContainEqual({ leaf: '0x7', subleaf: '0x1', register: 'eax', mask: '0x00000008' });
  const text = (await bitwatch(['status'])).stdout;
  expect(text).toMatch(/^ {2}2\.0\.18 {3}KVM 7\.1\.5 {4}runs; since 2\.0\.16: decide 0;/);
  expect(text).toContain("bitwatch decide '7.1.EAX[3]' --because");
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(72);
});
