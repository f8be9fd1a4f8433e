/** What a workflow's expressions see. */
export type Contexts = Readonly<Record<string, unknown>>;
/** How the job or step before this one went, for `success()` and its like. */
export type Progress = { readonly isFailed: boolean; readonly isCancelled: boolean };

const TOKEN = /\s*(?:('(?:[^']|'')*')|(\d+(?:\.\d+)?)|([A-Za-z_][\w-]*)|(&&|\|\||==|!=|[!().[\],*]))/y;

/**
 * The part of GitHub's expression language that the workflows use. Whatever it does not know throws: a test must not pass by
 * reading an expression in another way than the forge.
 */
export function evaluate(text: string, contexts: Contexts, progress: Progress): unknown {
  const tokens = tokensOf(text);
  let at = 0;
  const peek = (): string | undefined => tokens[at];
  const take = (expected?: string): string => {
    const token = tokens[at];
    if (token === undefined || (expected !== undefined && token !== expected))
      throw new Error(`${text}: expected ${expected ?? 'more'}, found ${token ?? 'the end'}`);
    at += 1;
    return token;
  };
  function or(): unknown {
    let left = and();
    while (peek() === '||') {
      take();
      const right = and();
      left = isTrue(left) ? left : right;
    }
    return left;
  }
  function and(): unknown {
    let left = equality();
    while (peek() === '&&') {
      take();
      const right = equality();
      left = isTrue(left) ? right : left;
    }
    return left;
  }
  function equality(): unknown {
    let left = unary();
    for (let operator = peek(); operator === '==' || operator === '!='; operator = peek()) {
      take();
      const same = isEqual(left, unary());
      left = operator === '==' ? same : !same;
    }
    return left;
  }
  function unary(): unknown {
    if (peek() !== '!') return primary();
    take();
    return !isTrue(unary());
  }
  function primary(): unknown {
    const token = take();
    if (token === '(') {
      const value = or();
      take(')');
      return value;
    }
    if (token.startsWith("'")) return token.slice(1, -1).replaceAll("''", "'");
    if (/^\d/.test(token)) return Number(token);
    if (token === 'true' || token === 'false') return token === 'true';
    if (token === 'null') return null;
    if (peek() === '(') return call(token);
    if (!Object.hasOwn(contexts, token)) throw new Error(`${text}: no context ${token}`);
    let value: unknown = contexts[token];
    while (peek() === '.') {
      take();
      const name = take();
      value = typeof value === 'object' && value !== null ? ((value as Contexts)[name] ?? null) : null;
    }
    return value;
  }
  function call(name: string): unknown {
    take('(');
    const args: unknown[] = [];
    while (peek() !== ')') {
      args.push(or());
      if (peek() === ',') take();
    }
    take(')');
    const [first, second] = args.map(textOf);
    if (name === 'always') return true;
    if (name === 'cancelled') return progress.isCancelled;
    if (name === 'failure') return progress.isFailed;
    if (name === 'success') return !progress.isFailed && !progress.isCancelled;
    if (name === 'fromJSON') return JSON.parse(first ?? '');
    if (name === 'startsWith') return (first ?? '').toLowerCase().startsWith((second ?? '').toLowerCase());
    throw new Error(`${text}: no function ${name}`);
  }
  const value = or();
  if (at < tokens.length) throw new Error(`${text}: not understood from ${tokens[at]}`);
  return value;
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const before = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new Error(`${text}: not understood at ${before}`);
    tokens.push(match[0].trim());
  }
  return tokens;
}

/** Falsy are false, 0, '' and null, as in the forge's language. */
const isTrue = (value: unknown): boolean => value !== false && value !== 0 && value !== '' && value != null;

/** Texts without regard to case; different types as numbers. */
function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a === 'string' && typeof b === 'string') return a.toLowerCase() === b.toLowerCase();
  if (typeof a === typeof b && a !== null && b !== null) return a === b;
  return numberOf(a) === numberOf(b);
}

function numberOf(value: unknown): number {
  if (value == null || value === '') return 0;
  return typeof value === 'object' ? Number.NaN : Number(value);
}

export function textOf(value: unknown): string {
  if (value == null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A text with its `${{ … }}` parts replaced; one that is nothing else keeps its value's type. */
export function interpolate(text: string, contexts: Contexts, progress: Progress): unknown {
  const whole = /^\$\{\{((?:(?!\}\}).)*)\}\}$/s.exec(text.trim());
  if (whole !== null) return evaluate(whole[1] ?? '', contexts, progress);
  return text.replace(/\$\{\{(.*?)\}\}/gs, (_, inner: string) => textOf(evaluate(inner, contexts, progress)));
}

/** Whether an `if:` lets a job or step run: without a status function it also needs success. */
export function isWanted(condition: unknown, contexts: Contexts, progress: Progress): boolean {
  const text = String(condition ?? 'success()');
  const inner = /^\s*\$\{\{(.*)\}\}\s*$/s.exec(text)?.[1] ?? text;
  const asksStatus = /\b(always|cancelled|failure|success)\s*\(/.test(inner);
  return isTrue(evaluate(asksStatus ? inner : `success() && (${inner})`, contexts, progress));
}
