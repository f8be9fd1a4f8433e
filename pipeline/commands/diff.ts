import { diffReleases } from '../diff/release.ts';
import { UsageError } from '../model/errors.ts';
import { diffJson, jsonText } from '../report/machine.ts';
import { clobbersByRelease } from './clobbers.ts';
import { type Context, specsOf } from './context.ts';
import { coverageOf } from './coverage.ts';
import { resolveOperand } from './operand.ts';
import { printReport } from './output.ts';
import { policyStepReview, stepReview } from './reviews.ts';
import { withWaivers } from './waivers.ts';

/** `bitwatch diff A B`: two releases or two KVM policies; JSON is the neutral diff, text is its review. */
export async function diffCommand(context: Context, left: string, right: string): Promise<void> {
  const specs = await specsOf(context);
  const [a, b] = [await resolveOperand(context, specs, left), await resolveOperand(context, specs, right)];
  if (a.kind === 'release' && b.kind === 'release') {
    if (context.options.json) {
      context.stdout.write(jsonText(diffJson(diffReleases(a.release, b.release), specs.knowledge.names)));
      return;
    }
    const step = stepReview(specs, clobbersByRelease(specs), a.release, b.release);
    printReport(
      context,
      withWaivers(
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
      `bitwatch: ${left} to ${right}`,
      [a.release, b.release],
    );
    return;
  }
  if (a.kind === 'policy' && b.kind === 'policy') {
    const step = policyStepReview(specs, a.policy, b.policy);
    printReport(
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
      `bitwatch: KVM ${left} to ${right}`,
    );
    return;
  }
  throw new UsageError(
    `diff compares two releases or two KVM versions; ${JSON.stringify(left)} is a ${a.kind}, ${JSON.stringify(right)} is a ${b.kind}; use \`bitwatch review RELEASE --kvm POLICY\``,
  );
}
