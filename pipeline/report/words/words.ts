import { ruleOf } from '../../judge/catalogue.ts';
import type { Audience, Finding, FindingFacts } from '../../model/finding.ts';
import { headlineOf } from './headlines.ts';
import { fieldsText, holdNumbers } from './number-words.ts';
import { factsText } from './reasons.ts';

/** A finding in words: one line that says what, one that says why it matters, one that says what to do. */
export type Words = { readonly headline: string; readonly because: string; readonly todo: string };

export const AUDIENCE_TEXT: Readonly<Record<Audience, string>> = {
  kernel: 'kernel',
  userspace: 'user space',
  vendor: 'module vendor',
  operator: 'operator',
};

export function wordsOf(finding: Finding): Words {
  const rule = ruleOf(finding.rule);
  const isNumber = holdNumbers(finding);
  const settled = isNumber ? NUMBER_WORDS : settledWords(finding.facts);
  const also = finding.also.map(
    (line) => `Also ${line.rule}: ${ruleOf(line.rule).title.replace(/: every TD has it$/, '')}.`,
  );
  return {
    headline: headlineOf(finding),
    because: [fieldsText(finding), isNumber ? '' : factsText(finding.facts), settled?.why ?? rule.why, ...also]
      .filter((part) => part !== '')
      .join(' '),
    todo: settled?.action ?? rule.action,
  };
}

/** Of a number that is the same in every TD: what holds for features does not hold for it. */
const NUMBER_WORDS = {
  why: 'Neither KVM nor a VMM has a say in it.',
  action: 'Check what user space computes for the number.',
};

/** Of bits on which a decision stands the reason and what is left to do; null where the rule's own words hold. */
function settledWords(facts: FindingFacts): { readonly why: string; readonly action: string } | null {
  if (facts.kind === 'class' && facts.to === 'gated')
    return {
      why: 'The table no longer fixes the bit; what the module’s code makes of it `bitwatch explain` tells.',
      action: 'Nothing to do where the VMM does not open what gates the bit.',
    };
  if (facts.kind === 'host-state' && facts.change === 'added' && facts.msrs.every(({ kvm }) => kvm === 'restores'))
    return {
      why: 'The module does not bring the host’s value back, and KVM does.',
      action: 'Nothing to do; a backport must keep KVM’s restore.',
    };
  if (facts.kind === 'set-cpuid2' && facts.about === 'kvm')
    return {
      why: 'KVM insists on an answer in kernels that have the guard, and refuses the vCPU otherwise; here it goes on without.',
      action: 'Read the place: bring the check back, or say in specs/cpuid2.md why it is not needed.',
    };
  if (facts.kind !== 'configurable' || facts.clobbers.length > 0) return null;
  switch (facts.verdict) {
    case 'passed':
      return facts.backing?.kind === 'caps'
        ? {
            why: 'KVM doesn’t filter it for TDs and gives it to ordinary VMs; nobody said that it holds for TDs too.',
            action: 'Confirm the feature for TDs, or deny it.',
          }
        : { why: 'KVM doesn’t filter it.', action: 'Nothing to do.' };
    case 'allowed':
      return { why: 'KVM’s allowlist names it.', action: 'Nothing to do.' };
    case 'denied':
      return { why: 'KVM refuses it on this kernel.', action: 'Do not pass the bit to KVM_TDX_INIT_VM.' };
    case 'closed':
      return {
        why: 'The VMM has no say: KVM never sets what would give it one.',
        action: 'Nothing to do on this kernel.',
      };
    default:
      return null;
  }
}
