import type { Command } from 'commander';
import { type CommandLine, type Opts, textOf } from './command-line.ts';
import type { PublishOptions } from './publish.ts';

const commonOf = (opts: Opts): PublishOptions => ({
  repository: textOf(opts.repository),
  send: opts.send === true,
  state: textOf(opts.state),
  drafts: textOf(opts.drafts),
  reportUrl: textOf(opts.reportUrl),
  wait: textOf(opts.wait),
  label: textOf(opts.label),
});

/** `bitwatch publish releases`, `publish review` and `publish pull`. */
export function addPublish({ add: addTo, group, contextOf, done }: CommandLine): void {
  const publish = group(
    'publish',
    'keeps issues and comments on GitHub; says what it would do, and writes only with --send',
  );
  const add = (name: string, description: string, examples: readonly string[]): Command =>
    addTo(publish, name, description, examples)
      .option('--repository <owner/name>', 'where; in a workflow its own repository')
      .option('--send', 'writes; the repository opts in under specs/sources.yaml or runs this in its own workflow')
      .option('--state <file>', 'what was posted where (specs/posted.yaml)')
      .option('--drafts <dir>', 'writes each text to a file too')
      .option('--report-url <url>', 'where the rest of a text is that does not fit')
      .option('--wait <seconds>', 'how long limits and failures may keep the run', '900');
  add('releases', 'one issue per module release, made once and updated when its review changes', [
    'bitwatch publish releases --repository owner/name --since 1.5.06',
    'bitwatch publish releases --repository owner/name --send',
  ])
    .option('--kvm <policy>', 'one KVM version instead of all')
    .option('--since <release>', 'only releases newer than this one')
    .option('--base <dir>', 'only releases that the specifications in this directory do not have')
    .option('--label <name>', 'the label of the issues', 'bitwatch')
    .action(async (opts: Opts, command: Command) =>
      done(
        await (await import('./publish.ts')).publishReleases(contextOf(command), {
          ...commonOf(opts),
          kvm: textOf(opts.kvm),
          since: textOf(opts.since),
          base: textOf(opts.base),
        }),
      ),
    );
  add('review', 'one comment per pull request, made once and updated when its text changes', [
    'bitwatch publish review --repository owner/name --pull 12 --base ../base/specs',
    'bitwatch publish review --repository owner/name --pull 12 --body review.md --send',
  ])
    .option('--pull <number>', 'the pull request')
    .option('--body <file>', 'a finished text in Markdown; an empty file is nothing to say')
    .option('--since <release>', 'the review of every release newer than this one')
    .option('--base <dir>', 'the specifications before the change: what findings come and go')
    .action(async (opts: Opts, command: Command) =>
      done(
        await (await import('./publish.ts')).publishReview(contextOf(command), {
          ...commonOf(opts),
          pull: textOf(opts.pull),
          body: textOf(opts.body),
          since: textOf(opts.since),
          base: textOf(opts.base),
        }),
      ),
    );
  add('pull', 'specifications as one commit on a branch and one pull request, made once and kept up to date', [
    'bitwatch publish pull --specs proposal/specs --checkout . --repository owner/name',
    'bitwatch publish pull --specs proposal/specs --branch bitwatch/specs --into main --send',
  ])
    .option('--checkout <dir>', 'a checkout of the repository, whose HEAD is the base', '.')
    .option('--branch <name>', 'the branch, which is this program’s own', 'bitwatch/specs')
    .option('--into <branch>', 'where it is to be merged', 'main')
    .action(async (opts: Opts, command: Command) =>
      done(
        await (await import('./publish-pull.ts')).publishPull(contextOf(command), {
          ...commonOf(opts),
          checkout: String(opts.checkout),
          branch: String(opts.branch),
          into: String(opts.into),
        }),
      ),
    );
}
