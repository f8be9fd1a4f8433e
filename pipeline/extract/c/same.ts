import { KnownError } from '../../model/errors.ts';
import { lex } from './lex.ts';
import type { Token } from './token.ts';

/** Whether two texts are the same C but for comments and white space; false where one cannot be read. */
export function isSameCode(file: string, before: string, after: string): boolean {
  try {
    return textOf(lex(file, before)) === textOf(lex(file, after));
  } catch (error) {
    if (error instanceof KnownError) return false;
    throw error;
  }
}

const textOf = (tokens: readonly Token[]): string =>
  JSON.stringify(tokens, (key, value: unknown) => (key === 'line' || key === 'column' ? undefined : value));
