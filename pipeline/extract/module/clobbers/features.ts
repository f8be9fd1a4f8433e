import type { FlagBits, Opener } from '../../../model/clobber.ts';
import { DataError } from '../../../model/errors.ts';
import { bitMask } from '../../../model/mask.ts';
import type { Register } from '../../../model/place.ts';
import { structMembers, type Unit } from '../../c/unit.ts';
import type { Tree } from './tree.ts';

/** Guards that a TD's configuration decides: a tracked CPUID flag, an attribute, an XFAM bit. */
const FEATURE = /(?:^|\.)(cpuid_flags|attributes|xfam)\.(\w+)$/;

/** `cpuid_flags.waitpkg_supported`, `attributes.perfmon`, `xfam.lbr`, or null where a text names no feature. */
export function featureOf(text: string): string | null {
  const match = FEATURE.exec(text);
  return match === null || match[2] === 'raw' ? null : `${match[1]}.${match[2]}`;
}

/** The number of the lowest bit of a bit-field by name in a union, null where the union has no such member. */
function bitOfMember(unit: Unit, open: number, name: string): number | null {
  let bit = 0;
  for (const member of structMembers(unit, { open })) {
    if (member.width === null) continue;
    if (member.name === name) return bit;
    bit += member.width;
  }
  return null;
}

/** The position of a bit in a union that some header of the tree defines, null where none has it. */
function bitOf(tree: Tree, typedef: RegExp, name: string): number | null {
  for (const unit of tree.units.values())
    for (const aggregate of unit.aggregates) {
      if (aggregate.typedef === null || !typedef.test(aggregate.typedef)) continue;
      const bit = bitOfMember(unit, aggregate.open, name);
      if (bit !== null) return bit;
    }
  return null;
}

/** What opens a feature guard. Throws a DataError where the tree does not say which bit it is. */
export function openersOf(tree: Tree, flags: readonly FlagBits[], feature: string): readonly Opener[] {
  const [kind, name = ''] = feature.split('.');
  if (kind === 'cpuid_flags') return flags.filter(({ flag }) => flag === name).flatMap(({ openers }) => openers);
  const bit = kind === 'attributes' ? bitOf(tree, /attributes_t$/, name) : bitOf(tree, /^ia32_xcr0_t$/, name);
  if (bit === null)
    throw new DataError({
      where: { file: 'the module source' },
      expected: `a bit-field \`${name}\` of the ${kind === 'attributes' ? 'attributes' : 'XCR0'} union`,
      found: 'none',
    });
  return [{ kind: kind === 'attributes' ? 'attributes' : 'xfam', bit, name }];
}

/** The CPUID bit that a bit-field of a union such as `cpuid_07_00_ecx_t` stands for. */
export function cpuidBit(tree: Tree, type: string, member: string, flag: string): Opener | null {
  const match = /^cpuid_([0-9a-f]+)(?:_([0-9a-f]{2}))?_(e[abcd]x)_t$/i.exec(type);
  const [, leaf, subleaf, register] = match ?? [];
  if (leaf === undefined || register === undefined) return null;
  const bit = bitOf(tree, new RegExp(`^${type}$`), member);
  if (bit === null) return null;
  return {
    kind: 'cpuid',
    leaf: Number.parseInt(leaf, 16),
    subleaf: subleaf === undefined ? null : Number.parseInt(subleaf, 16),
    register: register.toLowerCase() as Register,
    mask: bitMask(bit),
    flag,
  };
}
