import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { specsUnder } from '../cases/operand.ts';
import { statusReviews } from '../cases/status.ts';
import { jsonText } from '../report/machine.ts';
import { statusJson, statusText } from '../report/status.ts';
import { type CommandLine, KVM_OPTION, type Opts, textOf } from './command-line.ts';

/** `bitwatch status`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'status', 'the newest releases under the newest kernels, a line each, and what to do next', [
    'bitwatch status',
    'bitwatch status --kvm ../linux@HEAD',
  ])
    .option(...KVM_OPTION)
    .action(async (opts: Opts, command: Command) => {
      const context = contextOf(command);
      const specs = await specsUnder(context, await specsOf(context), textOf(opts.kvm));
      const status = statusReviews(specs, context.today());
      context.stdout.write(context.options.json ? jsonText(statusJson(status)) : statusText(status));
    });
}
