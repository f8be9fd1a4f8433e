import type { Context } from '../../pipeline/cases/context.ts';
import { ROOT } from '../helpers/run.ts';

/** What a case asks of its surroundings, without network and without this machine's cache. */
export const contextOf = (
  options: Partial<Context['options']> = {},
  more: Partial<Omit<Context, 'options'>> = {},
): Context => ({
  env: { PATH: process.env.PATH, HOME: '/nonexistent' },
  today: () => '2026-11-21',
  home: ROOT,
  progress: () => undefined,
  options: { offline: true, specs: null, cache: null, ...options },
  ...more,
});
