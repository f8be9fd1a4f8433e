import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { findPolicy } from '../cases/operand.ts';
import { type KvmView, updateOf } from '../cases/update.ts';
import type { ClassedRelease } from '../model/class.ts';
import type { Policy } from '../model/policy.ts';
import { jsonText } from '../report/machine.ts';
import { updateJson, updateText } from '../report/update.ts';
import type { Specs } from '../specs/store.ts';
import { type CommandLine, type Context, KVM_OPTION, type Opts, textOf } from './command-line.ts';
import { judgedOf } from './history.ts';

/** `bitwatch update FROM TO`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(
    program,
    'update <from> <to>',
    'what an update of the module does: may running TDs be carried over, what do new TDs see',
    ['bitwatch update 1.5.06 1.5.16', 'bitwatch update 2.0.04 2.0.08 --kvm 7.1.5 --json'],
  )
    .option(...KVM_OPTION)
    .action((from: string, to: string, opts: Opts, command: Command) =>
      updateCommand(contextOf(command), from, to, textOf(opts.kvm)),
    );
}

// The context, the two releases and the KVM as they were named.
async function updateCommand(context: Context, from: string, to: string, kvm: string | null): Promise<void> {
  const specs = await specsOf(context);
  const policy = kvm === null ? null : await findPolicy(context, specs, kvm);
  const update = updateOf(specs, [from, to], (release) => (policy === null ? null : viewOf(specs, release, policy)));
  context.stdout.write(context.options.json ? jsonText(updateJson(update)) : updateText(update));
}

/** What a KVM makes of every bit that a VMM may set under a release. */
export function viewOf(specs: Specs, release: ClassedRelease, policy: Policy): KvmView {
  const [judged = []] = judgedOf({ ...specs, policies: [policy] });
  return { kvm: policy.version, verdicts: judged[specs.releases.indexOf(release)] ?? [] };
}
