import { DataError } from '../../model/errors.ts';
import type { Place, Register } from '../../model/place.ts';
import { fail } from '../c/cursor.ts';
import { evaluate, evaluateMacro, type Scope } from '../c/evaluate.ts';
import { initialiserOf, type Macro } from '../c/unit.ts';
import { checkMeaning } from './meaning.ts';
import type { KernelTree } from './tree.ts';

/** A feature's bit, by name without `X86_FEATURE_`. */
export type FeatureBit = Place & { readonly bit: number };

/** Features and CPUID words of one kernel revision. */
export type FeatureTable = {
  readonly bits: ReadonlyMap<string, FeatureBit>;
  /** The register of a word's name, such as `CPUID_7_1_EAX`. */
  readonly words: ReadonlyMap<string, Place>;
  /** Features by the number that their macro has. */
  readonly numbers: ReadonlyMap<number, FeatureBit>;
  /** Words by their number. */
  readonly wordNumbers: ReadonlyMap<number, Place>;
};

const REVERSE = 'arch/x86/kvm/reverse_cpuid.h';
const FEATURES = 'arch/x86/include/asm/cpufeatures.h';
const REGISTER_NAMES: Readonly<Record<string, Register | undefined>> = {
  CPUID_EAX: 'eax',
  CPUID_EBX: 'ebx',
  CPUID_ECX: 'ecx',
  CPUID_EDX: 'edx',
};

/** Reads both feature headers and `reverse_cpuid[]`: names to leaf, sub-leaf, register and bit, all at this revision. */
export function readFeatures(tree: KernelTree): FeatureTable {
  const words = readWords(tree);
  const byNumber = new Map([...words].map(([name, place]) => [wordNumber(tree, name), place]));
  const bits = new Map<string, FeatureBit>();
  const numbers = new Map<string, number>();
  const placed = new Map<number, FeatureBit>();
  for (const path of [FEATURES, REVERSE]) {
    const unit = tree.unit(path);
    const scope = tree.scope(path);
    for (const macro of unit.macros.values()) {
      if (!/^(KVM_)?X86_FEATURE_\w+$/.test(macro.name) || macro.params !== null || macro.body.length === 0) continue;
      checkMeaning(path, unit.definitions.get(macro.name) ?? [], scope);
      numbers.set(macro.name, numberOf(macro, scope));
    }
  }
  for (const [macro, number] of numbers) {
    if (!macro.startsWith('X86_FEATURE_')) continue;
    const name = macro.slice('X86_FEATURE_'.length);
    // A feature that the kernel scatters has its hardware bit under KVM's own name.
    const own = numbers.get(`KVM_${macro}`) ?? number;
    const place = byNumber.get(own >>> 5);
    if (place === undefined) continue;
    bits.set(name, { ...place, bit: own & 31 });
    placed.set(number, { ...place, bit: own & 31 });
  }
  return { bits, words, numbers: placed, wordNumbers: byNumber };
}

/** Values of bodies such as `( 9*32+ 4)`, which name nothing: they are the same in every revision. */
const plainNumbers = new Map<string, number>();

function numberOf(macro: Macro, scope: Scope): number {
  let text = '';
  for (const token of macro.body) {
    if (token.kind === 'id') return Number(evaluateMacro(macro, scope).value);
    text += `${token.text} `;
  }
  const number = plainNumbers.get(text) ?? Number(evaluateMacro(macro, scope).value);
  plainNumbers.set(text, number);
  return number;
}

const wordNumber = (tree: KernelTree, name: string): number => Number(tree.scope(REVERSE).constant?.(name) ?? -1n);

/** `reverse_cpuid[]`: `[CPUID_7_0_EBX] = {7, 0, CPUID_EBX}`. */
function readWords(tree: KernelTree): ReadonlyMap<string, Place> {
  const unit = tree.unit(REVERSE);
  const scope = tree.scope(REVERSE);
  const object = unit.objects.get('reverse_cpuid');
  if (object === undefined)
    throw new DataError({ where: { file: REVERSE, line: 1, column: 1 }, expected: '`reverse_cpuid[]`', found: 'none' });
  const value = initialiserOf(unit, object);
  if (value.kind !== 'init') return fail(REVERSE, value.at, 'a braced initialiser');
  const words = new Map<string, Place>();
  for (const item of value.items) {
    const [designator] = item.designators;
    if (designator?.kind !== 'index' || designator.index.kind !== 'id' || item.value.kind !== 'init')
      return fail(REVERSE, item.at, '`[CPUID_…] = { function, index, register }`');
    const [fn, index, register] = item.value.items.map((part) => part.value);
    const name = register?.kind === 'id' ? REGISTER_NAMES[register.name] : undefined;
    if (fn === undefined || index === undefined || name === undefined)
      return fail(REVERSE, item.at, '`{ function, index, register }`');
    words.set(designator.index.name, {
      leaf: Number(BigInt.asUintN(32, evaluate(fn, scope).value)),
      subleaf: Number(evaluate(index, scope).value),
      register: name,
    });
  }
  return words;
}
