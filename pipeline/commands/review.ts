import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { draftPatch } from '../cases/draft-patch.ts';
import { findPolicy, findRelease } from '../cases/operand.ts';
import { reviewFacts, reviewTitle } from '../cases/review.ts';
import { clobbersByRelease } from '../cases/reviews.ts';
import { type CommandLine, type Context, type Opts, textOf } from './command-line.ts';
import { printReport } from './output.ts';

/** `bitwatch review RELEASE`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'review <release>', 'the release-review report', [
    'bitwatch review 2.0.08 --kvm 6.16.1',
    'bitwatch review 2.0.08 --since 1.5.06 --out markdown=review.md',
  ])
    .option('--kvm <policy>', 'one KVM version instead of all')
    .option('--since <release>', 'only what is new since this release')
    .option('--suggest <gitdir@rev>', 'a draft patch against that kernel tree for each bit that needs a decision')
    .action(async (release: string, opts: Opts, command: Command) => {
      const context = contextOf(command);
      const tree = textOf(opts.suggest);
      if (tree !== null) return context.stdout.write(await draftPatch(context, release, tree, textOf(opts.since)));
      return reviewCommand(context, release, { kvm: textOf(opts.kvm), since: textOf(opts.since) });
    });
}

/** `bitwatch review RELEASE`: against the release before it (or `--since`) and under one policy or all. */
async function reviewCommand(
  context: Context,
  name: string,
  options: { readonly kvm: string | null; readonly since: string | null },
): Promise<void> {
  const specs = await specsOf(context);
  const scope = {
    release: findRelease(specs, name),
    since: options.since === null ? null : findRelease(specs, options.since),
    policies: options.kvm === null ? specs.policies : [findPolicy(specs, options.kvm)],
  };
  const report = reviewFacts(specs, clobbersByRelease(specs), scope, context.today());
  printReport(context, report, specs, reviewTitle(name));
}
