import type { ClassedRelease } from '../model/class.ts';
import { ATTRIBUTE_NAMES, featureNamesOf, XFAM_NAMES } from '../model/control.ts';
import type { ControlBit } from '../model/finding.ts';
import { bitsOf64 } from '../model/mask.ts';
import type { ModuleRelease } from '../model/module.ts';
import { configSlotsOf } from '../model/module.ts';
import type { Policy, Requirement } from '../model/policy.ts';
import type { Refusal, Runs } from '../model/review.ts';

/** Bits of a mask with the names that a table gives them. */
export const controlBits = (mask: bigint, names: ReadonlyMap<number, string>): readonly ControlBit[] =>
  bitsOf64(mask).map((bit) => ({ bit, name: names.get(bit) ?? null }));

type Check = { readonly refusal: Refusal | null; readonly missing: string | null };

/** Whether KVM takes a module release: it has what KVM requires, and asks for nothing that KVM does not give. */
export function runsOn({ module }: ClassedRelease, policy: Policy): Runs {
  const slots = configSlotsOf(module);
  if (policy.requires === undefined)
    return { kind: 'unknown', missing: [`what KVM ${policy.version} requires of a module`] };
  const checks = policy.requires.map((requirement) => ({ requirement, ...checkOf(module, slots, requirement) }));
  const refused = checks.filter(({ refusal }) => refusal !== null);
  if (refused.length > 0) {
    const { repository, revision } = policy.source;
    return {
      kind: 'no',
      refusals: refused.flatMap(({ refusal }) => refusal ?? []),
      evidence: refused.map(({ requirement: { path, line } }) => ({ repository, revision, path, line })),
    };
  }
  const missing = checks.flatMap((check) => check.missing ?? []);
  return missing.length > 0 ? { kind: 'unknown', missing } : { kind: 'yes', slots, limit: policy.configLimit };
}

/** One requirement held against a release: a refusal, or what of the release was not read. */
function checkOf(module: ModuleRelease, slots: number, requirement: Requirement): Check {
  switch (requirement.kind) {
    case 'config-slots': {
      const { limit } = requirement;
      return { refusal: slots > limit ? { kind: 'config-slots', used: slots, limit } : null, missing: null };
    }
    case 'features0': {
      if (module.features0 === null) return { refusal: null, missing: `TDX_FEATURES0 of ${module.release}` };
      const names = featureNamesOf(module.featureNames);
      return bitCheck('features0', requirement.mask & ~module.features0, names);
    }
    case 'attributes-fixed1':
      return module.attributes === null
        ? { refusal: null, missing: `ATTRIBUTES of ${module.release}` }
        : bitCheck('attributes', module.attributes.fixed1 & ~requirement.mask, ATTRIBUTE_NAMES);
    case 'xfam-fixed1':
      return module.xfam === null
        ? { refusal: null, missing: `XFAM of ${module.release}` }
        : bitCheck('xfam', module.xfam.fixed1 & ~requirement.mask, XFAM_NAMES);
  }
}

const bitCheck = (
  kind: 'features0' | 'attributes' | 'xfam',
  mask: bigint,
  names: ReadonlyMap<number, string>,
): Check => ({ refusal: mask === 0n ? null : { kind, bits: controlBits(mask, names) }, missing: null });
