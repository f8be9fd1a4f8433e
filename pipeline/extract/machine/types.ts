import { isText, skipBrackets } from '../c/cursor.ts';
import { isAttribute } from '../c/heads.ts';
import { widthOf } from '../c/integer.ts';
import type { Token } from '../c/token.ts';

/** A type of C as far as running code needs it; `unknown` where its definition is in no file that is read. */
export type CType =
  | { readonly kind: 'int'; readonly bits: number; readonly signed: boolean; readonly isBool?: true }
  | { readonly kind: 'pointer'; readonly to: CType }
  | { readonly kind: 'struct'; readonly tag: string; readonly members: () => readonly Member[] | null }
  | { readonly kind: 'array'; readonly of: CType; readonly length: number | null }
  | { readonly kind: 'void' }
  | { readonly kind: 'unknown'; readonly text: string };

/** A member with its place in the struct; those of unnamed inner structs stand in their place. */
export type Member = { readonly name: string; readonly type: CType; readonly isUnion: boolean };

export const U32: CType = { kind: 'int', bits: 32, signed: false };
export const U64: CType = { kind: 'int', bits: 64, signed: false };
export const INT: CType = { kind: 'int', bits: 32, signed: true };
const BOOL: CType = { kind: 'int', bits: 8, signed: false, isBool: true };
export const UNKNOWN_TYPE: CType = { kind: 'unknown', text: '' };

/** What the words of a type may name: structs by tag, and the length that the tokens of an array's brackets give. */
export type TypeScope = {
  readonly members: (tag: string) => readonly Member[] | null;
  readonly length: (tokens: readonly Token[]) => number | null;
};

const PASSED =
  /^(?:const|volatile|static|inline|extern|register|auto|restrict|__restrict|__always_inline|noinline|__init|__user|__force|__percpu|__iomem|__rcu|noinstr|__maybe_unused|__ro_after_init|__read_mostly|__initdata|__packed)$/;

/** `const struct kvm_cpuid_entry2 *` as a type. */
export function typeOfWords(words: readonly string[], scope: TypeScope): CType {
  const stars = words.filter((word) => word === '*').length;
  const names = words.filter((word) => word !== '*' && !PASSED.test(word));
  let type = baseType(names, scope);
  for (let star = 0; star < stars; star += 1) type = { kind: 'pointer', to: type };
  return type;
}

function baseType(names: readonly string[], scope: TypeScope): CType {
  const [first = '', tag = ''] = names;
  if (first === 'struct' || first === 'union')
    return { kind: 'struct', tag, members: once(() => scope.members(`${first} ${tag}`)) };
  if (first === 'enum') return INT;
  if (first === 'void') return { kind: 'void' };
  if (names.length === 1 && /^(?:bool|_Bool)$/.test(first)) return BOOL;
  const width = widthOf(names.join(' ')) ?? widthOf(names.filter((name) => name !== 'int').join(' '));
  if (width !== undefined) return { kind: 'int', bits: width[0], signed: width[1] };
  if (first === 'char') return { kind: 'int', bits: 8, signed: true };
  return { kind: 'unknown', text: names.join(' ') };
}

function once<T>(compute: () => T): () => T {
  let known: { readonly value: T } | null = null;
  return () => {
    known ??= { value: compute() };
    return known.value;
  };
}

export type Declarator = { readonly name: string; readonly type: CType };

/** The names that the tokens of one declaration declare, without initialisers: `static u32 a[4], *b`. */
export function declaratorsOf(file: string, tokens: readonly Token[], scope: TypeScope): readonly Declarator[] {
  const found: Declarator[] = [];
  const words: string[] = [];
  let [stars, name] = [0, ''];
  let dimensions: (number | null)[] = [];
  const finish = (): void => {
    if (name === '') return;
    let type = typeOfWords([...words, ...Array.from({ length: stars }, () => '*')], scope);
    for (const length of dimensions.reverse()) type = { kind: 'array', of: type, length };
    found.push({ name, type });
  };
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined || isText(token, '=')) break;
    if (isText(token, '[')) {
      const behind = skipBrackets(file, tokens, at);
      dimensions.push(behind - at === 2 ? null : scope.length(tokens.slice(at + 1, behind - 1)));
      at = behind - 1;
    } else if (isText(token, '(')) {
      // An attribute, or a function's parameters: what is declared is no object.
      if (!isAttribute(tokens[at - 1])) return found;
      at = skipBrackets(file, tokens, at) - 1;
    } else if (isText(token, '*')) stars += 1;
    else if (isText(token, ',')) {
      finish();
      [stars, name, dimensions] = [0, '', []];
    } else if (token.kind === 'id' && !isAttribute(token)) {
      if (name !== '') words.push(name);
      name = token.text;
    }
  }
  finish();
  return found;
}

