import type { RuleId } from '../model/finding.ts';
import type { Rule } from './rule.ts';
import { allowStale } from './rules/allow-stale.ts';
import { attributeAdded } from './rules/attribute-added.ts';
import { attributeRemoved } from './rules/attribute-removed.ts';
import { clobberAdded } from './rules/clobber-added.ts';
import { clobberRemoved } from './rules/clobber-removed.ts';
import { clobberUndocumented } from './rules/clobber-undocumented.ts';
import { clobberUnsupported } from './rules/clobber-unsupported.ts';
import { configSlotsNearLimit } from './rules/config-slots-near-limit.ts';
import { configurableAdded } from './rules/configurable-added.ts';
import { configurableAddedClobbersHost } from './rules/configurable-added-clobbers-host.ts';
import { configurableRemoved } from './rules/configurable-removed.ts';
import { cpuidFlagAdded } from './rules/cpuid-flag-added.ts';
import { cpuidFlagRemoved } from './rules/cpuid-flag-removed.ts';
import { denyStale } from './rules/deny-stale.ts';
import { exposedClobbersHost } from './rules/exposed-clobbers-host.ts';
import { exposedUnreviewed } from './rules/exposed-unreviewed.ts';
import { factsMissing } from './rules/facts-missing.ts';
import { featureAdded } from './rules/feature-added.ts';
import { featureRemoved } from './rules/feature-removed.ts';
import { featureRenumbered } from './rules/feature-renumbered.ts';
import { fixedChangeWithoutFeature } from './rules/fixed-change-without-feature.ts';
import { fixed0Added } from './rules/fixed0-added.ts';
import { fixed1Added } from './rules/fixed1-added.ts';
import { fixed1Removed } from './rules/fixed1-removed.ts';
import { gateChanged } from './rules/gate-changed.ts';
import { leafAdded } from './rules/leaf-added.ts';
import { leafRemoved } from './rules/leaf-removed.ts';
import { nativeAdded } from './rules/native-added.ts';
import { needsOptin } from './rules/needs-optin.ts';
import { policyAllowAdded } from './rules/policy-allow-added.ts';
import { policyAllowRemoved } from './rules/policy-allow-removed.ts';
import { policyDenyAdded } from './rules/policy-deny-added.ts';
import { policyDenyRemoved } from './rules/policy-deny-removed.ts';
import { registerMaskMismatch } from './rules/register-mask-mismatch.ts';
import { requiredBitLost } from './rules/required-bit-lost.ts';
import { restoreAdded } from './rules/restore-added.ts';
import { restoreRemoved } from './rules/restore-removed.ts';
import { sourcesDisagree } from './rules/sources-disagree.ts';
import { staticLeafExtended } from './rules/static-leaf-extended.ts';
import { unfixedNotConfigurable } from './rules/unfixed-not-configurable.ts';
import { veAdded } from './rules/ve-added.ts';
import { veRemoved } from './rules/ve-removed.ts';
import { waiverExpired } from './rules/waiver-expired.ts';
import { waiverUnmatched } from './rules/waiver-unmatched.ts';
import { xfamAdded } from './rules/xfam-added.ts';
import { xfamRemoved } from './rules/xfam-removed.ts';

/** All rules by id: a rule id without a rule does not compile. */
export const CATALOGUE = {
  'configurable-added': configurableAdded,
  'configurable-added-clobbers-host': configurableAddedClobbersHost,
  'configurable-removed': configurableRemoved,
  'fixed1-added': fixed1Added,
  'fixed1-removed': fixed1Removed,
  'fixed0-added': fixed0Added,
  'native-added': nativeAdded,
  'leaf-added': leafAdded,
  'leaf-removed': leafRemoved,
  've-removed': veRemoved,
  've-added': veAdded,
  'gate-changed': gateChanged,
  'unfixed-not-configurable': unfixedNotConfigurable,
  'fixed-change-without-feature': fixedChangeWithoutFeature,
  'required-bit-lost': requiredBitLost,
  'static-leaf-extended': staticLeafExtended,
  'register-mask-mismatch': registerMaskMismatch,
  'attribute-added': attributeAdded,
  'attribute-removed': attributeRemoved,
  'xfam-added': xfamAdded,
  'xfam-removed': xfamRemoved,
  'feature-added': featureAdded,
  'feature-removed': featureRemoved,
  'feature-renumbered': featureRenumbered,
  'clobber-added': clobberAdded,
  'clobber-removed': clobberRemoved,
  'clobber-undocumented': clobberUndocumented,
  'clobber-unsupported': clobberUnsupported,
  'cpuid-flag-added': cpuidFlagAdded,
  'cpuid-flag-removed': cpuidFlagRemoved,
  'config-slots-near-limit': configSlotsNearLimit,
  'needs-optin': needsOptin,
  'exposed-unreviewed': exposedUnreviewed,
  'exposed-clobbers-host': exposedClobbersHost,
  'allow-stale': allowStale,
  'deny-stale': denyStale,
  'policy-allow-added': policyAllowAdded,
  'policy-allow-removed': policyAllowRemoved,
  'policy-deny-added': policyDenyAdded,
  'policy-deny-removed': policyDenyRemoved,
  'restore-added': restoreAdded,
  'restore-removed': restoreRemoved,
  'waiver-unmatched': waiverUnmatched,
  'waiver-expired': waiverExpired,
  'facts-missing': factsMissing,
  'sources-disagree': sourcesDisagree,
} as const satisfies Readonly<Record<RuleId, Rule>>;

/** The rules in the catalogue's order. */
export const RULES: readonly Rule[] = Object.values(CATALOGUE);
