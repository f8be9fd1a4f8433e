import { isText, skipBrackets } from './cursor.ts';
import type { Token } from './token.ts';
import { isTypeWord, QUALIFIERS } from './types.ts';

/** Words behind a declared name that say where or how it is stored. */
const ATTRIBUTE =
  /^(?:__(?:ro_after_init|read_mostly|init\w*|maybe_unused|used|packed|aligned|attribute|attribute__|section|percpu|randomize_layout|counted_by)|____cacheline\w*)$/;
export const isAttribute = (token: Token | undefined): boolean => token?.kind === 'id' && ATTRIBUTE.test(token.text);

/** The name in `(*name)`, `(*const name)`, `(convention *name)` from the parenthesis at `open`, null for another one. */
export function pointerName(tokens: readonly Token[], open: number): Token | null {
  if (!isText(tokens[open], '(')) return null;
  let at = open + 1;
  while (tokens[at]?.kind === 'id') at += 1;
  if (!isText(tokens[at], '*')) return null;
  while (isText(tokens[at], '*') || QUALIFIERS.has(tokens[at]?.text ?? '')) at += 1;
  const name = tokens[at];
  return name?.kind === 'id' ? name : null;
}

/** The index of the name before the `=` at `equals`: before array sizes and attributes. Null where there is none. */
export function objectName(tokens: readonly Token[], start: number, equals: number): number | null {
  let at = equals - 1;
  while (at >= start) {
    const token = tokens[at];
    if (isText(token, ']') || isText(token, ')')) {
      const isArray = isText(token, ']');
      at = openBefore(tokens, start, at) - 1;
      // Only an attribute's parenthesis stands behind a name.
      if (!isArray && !isAttribute(tokens[at])) return null;
    } else if (isAttribute(token)) at -= 1;
    else return token?.kind === 'id' ? at : null;
  }
  return null;
}

/** The index of the bracket that the one at `close` closes, or before `start` where there is none. */
function openBefore(tokens: readonly Token[], start: number, close: number): number {
  let depth = 0;
  for (let at = close; at >= start; at -= 1) {
    const token = tokens[at];
    if (isText(token, ']') || isText(token, ')')) depth += 1;
    else if (isText(token, '[') || isText(token, '(')) depth -= 1;
    if (depth === 0) return at;
  }
  return start - 1;
}

/** The tokens between each pair of square brackets from `start` up to `end`. */
export function dimensionsOf(
  file: string,
  tokens: readonly Token[],
  start: number,
  end: number,
): readonly (readonly Token[])[] {
  const dimensions: Token[][] = [];
  for (let at = start; at < end; at += 1) {
    if (!isText(tokens[at], '[')) continue;
    const behind = skipBrackets(file, tokens, at);
    dimensions.push(tokens.slice(at + 1, behind - 1));
    at = behind - 1;
  }
  return dimensions;
}

export type AggregateHead = {
  readonly form: 'struct' | 'union' | 'enum';
  readonly tag: string | null;
  readonly line: number;
};

/** `struct attributes tag` before a body, null where the tokens are no head of a struct, union or enum. */
export function aggregateHead(file: string, heads: readonly Token[]): AggregateHead | null {
  const index = heads.findIndex((token) => ['struct', 'union', 'enum'].includes(token.text));
  const keyword = heads[index];
  if (keyword === undefined || heads.slice(0, index).some((token) => isText(token, '('))) return null;
  let tag: string | null = null;
  for (let at = index + 1; at < heads.length; at += 1) {
    const token = heads[at];
    // The type that an enum's values have.
    if (isText(token, ':')) break;
    if (isText(token, '(')) {
      if (!isAttribute(heads[at - 1])) return null;
      at = skipBrackets(file, heads, at) - 1;
    } else if (token?.kind === 'id' && !isAttribute(token)) tag = token.text;
    else if (token?.kind !== 'id' && token?.kind !== 'directive') return null;
  }
  const form = keyword.text === 'struct' ? 'struct' : keyword.text === 'union' ? 'union' : 'enum';
  return { form, tag, line: keyword.line };
}

export type FunctionHead = { readonly name: string; readonly params: readonly string[]; readonly line: number };

/** `specifiers name(params) attributes` before a body: the first name before a parenthesis that is no attribute. */
export function functionHead(file: string, tokens: readonly Token[], start: number, open: number): FunctionHead | null {
  let fallback: FunctionHead | null = null;
  for (let at = start; at < open; at += 1) {
    const name = tokens[at];
    if (!isText(tokens[at + 1], '(') || name?.kind !== 'id') continue;
    const behind = skipBrackets(file, tokens, at + 1);
    const head = { name: name.text, params: paramsOf(tokens.slice(at + 2, behind - 1)), line: name.line };
    if (!name.text.startsWith('__')) return head;
    // `__printf(1, 2) int name(…)`: an attribute if another name follows.
    if (!isAttribute(name)) fallback ??= head;
    at = behind - 1;
  }
  return fallback;
}

/** The declared names of a parameter list, in order; an unnamed one is the empty string. */
function paramsOf(tokens: readonly Token[]): readonly string[] {
  const params: string[] = [];
  let depth = 0;
  let words: string[] = [];
  for (const [index, token] of tokens.entries()) {
    if (isText(token, '(') || isText(token, '[')) {
      const pointer = depth === 0 && !isText(tokens[index - 1], ')') ? pointerName(tokens, index) : null;
      if (pointer !== null) words.push(pointer.text);
      depth += 1;
    } else if (isText(token, ')') || isText(token, ']')) depth -= 1;
    else if (isText(token, ',') && depth === 0) {
      params.push(declaredName(words));
      words = [];
    } else if (token.kind === 'id' && depth === 0 && !isAttribute(token)) words.push(token.text);
  }
  if (words.length > 0 && !(params.length === 0 && words.join() === 'void')) params.push(declaredName(words));
  return params;
}

/** The last word, unless it is the type. */
function declaredName(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return isTypeWord(last) && (words.length === 1 || !/_t$/.test(last)) ? '' : last;
}
