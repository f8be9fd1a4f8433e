import { type Cursor, isText, peek } from './cursor.ts';
import type { Token } from './token.ts';

/** Words that can only be part of a type. */
const TYPE_WORDS = new Set(
  'void char short int long float double signed unsigned _Bool bool const volatile static inline extern register auto struct union enum restrict __restrict __inline __inline__ __always_inline noinline noinstr __init __user __percpu __iomem __rcu __force typeof __typeof__ _STATIC_INLINE_ u8 u16 u32 u64 s8 s16 s32 s64 __u8 __u16 __u32 __u64 __s32 __s64 size_t ssize_t gpa_t gva_t hpa_t gfn_t kvm_pfn_t'.split(
    ' ',
  ),
);
export const QUALIFIERS: ReadonlySet<string> = new Set([
  'const',
  'volatile',
  '__force',
  '__user',
  '__iomem',
  '__percpu',
  '__rcu',
]);
const TAGGED = new Set(['struct', 'union', 'enum']);

const STATEMENT_WORDS = new Set('if else for while do switch case default return goto break continue'.split(' '));

/** Words that begin or part statements: none is a name, a value or a type. */
export const isStatementWord = (token: Token): boolean => token.kind === 'id' && STATEMENT_WORDS.has(token.text);

export const isTypeWord = (word: string): boolean => TYPE_WORDS.has(word) || /^\w+_t$/.test(word);

/**
 * The length in tokens of a type that ends before a closing parenthesis at `cursor.at + start`, or 0 where it is none:
 * `const u64 *`, `struct x`, `foo_t`. A single unknown name is a type only if `loose`.
 */
export function typeLength(cursor: Cursor, start: number, loose: boolean): number {
  const words = wordsLength(cursor, start);
  if (words === null) return 0;
  const afterWords = start + words.length;
  let at = afterWords;
  while (isText(peek(cursor, at), '*') || (peek(cursor, at).kind === 'id' && QUALIFIERS.has(peek(cursor, at).text)))
    at += 1;
  if (!isText(peek(cursor, at), ')')) return 0;
  return words.sure || loose || at > afterWords ? at - start : 0;
}

/** The words of a type, and whether one of them can only be part of a type. */
function wordsLength(cursor: Cursor, start: number): { readonly length: number; readonly sure: boolean } | null {
  let at = start;
  let sure = false;
  let onlyQualifiers = true;
  for (;;) {
    const token = peek(cursor, at);
    if (token.kind !== 'id') break;
    if (TAGGED.has(token.text) && peek(cursor, at + 1).kind === 'id') {
      [sure, onlyQualifiers, at] = [true, false, at + 2];
    } else if (isTypeWord(token.text) || onlyQualifiers) {
      if (/^(__)?typeof(__)?$/.test(token.text)) return null;
      onlyQualifiers &&= QUALIFIERS.has(token.text);
      sure ||= isTypeWord(token.text);
      at += 1;
    } else break;
  }
  return at === start ? null : { length: at - start, sure };
}
