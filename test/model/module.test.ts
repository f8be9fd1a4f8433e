import { expect, test } from 'vitest';
import { disputedFeatures } from '../../pipeline/model/module.ts';
import { release } from '../judge/ground.ts';

test('two sources of TDX_FEATURES0 disagree where both say a bit that does not depend on the platform otherwise', () => {
  const disputed = (source: bigint | null, published: bigint | null, ...open: readonly number[]) => {
    const { module } = release('2.0.04', []);
    return disputedFeatures({ ...module, features0: source, features0Conditional: open }, published);
  };
  expect([disputed(6n, 6n), disputed(null, 6n), disputed(6n, null), disputed(null, null)]).toEqual([
    null,
    null,
    null,
    null,
  ]);
  const told = { release: '2.0.04', source: 6n, published: 7n };
  expect([disputed(6n, 7n), disputed(6n, 7n, 1), disputed(6n, 7n, 0), disputed(6n, 5n, 0, 1)]).toEqual([
    told,
    told,
    null,
    null,
  ]);
  expect(disputed(6n, 0x25n, 0, 1)).toEqual({ release: '2.0.04', source: 6n, published: 0x25n });
});
