import { join } from 'node:path';
import type { Command } from 'commander';
import { specsDirectory, specsOf } from '../cases/context.ts';
import { decisionsOf } from '../cases/decisions.ts';
import { withSpecsLock } from '../cases/specs-lock.ts';
import { wholeReport } from '../cases/whole-report.ts';
import { readInputText } from '../disk/read.ts';
import { writeFileAtomically } from '../disk/write.ts';
import { selectorText } from '../judge/decisions.ts';
import { UsageError } from '../model/errors.ts';
import { quoted } from '../specs/yaml-text.ts';
import { type CommandLine, type Context, type Opts, textOf } from './command-line.ts';

/** `bitwatch waive FINGERPRINT`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'waive [fingerprint]', 'accepts a finding, with a reason, in specs/waivers.yaml', [
    'bitwatch waive 0123456789abcdef --reason "not offered to guests" --by "A. Name" --until 2027-06-30',
    'bitwatch waive --prune',
  ])
    .option('--reason <text>', 'why it is accepted')
    .option('--by <name>', 'who accepts it')
    .option('--until <day>', 'the last day on which it holds')
    .option('--prune', 'removes waivers that match nothing or have expired')
    .action((fingerprint: string | undefined, opts: Opts, command: Command) =>
      waive(contextOf(command), fingerprint ?? null, {
        reason: textOf(opts.reason),
        by: textOf(opts.by),
        until: textOf(opts.until),
        prune: opts.prune === true,
      }),
    );
}

export type WaiveOptions = {
  readonly reason: string | null;
  readonly by: string | null;
  readonly until: string | null;
  readonly prune: boolean;
};

const HEADER =
  '# Findings that a person looked at and accepts, each with reason, person and optionally a last day. A waived finding stays in the report.\n';

/** Reads the waivers and writes them under a lock: of two runs at once none is lost. */
const waive = (context: Context, fingerprint: string | null, options: WaiveOptions): Promise<void> =>
  withSpecsLock(context, () => waiveCommand(context, fingerprint, options));

/** `bitwatch waive FINGERPRINT --reason … --by … [--until DAY]`, or `--prune`: edits specs/waivers.yaml. */
async function waiveCommand(context: Context, fingerprint: string | null, options: WaiveOptions): Promise<void> {
  const specs = await specsOf(context);
  const file = join(specsDirectory(context), 'waivers.yaml');
  const findings = wholeReport(specs, context.today()).reviews.flatMap((review) => review.findings);
  if (options.prune) {
    const useless = new Set(
      findings.flatMap((finding) => (finding.facts.kind === 'decision' ? [finding.facts.selector] : [])),
    );
    const keys = decisionsOf(specs).map(({ selector }) => selectorText(selector));
    const kept = specs.waivers.filter((_, index) => !useless.has(keys[index] ?? ''));
    writeFileAtomically(file, fileText(kept));
    context.stdout.write(`removed ${specs.waivers.length - kept.length} of ${specs.waivers.length} waivers\n`);
    return;
  }
  if (fingerprint === null || options.reason === null || options.by === null)
    throw new UsageError('waive needs a FINGERPRINT, --reason TEXT and --by NAME (or --prune)');
  if (!findings.some((finding) => finding.fingerprint === fingerprint))
    throw new UsageError(
      `no finding has the fingerprint ${JSON.stringify(fingerprint)}; \`bitwatch report --json\` lists them`,
    );
  if (options.until !== null && !/^\d{4}-\d{2}-\d{2}$/.test(options.until))
    throw new UsageError(`--until ${JSON.stringify(options.until)}: expected a day such as 2027-01-31`);
  if (specs.waivers.some((waiver) => 'fingerprint' in waiver && waiver.fingerprint === fingerprint))
    throw new UsageError(`${fingerprint} is waived already; edit ${file}`);
  const entry = {
    fingerprint,
    reason: options.reason,
    by: options.by,
    ...(options.until === null ? {} : { until: options.until }),
  };
  const text = readInputText(file);
  // People's comments stay: a new entry goes to the end of the file.
  const begun = /^waivers:\s*\[\]\s*$/m.test(text) ? text.replace(/^waivers:\s*\[\]\s*$/m, 'waivers:') : text;
  writeFileAtomically(file, `${begun.trimEnd()}\n${entryText(entry)}`);
  context.stdout.write(`waived ${fingerprint} in ${file}\n`);
}

const entryText = (entry: Readonly<Record<string, string | undefined>>): string =>
  Object.entries(entry)
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key}: ${quoted(value)}`]))
    .map((line, index) => `${index === 0 ? '  - ' : '    '}${line}\n`)
    .join('');

const fileText = (waivers: readonly Readonly<Record<string, string | undefined>>[]): string =>
  `${HEADER}${waivers.length === 0 ? 'waivers: []\n' : `waivers:\n${waivers.map(entryText).join('')}`}`;
