import type { Rule } from '../rule.ts';
import { classDrafts } from './classes.ts';

export const fixed1Removed: Rule = {
  id: 'fixed1-removed',
  title: 'A bit is no longer fixed to 1',
  level: 'info',
  mirror: 'fixed1-added',
  why: 'User space that took the bit for granted may see it as 0; a table of fixed-1 bits keeps it as extra.',
  action: 'Check user space that computes the TD’s CPUID from a fixed-1 table.',
  scope: 'step',
  judge: (context) => classDrafts('fixed1-removed', context),
};