/** The members between the braces whose first token stands at `open`; null where one of them cannot be told. */
// biome-ignore lint/complexity/useMaxParams: a range of tokens, and how types are read in it.
export function membersOf(
  file: string,
  tokens: readonly Token[],
  open: number,
  scope: TypeScope,
  isUnion = false,
): readonly Member[] | null {
  const end = skipBrackets(file, tokens, open) - 1;
  const members: Member[] = [];
  let start = open + 1;
  for (let at = open + 1; at < end; at += 1) {
    const token = tokens[at];
    if (token?.kind === 'directive') return null;
    if (isText(token, '{')) {
      const behind = skipBrackets(file, tokens, at);
      let stop = behind;
      while (stop < end && !isText(tokens[stop], ';')) stop += 1;
      const inner = innerMembers(file, tokens, { start, open: at, behind, stop }, scope);
      if (inner === null) return null;
      members.push(...inner);
      [at, start] = [stop, stop + 1];
    } else if (isText(token, '(') && isFlexible(tokens[at - 1])) {
      const behind = skipBrackets(file, tokens, at);
      const inside = tokens.slice(at + 1, behind - 1).filter((each) => !isText(each, ','));
      const [own] = declaratorsOf(file, inside, scope);
      if (own === undefined) return null;
      members.push({ name: own.name, type: { kind: 'array', of: own.type, length: null }, isUnion });
      while (at < end && !isText(tokens[at], ';')) at += 1;
      start = at + 1;
    } else if (isText(token, ';')) {
      const own = tokens.slice(start, at);
      // A bit-field's width is not kept apart, and a function pointer is nothing that code of this kind copies.
      if (own.some((each) => isText(each, ':')) || own.some((each) => isText(each, '('))) {
        const name = own.findLast((each) => each.kind === 'id')?.text ?? '';
        members.push({ name, type: { kind: 'unknown', text: name }, isUnion });
      } else members.push(...declaratorsOf(file, own, scope).map((each) => ({ ...each, isUnion })));
      start = at + 1;
    }
  }
  return members;
}

/** User space's headers have a name of their own for it. */
const isFlexible = (token: Token | undefined): boolean =>
  isText(token, 'DECLARE_FLEX_ARRAY') || isText(token, '__DECLARE_FLEX_ARRAY');

type Inner = { readonly start: number; readonly open: number; readonly behind: number; readonly stop: number };

/** `struct { … } name;` or, without a name, the members themselves. */
function innerMembers(
  file: string,
  tokens: readonly Token[],
  { start, open, behind, stop }: Inner,
  scope: TypeScope,
): readonly Member[] | null {
  const isUnion = tokens.slice(start, open).some((each) => isText(each, 'union'));
  const inner = membersOf(file, tokens, open, scope, isUnion);
  const names = tokens.slice(behind, stop).filter((each) => each.kind === 'id' && !isAttribute(each));
  const [name] = names;
  if (name === undefined) return inner;
  const type: CType = { kind: 'struct', tag: '', members: () => inner };
  const lengths = tokens.slice(behind, stop).some((each) => isText(each, '['));
  return [{ name: name.text, type: lengths ? { kind: 'array', of: type, length: null } : type, isUnion: false }];
}

/** The size in bytes as a 64-bit target lays the type out; null where it is not known. */
export function sizeOf(type: CType): number | null {
  switch (type.kind) {
    case 'int':
      return type.bits / 8;
    case 'pointer':
      return 8;
    case 'array': {
      const each = sizeOf(type.of);
      return each === null || type.length === null ? null : each * type.length;
    }
    case 'struct': {
      const members = type.members();
      if (members === null) return null;
      let [size, widest] = [0, 1];
      for (const member of members) {
        const own = sizeOf(member.type);
        const align = alignOf(member.type);
        if (own === null) return null;
        widest = Math.max(widest, align);
        size = member.isUnion ? Math.max(size, own) : Math.ceil(size / align) * align + own;
      }
      return Math.ceil(size / widest) * widest;
    }
    default:
      return null;
  }
}

function alignOf(type: CType): number {
  if (type.kind === 'array') return alignOf(type.of);
  if (type.kind === 'struct')
    return (type.members() ?? []).reduce((most, each) => Math.max(most, alignOf(each.type)), 1);
  return sizeOf(type) ?? 1;
}
