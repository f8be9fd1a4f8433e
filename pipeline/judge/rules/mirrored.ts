import type { Draft, PolicyStepContext, ReleaseContext, Rule } from '../rule.ts';

/** What a rule says to people. */
type Words = Pick<Rule, 'title' | 'level' | 'for' | 'why' | 'action'>;
type Contexts = { readonly release: ReleaseContext; readonly 'policy-step': PolicyStepContext };
export type Direction = 'added' | 'removed';

/** Two rules that differ in the direction alone, `ID-added` and `ID-removed`: each is the other's mirror. */
export function mirrored<const Id extends string, Scope extends keyof Contexts>(
  id: Id,
  scope: Scope,
  judge: (context: Contexts[Scope], change: Direction) => readonly Draft[],
  words: Readonly<Record<Direction, Words>>,
) {
  const rule = <const Change extends Direction, const Other extends Direction>(change: Change, other: Other) => ({
    id: `${id}-${change}` as const,
    mirror: `${id}-${other}` as const,
    ...words[change],
    scope,
    judge: (context: Contexts[Scope]) => judge(context, change),
  });
  return [rule('added', 'removed'), rule('removed', 'added')] as const;
}
