import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { specsUnder } from '../cases/operand.ts';
import { followsOf } from '../cases/release-steps.ts';
import { statusReviews } from '../cases/status.ts';
import { hostStateOf } from '../cases/topics.ts';
import { RULES } from '../judge/catalogue.ts';
import { STACK_RULES } from '../judge/qemu-rules.ts';
import { compareVersions } from '../model/order.ts';
import { columnLines } from '../report/columns.ts';
import { jsonText } from '../report/machine.ts';
import { statusJson, statusText } from '../report/status.ts';
import { wrap } from '../report/wrap.ts';
import type { Specs } from '../specs/store.ts';
import { type CommandLine, type Context, KVM_OPTION, type Opts, printText, textOf } from './command-line.ts';

/** `bitwatch list releases|kernels|rules`, `bitwatch rules`, and `bitwatch status`. */
export function declare({ program, add, group, contextOf }: CommandLine): void {
  const list = group('list', 'what is known, newest first');
  const printing =
    (print: (context: Context) => Promise<string> | string) =>
    async (_opts: Opts, command: Command): Promise<void> => {
      const context = contextOf(command);
      context.stdout.write(await print(context));
    };
  add(list, 'releases', 'releases of the TDX module, read or known by name only', ['bitwatch list releases']).action(
    printing(async (context) => releasesText(context, await specsOf(context))),
  );
  add(list, 'kernels', 'KVM versions and what each does with CPUID', ['bitwatch list kernels --json']).action(
    printing(async (context) => kernelsText(context, await specsOf(context))),
  );
  add(list, 'rules', 'the catalogue of rules', ['bitwatch list rules']).action(printing(rulesText));
  add(program, 'status', 'the newest releases under the newest kernels, a line each, and what to do next', [
    'bitwatch status',
    'bitwatch status --kvm ../linux@HEAD',
  ])
    .option(...KVM_OPTION)
    .action(async (opts: Opts, command: Command) => {
      const context = contextOf(command);
      const specs = await specsUnder(context, await specsOf(context), textOf(opts.kvm));
      const status = statusReviews(specs, context.today());
      if (context.options.json) context.stdout.write(jsonText(statusJson(status)));
      else printText(context, statusText(status));
    });
  add(program, 'rules', 'the catalogue of rules, as `list rules`', ['bitwatch rules --json']).action(
    printing(rulesText),
  );
}

function releasesText(context: Context, specs: Specs): string {
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
  if (context.options.json) return jsonText({ schema: 'bitwatch.releases/1', releases });
  return lines(
    ['Release', 'Follows', 'Host state', 'Tables read in'],
    releases.map(({ release, read, follows, repository, revision }) => [
      release,
      follows ?? '',
      read ? hostStateOf(specs, release) : '',
      read ? `${repository}@${revision?.slice(0, 12)}` : 'not read: known by name only',
    ]),
  );
}

function kernelsText(context: Context, specs: Specs): string {
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
  if (context.options.json) return jsonText({ schema: 'bitwatch.kernels/1', kernels, partial: specs.partial });
  return lines(
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
  );
}

const lines = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  `${columnLines(head, rows).join('\n')}\n`;

function rulesText(context: Context): string {
  if (!context.options.json)
    return `${[...RULES, ...STACK_RULES].flatMap((rule) => [`${rule.id} (${rule.level})`, ...wrap(`${rule.title}.`, '  ')]).join('\n')}\n`;
  return jsonText({
    schema: 'bitwatch.rules/1',
    rules: [...RULES, ...STACK_RULES].map(({ id, title, level, mirror, why, action, scope }) => ({
      id,
      title,
      level,
      mirror,
      why,
      action,
      scope,
    })),
  });
}
