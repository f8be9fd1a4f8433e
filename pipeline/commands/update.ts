import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { findPolicy } from '../cases/operand.ts';
import { updateOf } from '../cases/update.ts';
import { jsonText } from '../report/machine.ts';
import { updateJson, updateText } from '../report/update.ts';
import { type CommandLine, type Context, KVM_OPTION, type Opts, textOf } from './command-line.ts';

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
  const update = updateOf(specs, from, to, policy);
  context.stdout.write(context.options.json ? jsonText(updateJson(update)) : updateText(update));
}
