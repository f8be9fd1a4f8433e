import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { specsUnder } from '../cases/operand.ts';
import { followsOf } from '../cases/release-steps.ts';
import { statusReviews } from '../cases/status.ts';
import { hostStateRead } from '../cases/topics.ts';
import { RULES } from '../judge/catalogue.ts';
import { STACK_RULES } from '../judge/qemu-rules.ts';
import { compareVersions } from '../model/order.ts';
import { columnLines } from '../report/columns.ts';
import { statusJson, statusText } from '../report/status.ts';
import { READ_TEXT } from '../report/topics.ts';
import { wrap } from '../report/wrap.ts';
import type { Specs } from '../specs/store.ts';
import { type CommandLine, type Context, KVM_OPTION, type Opts, printAnswer, textOf } from './command-line.ts';

/** `bitwatch list releases|kernels|rules`, `bitwatch rules`, and `bitwatch status`. */
export function declare({ program, add, group, contextOf }: CommandLine): void {
  const list = group('list', 'what is known, newest first');
  const printing =
    (print: (context: Context) => Promise<void>) =>
    (_opts: Opts, command: Command): Promise<void> =>
      print(contextOf(command));
  add(list, 'releases', 'releases of the TDX module, read or known by name only', ['bitwatch list releases']).action(
    printing(async (context) => printReleases(context, await specsOf(context))),
  );
  add(list, 'kernels', 'KVM versions and what each does with CPUID', ['bitwatch list kernels --json']).action(
    printing(async (context) => printKernels(context, await specsOf(context))),
  );
  add(list, 'rules', 'the catalogue of rules', ['bitwatch list rules']).action(printing(printRules));
  add(program, 'status', 'the newest releases under the newest kernels, a line each, and what to do next', [
    'bitwatch status',
    'bitwatch status --kvm ../linux@HEAD',
  ])
    .option(...KVM_OPTION)
    .action(async (opts: Opts, command: Command) => {
      const context = contextOf(command);
      const specs = await specsUnder(context, await specsOf(context), textOf(opts.kvm));
      const status = statusReviews(specs, context.today());
      await printAnswer(context, { json: () => statusJson(status), text: () => statusText(status) });
    });
  add(program, 'rules', 'the catalogue of rules, as `list rules`', ['bitwatch rules --json']).action(
    printing(printRules),
  );
}

function printReleases(context: Context, specs: Specs): Promise<void> {
  const names = new Set([
    ...specs.releases.map(({ module }) => module.release),
    ...specs.known.map((each) => each.release),
  ]);
  const releases = [...names]
    .sort(compareVersions)
    .reverse()
    .map((release) => {
      const read = specs.releases.find(({ module }) => module.release === release)?.module;
      const known = specs.known.find((each) => each.release === release);
      return {
        release,
        read: read !== undefined,
        follows: read === undefined ? null : (followsOf(specs, release)?.follows ?? null),
        repository: read?.source.repository ?? null,
        revision: read?.source.revision ?? null,
        mrseam: read?.mrseam ?? known?.mrseam ?? null,
        hostState: specs.clobbers.some((facts) => facts.release === release),
      };
    });
  return printAnswer(context, {
    json: () => ({ schema: 'bitwatch.releases/1', releases }),
    text: () =>
      lines(
        ['Release', 'Follows', 'Host state', 'Tables read in'],
        releases.map(({ release, read, follows, repository, revision }) => [
          release,
          follows ?? '',
          read ? READ_TEXT[hostStateRead(specs, release)] : '',
          read ? `${repository}@${revision?.slice(0, 12)}` : 'not read: known by name only',
        ]),
      ),
  });
}

function printKernels(context: Context, specs: Specs): Promise<void> {
  const kernels = [...specs.policies]
    .sort((a, b) => compareVersions(b.version, a.version))
    .map(({ version, generation, source, upstream, base, configLimit }) => ({
      version,
      generation,
      base: base?.release ?? null,
      configLimit,
      repository: source.repository,
      revision: source.revision,
      upstream: upstream?.proof ?? null,
    }));
  return printAnswer(context, {
    json: () => ({ schema: 'bitwatch.kernels/1', kernels, partial: specs.partial }),
    text: () =>
      lines(
        ['KVM', 'Filter', 'Read in'],
        [
          ...specs.partial.map(({ version, source, read }) => [
            version,
            `${read.find(({ field }) => field === 'generation')?.says ?? 'not read'}; read in part`,
            `${source.repository}@${source.revision.slice(0, 12)}`,
          ]),
          ...kernels.map(({ version, generation, repository, revision }) => [
            version,
            generation,
            `${repository}@${revision.slice(0, 12)}`,
          ]),
        ].sort(([a = ''], [b = '']) => compareVersions(b, a)),
      ),
  });
}

const lines = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  `${columnLines(head, rows).join('\n')}\n`;

function printRules(context: Context): Promise<void> {
  const rules = [...RULES, ...STACK_RULES].map(({ id, title, level, mirror, why, action, scope }) => ({
    id,
    title,
    level,
    mirror,
    why,
    action,
    scope,
  }));
  return printAnswer(context, {
    json: () => ({ schema: 'bitwatch.rules/1', rules }),
    text: () =>
      `${rules.flatMap(({ id, level, title }) => [`${id} (${level})`, ...wrap(`${title}.`, '  ')]).join('\n')}\n`,
  });
}
