import type { Rule } from '../rule.ts';
import { classDrafts } from './classes.ts';

export const fixed0Added: Rule = {
  id: 'fixed0-added',
  title: 'A bit is now fixed to 0',
  level: 'warning',
  mirror: null,
  noMirror: 'What a fixed-0 bit becomes has its own rule: configurable-added, fixed1-added or native-added.',
  why: 'No TD can have the feature any more; a migration source on an older release may have TDs that use it.',
  action: 'Remove the bit from TD configurations and CPU models for this release.',
  scope: 'step',
  judge: (context) => classDrafts('fixed0-added', context),
};
