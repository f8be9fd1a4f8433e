import type { FeatureTable } from './features.ts';
import type { KernelTree } from './tree.ts';

/**
 * What the headers of a revision make of names: the text of their macros and of all that these name, the values of
 * constants, and the places of features. Names that mean the same in two revisions need not be looked into again.
 */
export function meaningsOf(tree: KernelTree, features: FeatureTable, names: ReadonlySet<string>): string {
  // Only the headers: what the file itself defines is part of its text.
  const scope = tree.scope('');
  const seen = new Set(names);
  const meanings: string[] = [];
  // A set is walked in the order of its growth: what a macro names is visited after it.
  for (const name of seen) {
    const constant = scope.constant?.(name);
    if (constant !== undefined) meanings.push(`${name} ${constant}`);
    const feature = features.bits.get(name.replace(/^X86_FEATURE_/, ''));
    if (feature !== undefined) meanings.push(`${name} ${Object.values(feature).join(' ')}`);
    const word = features.words.get(name);
    if (word !== undefined) meanings.push(`${name} ${Object.values(word).join(' ')}`);
    const macro = scope.macro(name);
    if (macro === undefined) continue;
    const body = macro.body.map(({ text }) => text);
    meanings.push(`${name}(${macro.params?.join() ?? '-'}) ${macro.isAmbiguous ?? ''} ${body.join(' ')}`);
    for (const token of macro.body) if (token.kind === 'id') seen.add(token.text);
  }
  return meanings.join('\n');
}
