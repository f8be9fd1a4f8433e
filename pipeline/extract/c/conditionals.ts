import { fail } from './cursor.ts';
import type { Token } from './lex.ts';

/** Deeper than the 63 levels that C asks of a compiler. */
const MAX_DEPTH = 100;
/** The condition of a branch names those before it: more would take a length that grows with the square. */
const MAX_BRANCHES = 100;

/** An open `#if`: whether its current branch is kept, and whether any of its directives were. */
type Group = {
  readonly opener: Token;
  readonly isOuterLive: boolean;
  isLive: boolean;
  isEmitted: boolean;
  /** A branch with a constant true condition was met: no later one is compiled. */
  isDecided: boolean;
  hasElse: boolean;
  branches: number;
};

/**
 * The tokens that a compiler may see: what stands under `#if 0`, or in the `#else` of `#if 1`, is in no build and holds
 * no fact. Throws a DataError where conditionals do not nest. Only where a file starts may a guard be left open.
 */
export function liveTokens(file: string, tokens: readonly Token[], isWhole: boolean): readonly Token[] {
  const live: Token[] = [];
  const groups: Group[] = [];
  let isLive = true;
  for (const token of tokens) {
    if (token.kind !== 'directive') {
      if (isLive) live.push(token);
      continue;
    }
    const group = groups.at(-1);
    if (/^if(n?def)?$/.test(token.text)) {
      if (groups.length === MAX_DEPTH) return fail(file, token, `at most ${MAX_DEPTH} nested #if`);
      groups.push(openGroup(token, isLive, live));
    } else if (/^(el|end)/.test(token.text)) {
      if (group === undefined) return fail(file, token, `an #if before #${token.text}`);
      if (token.text === 'endif') closeGroup(groups, live, token);
      else startBranch(file, group, token, live);
    } else if (isLive) live.push(token);
    isLive = groups.at(-1)?.isLive ?? true;
  }
  const [open] = groups;
  if (open !== undefined && (groups.length > 1 || !isWhole || !isGuard(tokens, open.opener)))
    return fail(file, groups.at(-1)?.opener ?? open.opener, '#endif for each #if');
  const end = tokens.at(-1);
  if (end !== undefined && live.at(-1) !== end) live.push(end);
  return live;
}

/** `#ifndef X`, `#define X` at the start of a file: an include guard. A release of the module leaves one open; it hides nothing. */
function isGuard(tokens: readonly Token[], opener: Token): boolean {
  const [first, second] = tokens;
  const isPair = first === opener && opener.text === 'ifndef' && second?.text === 'define';
  return isPair && opener.tokens?.[0]?.text === second.tokens?.[0]?.text;
}

function openGroup(token: Token, isOuterLive: boolean, live: Token[]): Group {
  const value = token.text === 'if' ? constantOf(token) : null;
  const isEmitted = isOuterLive && value === null;
  if (isEmitted) live.push(token);
  return {
    opener: token,
    isOuterLive,
    isLive: isOuterLive && value !== false,
    isEmitted,
    isDecided: value === true,
    hasElse: false,
    branches: 1,
  };
}

function startBranch(file: string, group: Group, token: Token, live: Token[]): void {
  if (token.text !== 'else' && token.text !== 'elif') fail(file, token, '#elif, #else or #endif');
  if (group.hasElse) fail(file, token, '#endif behind #else');
  group.branches += 1;
  if (group.branches > MAX_BRANCHES) fail(file, token, `at most ${MAX_BRANCHES} branches of an #if`);
  group.hasElse = token.text === 'else';
  const value = token.text === 'else' ? true : constantOf(token);
  group.isLive = group.isOuterLive && !group.isDecided && value !== false;
  group.isDecided ||= value === true;
  if (!group.isLive) return;
  if (value === true) {
    if (group.isEmitted) live.push({ ...token, text: 'else', tokens: [] });
  } else live.push(group.isEmitted ? token : { ...token, text: 'if' });
  group.isEmitted ||= value === null;
}

function closeGroup(groups: Group[], live: Token[], token: Token): void {
  const group = groups.pop();
  if (group?.isEmitted) live.push(token);
}

/** The truth of a condition that is one number, else null. */
function constantOf(directive: Token): boolean | null {
  const [number, ...rest] = directive.tokens ?? [];
  if (number?.kind !== 'num' || rest.length > 0 || !/^\d+$/.test(number.text)) return null;
  return !/^0+$/.test(number.text);
}

/** `#ifdef X` reads `defined(X)`, `#ifndef X` reads `!defined(X)`, `#if` and `#elif` their own text, `#else` nothing. */
export function conditionText(directive: Token): string {
  if (directive.text === 'else') return '';
  const text = (directive.tokens ?? []).map((token) => token.text).join(' ');
  if (directive.text === 'ifdef') return `defined(${text})`;
  if (directive.text === 'ifndef') return `!defined(${text})`;
  return text;
}
