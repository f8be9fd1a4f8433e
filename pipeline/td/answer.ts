import type { Policy } from '../model/policy.ts';
import type { Host, TdCase } from './case.ts';
import { type KvmResult, throughKvm } from './kvm.ts';
import { type PlatformResult, startModule } from './platform.ts';
import type { Program } from './program.ts';
import { computeTd, NO_TD, type TdResult } from './td.ts';

/** A KVM whose part comes first, and what the module that it meets publishes of itself. */
export type Kvm = { readonly policy: Policy; readonly features0: bigint | null };

/** What a KVM, if one is asked for, and a module make of a case: `question` is what the module saw. */
export type TdAnswer = {
  readonly given: TdCase;
  readonly question: TdCase;
  readonly result: TdResult;
  readonly through: KvmResult | null;
};

/** KVM's part, if it is asked for, then the module's. `start` may know what the module makes of a host. */
export function answerCase(
  program: Program,
  kvm: Kvm | null,
  given: TdCase,
  start: (host: Host) => PlatformResult = (host) => startModule(program, host),
): TdAnswer {
  const through = kvm === null ? null : throughKvm(program, kvm.features0, kvm.policy, given);
  const question = through?.kind === 'passed' ? through.question : given;
  const result = through?.kind === 'refused' ? NO_TD : computeTd(program, question, start(question.host));
  return { given, question, result, through };
}
