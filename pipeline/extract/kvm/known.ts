import { or } from '../../model/mask.ts';
import { comparePlaces, placeId } from '../../model/place.ts';
import type { PolicyMask } from '../../model/policy.ts';
import { fail } from '../c/cursor.ts';
import { bodyOf, type Unit } from '../c/unit.ts';
import { allExpressions, expressionsIn } from '../c/walk.ts';
import type { FeatureTable } from './features.ts';

/** Macros of kvm_cpu_cap_init that set a capability; VENDOR_F and RUNTIME_F set none. */
const SETS = new Set([
  'F',
  'SF',
  'SCATTERED_F',
  'X86_64_F',
  'EMULATED_F',
  'SYNTHESIZED_F',
  'PASSTHROUGH_F',
  'ALIASED_1_EDX_F',
]);
const IGNORED = new Set(['VENDOR_F', 'RUNTIME_F']);

/** What marks the function that sets KVM's capabilities. */
export const KNOWN_TEXT = /(?:initialize|set)_cpu_caps/;

/** Features for which KVM sets a capability: what KVM has heard of, which is not what a TD may have. */
export function readKnown(unit: Unit, features: FeatureTable): readonly PolicyMask[] {
  const masks = new Map<string, PolicyMask>();
  for (const fn of [...unit.functions.values()].flat()) {
    if (!/(initialize|set)_cpu_caps$/.test(fn.name)) continue;
    for (const expr of expressionsIn(bodyOf(unit, fn))) {
      if (
        expr.kind !== 'call' ||
        expr.callee.kind !== 'id' ||
        !/^kvm_cpu_cap_(init|mask)(_\w+)?$/.test(expr.callee.name)
      )
        continue;
      const [, ...args] = expr.args;
      for (const part of args.flatMap((arg) => [...allExpressions(arg)])) {
        if (part.kind !== 'call' || part.callee.kind !== 'id') continue;
        const macro = part.callee.name;
        if (!SETS.has(macro)) {
          if (IGNORED.has(macro)) continue;
          return fail(
            unit.file,
            part.at,
            `one of ${[...SETS, ...IGNORED].join(', ')}`,
            'a new macro may set or clear a capability',
          );
        }
        const [name] = part.args;
        const text = name?.kind === 'id' ? name.name : name?.kind === 'num' ? name.text : '';
        const feature = features.bits.get(text);
        if (feature === undefined)
          return fail(unit.file, part.at, 'a feature with a place in CPUID', `\`${text}\` has none in this tree`);
        // ALIASED_1_EDX_F repeats a bit of leaf 1 in AMD's leaf.
        const place =
          macro === 'ALIASED_1_EDX_F'
            ? { leaf: 0x80000001, subleaf: 0, register: 'edx' as const }
            : { leaf: feature.leaf, subleaf: feature.subleaf, register: feature.register };
        const before = masks.get(placeId(place));
        masks.set(placeId(place), {
          ...place,
          mask: or(before?.mask ?? 0, Number(1n << BigInt(feature.bit))),
          path: unit.file,
          line: before?.line ?? part.at.line,
        });
      }
    }
  }
  return [...masks.values()].sort(comparePlaces);
}
