import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { findPolicy } from '../cases/operand.ts';
import { stackOf } from '../cases/stack.ts';
import { updateOf } from '../cases/update.ts';
import { stackJson, stackText } from '../report/vmm/stack.ts';
import { updateJson, updateText } from '../report/vmm/update.ts';
import { type CommandLine, type Context, KVM_OPTION, type Opts, printAnswer, textOf } from './command-line.ts';

/** `bitwatch stack`, and `bitwatch update FROM TO`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'stack', 'a module, a KVM and a QEMU together: who offers, passes and asks, and what a TD gets', [
    'bitwatch stack --module 2.0.18 --kvm 7.1.5 --qemu 11.1.0',
    'bitwatch stack --json',
  ])
    .option('--module <release>', 'a release of the TDX module; the newest where none is named')
    .option('--kvm <kvm>', 'a version, a specification file, or GITDIR[@REV]; the newest where none is named')
    .option('--qemu <qemu>', 'a version, a specification file, or GITDIR[@REV]; the newest where none is named')
    .action((opts: Opts, command: Command) => stackCommand(contextOf(command), opts));
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

async function stackCommand(context: Context, opts: Opts): Promise<void> {
  const stack = await stackOf(context, await specsOf(context), {
    module: textOf(opts.module) ?? 'latest',
    kvm: textOf(opts.kvm) ?? 'latest',
    qemu: textOf(opts.qemu) ?? 'latest',
  });
  await printAnswer(context, { json: () => stackJson(stack), text: () => stackText(stack) });
}

// The context, the two releases and the KVM as they were named.
async function updateCommand(context: Context, from: string, to: string, kvm: string | null): Promise<void> {
  const specs = await specsOf(context);
  const policy = kvm === null ? null : await findPolicy(context, specs, kvm);
  const update = updateOf(specs, from, to, policy);
  await printAnswer(context, { json: () => updateJson(update), text: () => updateText(update) });
}
