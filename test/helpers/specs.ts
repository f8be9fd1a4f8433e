import { join } from 'node:path';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import { loadSpecs, type Specs } from '../../pipeline/specs/store.ts';
import { ROOT } from './run.ts';

let shipped: Promise<Specs> | undefined;

/** What `specs/` says, parsed and validated without the cache of a build: once for all test files of a worker. */
export function shippedSpecs(): Promise<Specs> {
  shipped ??= loadSpecs(join(ROOT, 'specs'), NO_CACHE);
  return shipped;
}
