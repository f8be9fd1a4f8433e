import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { stackOf } from '../cases/stack.ts';
import { jsonText } from '../report/machine.ts';
import { stackJson, stackText } from '../report/stack.ts';
import { type CommandLine, type Context, type Opts, textOf } from './command-line.ts';

/** `bitwatch stack`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'stack', 'a module, a KVM and a QEMU together: who offers, passes and asks, and what a TD gets', [
    'bitwatch stack --module 2.0.18 --kvm 7.1.5 --qemu 11.1.0',
    'bitwatch stack --json',
  ])
    .option('--module <release>', 'a release of the TDX module; the newest where none is named')
    .option('--kvm <kvm>', 'a version, a specification file, or GITDIR[@REV]; the newest where none is named')
    .option('--qemu <version>', 'a QEMU version; the newest where none is named')
    .action((opts: Opts, command: Command) => stackCommand(contextOf(command), opts));
}

async function stackCommand(context: Context, opts: Opts): Promise<void> {
  const stack = await stackOf(context, await specsOf(context), {
    module: textOf(opts.module) ?? 'latest',
    kvm: textOf(opts.kvm) ?? 'latest',
    qemu: textOf(opts.qemu) ?? 'latest',
  });
  context.stdout.write(context.options.json ? jsonText(stackJson(stack)) : stackText(stack));
}
