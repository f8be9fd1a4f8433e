import type { Rule } from '../rule.ts';
import { classDrafts } from './classes.ts';

export const nativeAdded: Rule = {
  id: 'native-added',
  title: 'The host’s value of a bit now passes through',
  level: 'warning',
  mirror: null,
  noMirror: 'What a native bit becomes has its own rule: configurable-added, fixed1-added or fixed0-added.',
  why: 'Neither KVM nor user space controls the bit: the TD sees what the host CPU has, so TDs differ between hosts. Bits that XFAM or ATTRIBUTES gate are under control and are info.',
  action: 'Check that the bit is harmless to every TD, and that migration pools agree on it.',
  scope: 'step',
  judge: (context) => classDrafts('native-added', context, 'info'),
};
