import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { coverageOf } from '../cases/coverage.ts';
import { withDecisions } from '../cases/decisions.ts';
import { resolveOperand } from '../cases/operand.ts';
import { groundOf, policyStepReview, quoteArgument, releaseReview } from '../cases/reviews.ts';
import { diffReleases } from '../diff/release.ts';
import { UsageError } from '../model/errors.ts';
import type { Participant, Review } from '../model/review.ts';
import { FORMAT_NAMES } from '../report/format-names.ts';
import { diffJson, jsonText } from '../report/machine.ts';
import type { CommandLine, Context, Opts } from './command-line.ts';
import { printReport } from './output.ts';

/** `bitwatch diff A B`. */
export function declare({ program, addFor, contextOf }: CommandLine): void {
  addFor(FORMAT_NAMES)(program, 'diff <a> <b>', 'A, B: a release, a KVM version, a specification file, or GITDIR@REV', [
    'bitwatch diff 1.5.06 2.0.08',
    'bitwatch diff 1.5.06 ../tdx-module@HEAD --json',
  ]).action((a: string, b: string, _opts: Opts, command: Command) => diffCommand(contextOf(command), a, b));
}

/** `bitwatch diff A B`: two releases or two KVM policies; JSON is the neutral diff, text is its review. */
async function diffCommand(context: Context, left: string, right: string): Promise<void> {
  const specs = await specsOf(context);
  const [a, b] = [await resolveOperand(context, specs, left), await resolveOperand(context, specs, right)];
  if (a.kind === 'release' && b.kind === 'release') {
    const step = asNamed(releaseReview(specs, { from: a.release, to: b.release, policy: null }), left, right);
    await printReport(
      context,
      withDecisions(
        {
          reviews: [step],
          coverage: {
            ...coverageOf(specs, [step]),
            releases: [a.release.module.release, b.release.module.release],
            policies: [],
            unread: [],
          },
        },
        specs,
        context.today(),
      ),
      specs,
      {
        title: `bitwatch: ${left} to ${right}`,
        releases: [a.release, b.release],
        json: () => jsonText(diffJson(diffReleases(a.release, b.release), specs.knowledge.names)),
      },
    );
    return;
  }
  if (a.kind === 'policy' && b.kind === 'policy') {
    const step = asNamed(policyStepReview(a.policy, b.policy, groundOf(specs)), left, right);
    await printReport(
      context,
      {
        reviews: [step],
        coverage: {
          ...coverageOf(specs, []),
          releases: [],
          policies: [a.policy.version, b.policy.version],
          unread: [],
        },
      },
      specs,
      { title: `bitwatch: KVM ${left} to ${right}` },
    );
    return;
  }
  throw new UsageError(
    `diff compares two releases or two KVM versions; ${JSON.stringify(left)} is a ${a.kind}, ${JSON.stringify(right)} is a ${b.kind}; use \`bitwatch review RELEASE --kvm POLICY\``,
  );
}

/** A tree may have the version of another one: what a person named is what reads the same again, and tells the two apart. */
function asNamed<R extends Review & { readonly from: Participant; readonly to: Participant }>(
  review: R,
  left: string,
  right: string,
): R {
  const command = `bitwatch diff ${quoteArgument(left)} ${quoteArgument(right)}`;
  if (review.from.name !== review.to.name || left === right) return { ...review, command };
  return { ...review, command, from: { ...review.from, name: left }, to: { ...review.to, name: right } };
}
