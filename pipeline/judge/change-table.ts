import type { CellClass } from '../model/class.ts';

/**
 * What follows from a bit's class before and after, the most telling first; the rules of `rules/` look their changes up here.
 * `leaf-*` and `ve-*` are told of a leaf as a whole.
 */
export type Effect =
  | 'leaf-added'
  | 'leaf-removed'
  | 've-added'
  | 've-removed'
  | 'configurable-added'
  | 'configurable-removed'
  | 'choice-changed'
  | 'fixed1-added'
  | 'fixed1-removed'
  | 'fixed0-added'
  | 'native-added'
  | 'unfixed-not-configurable';
/** Total: a pair without an entry does not compile. */
type Row = { readonly [To in CellClass]: readonly Effect[] };

const NONE: readonly Effect[] = [];

export const CHANGE_TABLE: { readonly [From in CellClass]: Row } = {
  absent: {
    absent: NONE,
    ve: ['leaf-added'],
    'config-direct': ['leaf-added', 'configurable-added'],
    'allow-direct': ['leaf-added', 'configurable-added'],
    fixed1: ['leaf-added', 'fixed1-added'],
    fixed0: ['leaf-added'],
    native: ['leaf-added', 'native-added'],
  },
  ve: {
    absent: ['leaf-removed'],
    ve: NONE,
    'config-direct': ['ve-removed', 'configurable-added'],
    'allow-direct': ['ve-removed', 'configurable-added'],
    fixed1: ['ve-removed', 'fixed1-added'],
    fixed0: ['ve-removed'],
    native: ['ve-removed', 'native-added'],
  },
  'config-direct': {
    absent: ['leaf-removed', 'configurable-removed'],
    ve: ['ve-added', 'configurable-removed'],
    'config-direct': NONE,
    // The module takes the VMM's 1 also where the host lacks the bit, and gives the TD a 0.
    'allow-direct': ['choice-changed'],
    fixed1: ['configurable-removed', 'fixed1-added'],
    fixed0: ['configurable-removed', 'fixed0-added'],
    native: ['configurable-removed', 'native-added'],
  },
  'allow-direct': {
    absent: ['leaf-removed', 'configurable-removed'],
    ve: ['ve-added', 'configurable-removed'],
    'config-direct': ['choice-changed'],
    'allow-direct': NONE,
    fixed1: ['configurable-removed', 'fixed1-added'],
    fixed0: ['configurable-removed', 'fixed0-added'],
    native: ['configurable-removed', 'native-added'],
  },
  fixed1: {
    absent: ['leaf-removed', 'fixed1-removed'],
    ve: ['ve-added', 'fixed1-removed'],
    'config-direct': ['fixed1-removed', 'configurable-added'],
    'allow-direct': ['fixed1-removed', 'configurable-added'],
    fixed1: NONE,
    fixed0: ['fixed1-removed', 'fixed0-added'],
    native: ['fixed1-removed', 'native-added', 'unfixed-not-configurable'],
  },
  fixed0: {
    absent: ['leaf-removed'],
    ve: ['ve-added'],
    'config-direct': ['configurable-added'],
    'allow-direct': ['configurable-added'],
    fixed1: ['fixed1-added'],
    fixed0: NONE,
    native: ['native-added', 'unfixed-not-configurable'],
  },
  native: {
    absent: ['leaf-removed'],
    ve: ['ve-added'],
    'config-direct': ['configurable-added'],
    'allow-direct': ['configurable-added'],
    fixed1: ['fixed1-added'],
    fixed0: ['fixed0-added'],
    native: NONE,
  },
};
