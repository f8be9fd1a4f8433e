import type { Rule } from '../rule.ts';

export const featureRenumbered: Rule = {
  id: 'feature-renumbered',
  title: 'A TDX_FEATURES0 bit changed its name or its number',
  level: 'warning',
  mirror: null,
  noMirror: 'A renumbering back is the same finding.',
  why: 'A VMM that tests the bit by its old meaning draws the wrong conclusion on one of the two releases.',
  action: 'Test the bit only on releases where its meaning is known.',
  scope: 'step',
  judge: ({ diff }) => [
    ...diff.features0.moved.map((move) => ({
      facts: { kind: 'feature-moved' as const, name: move.name, fromBit: move.from, toBit: move.to },
    })),
    ...diff.features0.renamed.map((rename) => ({ facts: { kind: 'feature-renamed' as const, ...rename } })),
  ],
};
