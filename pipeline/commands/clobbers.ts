import type { ClobbersByRelease } from '../judge/judge.ts';
import type { Specs } from '../specs/store.ts';

/** The extracted transitions of each release that has them. */
export const clobbersByRelease = (specs: Specs): ClobbersByRelease =>
  new Map(specs.clobbers.map((facts) => [facts.release, facts]));
