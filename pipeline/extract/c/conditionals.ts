import { fail } from './cursor.ts';
import type { Token } from './token.ts';

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
  const live: Live = { all: tokens, at: 0, own: null };
  const groups: Group[] = [];
  let isLive = true;
  for (; live.at < tokens.length; live.at += 1) {
    const token = tokens[live.at];
    if (token === undefined) break;
    if (token.kind !== 'directive') {
      take(live, isLive ? token : null);
      continue;
    }
    takeDirective({ file, groups, live }, token, isLive);
    isLive = groups.at(-1)?.isLive ?? true;
  }
  const open = groups.at(-1);
  if (open !== undefined && (groups.length > 1 || !isWhole || !isGuard(tokens, open.opener)))
    return fail(file, open.opener, '#endif for each #if');
  const end = tokens.at(-1);
  if (live.own !== null && end !== undefined && live.own.at(-1) !== end) live.own.push(end);
  return live.own ?? tokens;
}

/** What is kept of a list up to a place: all of it, and no list of its own, for as long as nothing is left out. */
type Live = { readonly all: readonly Token[]; at: number; own: Token[] | null };

/** Keeps, in the place of the token that is read, that or another or none. */
function take(live: Live, token: Token | null): void {
  if (live.own === null && token !== live.all[live.at]) live.own = live.all.slice(0, live.at);
  if (token !== null) live.own?.push(token);
}

/** A file while its conditionals are read: what is open, outermost first, and what is kept. */
type Reading = { readonly file: string; readonly groups: Group[]; readonly live: Live };

function takeDirective({ file, groups, live }: Reading, token: Token, isLive: boolean): void {
  if (/^if(n?def)?$/.test(token.text)) {
    if (groups.length === MAX_DEPTH) fail(file, token, `at most ${MAX_DEPTH} nested #if`);
    groups.push(openGroup(token, isLive, live));
  } else if (/^(el|end)/.test(token.text)) {
    const group = groups.at(-1) ?? fail(file, token, `an #if before #${token.text}`);
    if (token.text === 'endif') closeGroup(groups, live, token);
    else startBranch(file, group, token, live);
  } else take(live, isLive ? token : null);
}

/** `#ifndef X`, `#define X` at the start of a file: an include guard. A release of the module leaves one open; it hides nothing. */
function isGuard(tokens: readonly Token[], opener: Token): boolean {
  const [first, second] = tokens;
  const isPair = first === opener && opener.text === 'ifndef' && second?.text === 'define';
  return isPair && opener.tokens?.[0]?.text === second.tokens?.[0]?.text;
}

function openGroup(token: Token, isOuterLive: boolean, live: Live): Group {
  const value = token.text === 'if' ? constantOf(token) : null;
  const isEmitted = isOuterLive && value === null;
  take(live, isEmitted ? token : null);
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

function startBranch(file: string, group: Group, token: Token, live: Live): void {
  if (token.text !== 'else' && token.text !== 'elif') fail(file, token, '#elif, #else or #endif');
  if (group.hasElse) fail(file, token, '#endif behind #else');
  group.branches += 1;
  if (group.branches > MAX_BRANCHES) fail(file, token, `at most ${MAX_BRANCHES} branches of an #if`);
  group.hasElse = token.text === 'else';
  const value = token.text === 'else' ? true : constantOf(token);
  group.isLive = group.isOuterLive && !group.isDecided && value !== false;
  group.isDecided ||= value === true;
  take(live, group.isLive ? branchOf(group, token, value) : null);
  group.isEmitted ||= group.isLive && value === null;
}

/** The directive of a branch that is kept, as it reads without those that are not: null where it is the only one. */
function branchOf(group: Group, token: Token, value: boolean | null): Token | null {
  if (value !== true) return group.isEmitted ? token : { ...token, text: 'if' };
  if (!group.isEmitted) return null;
  return token.text === 'else' && token.tokens?.length === 0 ? token : { ...token, text: 'else', tokens: [] };
}

function closeGroup(groups: Group[], live: Live, token: Token): void {
  const group = groups.pop();
  take(live, group?.isEmitted === true ? token : null);
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
