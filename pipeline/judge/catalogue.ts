import type { Rule } from './rule.ts';
import { constantChanged, fixed0Added, fixed1Added, fixed1Removed, nativeAdded } from './rules/classes.ts';
import {
  choiceChanged,
  configurableAdded,
  configurableAddedClobbersHost,
  configurableRemoved,
  exposedClobbersHost,
  exposedUnreviewed,
  needsOptin,
} from './rules/configurable.ts';
import {
  attributeAdded,
  attributeRemoved,
  configFlagAdded,
  configFlagRemoved,
  configSlotsNearLimit,
  cpuidFlagAdded,
  cpuidFlagRemoved,
  featureAdded,
  featureRemoved,
  featureRenumbered,
  guestControlAdded,
  guestControlRemoved,
  xfamAdded,
  xfamRemoved,
} from './rules/controls.ts';
import { setCpuid2DecidesHost, setCpuid2NotExamined } from './rules/cpuid2.ts';
import { deciderChanged, decidingCodeChanged, meaningChanged } from './rules/deciders.ts';
import { gateChanged } from './rules/gates.ts';
import { clobberAdded, clobberRemoved, clobberUndocumented, clobberUnsupported } from './rules/host-state.ts';
import { leafAdded, leafRemoved, veAdded, veRemoved, zeroLeavesAdded, zeroLeavesRemoved } from './rules/leaves.ts';
import {
  allowStale,
  denyStale,
  hiddenNotRefused,
  policyAllowAdded,
  policyAllowRemoved,
  policyAttributeAdded,
  policyAttributeRemoved,
  policyDenyAdded,
  policyDenyRemoved,
  policyXfamAdded,
  policyXfamRemoved,
  restoreAdded,
  restoreRemoved,
  shownButRefused,
} from './rules/policy.ts';
import {
  decidersNotExamined,
  factsMissing,
  hostStateNotExamined,
  levelUnknownRule,
  registerMaskMismatch,
  sourcesDisagree,
  waiverExpired,
  waiverUnmatched,
} from './rules/project.ts';
import {
  fixedChangeWithoutFeature,
  requiredBitLost,
  staticLeafExtended,
  unfixedNotConfigurable,
} from './rules/promises.ts';

/** All rules, the most urgent first: where several match a bit, the first has it and the others are its lines. */
export const RULES = [
  requiredBitLost,
  exposedClobbersHost,
  configurableAddedClobbersHost,
  exposedUnreviewed,
  needsOptin,
  leafRemoved,
  veAdded,
  veRemoved,
  meaningChanged,
  decidingCodeChanged,
  configurableRemoved,
  configurableAdded,
  leafAdded,
  zeroLeavesRemoved,
  zeroLeavesAdded,
  constantChanged,
  staticLeafExtended,
  unfixedNotConfigurable,
  fixed1Added,
  fixed0Added,
  fixed1Removed,
  nativeAdded,
  choiceChanged,
  gateChanged,
  deciderChanged,
  fixedChangeWithoutFeature,
  configSlotsNearLimit,
  clobberAdded,
  clobberRemoved,
  attributeRemoved,
  attributeAdded,
  xfamRemoved,
  xfamAdded,
  configFlagRemoved,
  configFlagAdded,
  guestControlRemoved,
  guestControlAdded,
  featureRenumbered,
  featureRemoved,
  featureAdded,
  cpuidFlagAdded,
  cpuidFlagRemoved,
  setCpuid2DecidesHost,
  hiddenNotRefused,
  shownButRefused,
  policyDenyRemoved,
  policyDenyAdded,
  policyAllowRemoved,
  policyAllowAdded,
  policyAttributeRemoved,
  policyAttributeAdded,
  policyXfamRemoved,
  policyXfamAdded,
  restoreRemoved,
  restoreAdded,
  denyStale,
  allowStale,
  sourcesDisagree,
  registerMaskMismatch,
  clobberUndocumented,
  clobberUnsupported,
  factsMissing,
  hostStateNotExamined,
  decidersNotExamined,
  setCpuid2NotExamined,
  levelUnknownRule,
  waiverExpired,
  waiverUnmatched,
] as const satisfies readonly Rule[];

/** A rule that is not in the list is no rule. */
export type RuleId = (typeof RULES)[number]['id'];
export const RULE_IDS: readonly string[] = RULES.map(({ id }) => id);

const BY_ID: ReadonlyMap<string, Rule> = new Map(RULES.map((rule) => [rule.id, rule]));

export const isRule = (id: string): id is RuleId => BY_ID.has(id);

/** The rule of an id. Throws where there is none: a finding of no rule is a bug. */
export function ruleOf(id: string): Rule {
  const rule = BY_ID.get(id);
  if (rule === undefined) throw new Error(`no rule ${id}`);
  return rule;
}

/** The place of a rule in the order of urgency. */
const URGENCY: ReadonlyMap<string, number> = new Map(RULES.map(({ id }, index) => [id, index]));
export const urgencyOf = (id: string): number => URGENCY.get(id) ?? RULES.length;
