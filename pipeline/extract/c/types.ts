import { type Cursor, isText, peek } from './cursor.ts';

/** Words that can only be part of a type. */
const TYPE_WORDS = new Set(
  'void char short int long float double signed unsigned _Bool bool const volatile static inline extern register auto struct union enum restrict __restrict __inline __inline__ __always_inline noinline noinstr __init __user __percpu __iomem __rcu typeof __typeof__ _STATIC_INLINE_ u8 u16 u32 u64 s8 s16 s32 s64 __u8 __u16 __u32 __u64 __s32 __s64 size_t ssize_t gpa_t gva_t hpa_t gfn_t kvm_pfn_t'.split(
    ' ',
  ),
);
const QUALIFIERS = new Set(['const', 'volatile']);
const TAGGED = new Set(['struct', 'union', 'enum']);

export const isTypeWord = (word: string): boolean => TYPE_WORDS.has(word) || /^\w+_t$/.test(word);

/**
 * The length in tokens of a type that ends before a closing parenthesis at `cursor.at + start`, or 0 where it is none:
 * `const u64 *`, `struct x`, `foo_t`. A single unknown name is a type only if `loose`.
 */
export function typeLength(cursor: Cursor, start: number, loose: boolean): number {
  let at = start;
  let words = 0;
  let sure = false;
  let onlyQualifiers = false;
  for (;;) {
    const token = peek(cursor, at);
    if (token.kind === 'id' && TAGGED.has(token.text) && peek(cursor, at + 1).kind === 'id') {
      sure = true;
      words += 1;
      at += 2;
    } else if (token.kind === 'id' && (isTypeWord(token.text) || words === 0 || onlyQualifiers)) {
      if ((token.text === 'typeof' || token.text === '__typeof__') && isText(peek(cursor, at + 1), '(')) return 0;
      onlyQualifiers = QUALIFIERS.has(token.text);
      sure ||= isTypeWord(token.text);
      words += 1;
      at += 1;
    } else break;
  }
  if (words === 0) return 0;
  const afterWords = at;
  while (isText(peek(cursor, at), '*') || isText(peek(cursor, at), 'const')) at += 1;
  if (!isText(peek(cursor, at), ')')) return 0;
  if (!sure && at > afterWords) return at - start;
  return sure || loose ? at - start : 0;
}
