import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { cacheFile, specsDirectory, specsOf } from '../cases/context.ts';
import type { DeciderRules } from '../model/decider-rules.ts';
import { DataError, NoInputError, UsageError } from '../model/errors.ts';
import type { ModuleRelease } from '../model/module.ts';
import { suggest } from '../model/suggest.ts';
import { plain } from '../model/text.ts';
import { answerJson, decodedJson } from '../report/td-json.ts';
import { openCache } from '../specs/cache.ts';
import { openFolder } from '../specs/folder.ts';
import { loadRelease } from '../specs/one-release.ts';
import { answerCase, type Kvm } from '../td/answer.ts';
import type { Host, TdCase } from '../td/case.ts';
import { decodeStatus } from '../td/decode.ts';
import { type PlatformResult, startModule } from '../td/platform.ts';
import { type Program, programOf } from '../td/program.ts';
import { type CaseOrigin, hostFileOf, readCase, unknownFields } from '../td/read-case.ts';
import { hostOf } from '../td/read-host.ts';
import { type CommandLine, type Context, type Opts, printAnswer, textOf } from './command-line.ts';

/** `bitwatch td RELEASE`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'td <release> [input]', 'the CPUID that a TD gets, what is refused and why; - is standard input', [
    'bitwatch td 1.5.06 td.json --host host.txt',
    'bitwatch td 2.0.18 - --json < td.json',
    'bitwatch td 1.5.06 --batch cases.jsonl > answers.jsonl',
    'bitwatch td 1.5.06 --status 0xc000010000000045 --rcx 0x0000000100000007',
  ])
    .option('--host <file>', 'the CPUID of the host: what cpuid -r prints, or JSON with host and msrs')
    .option('--batch <file>', 'one case a line, one answer a line, in order; - is standard input')
    .option('--kvm <version>', 'applies what this KVM refuses and sets first: a version, a file or GITDIR@REV')
    .option('--status <hex>', 'says what a completion status of TDH.MNG.INIT means, instead')
    .option('--rcx <hex>', 'the RCX that came with the status: the leaf and sub-leaf that are refused')
    .action((release: string, input: string | undefined, opts: Opts, command: Command) =>
      tdCommand(contextOf(command), release, {
        input: input ?? null,
        host: textOf(opts.host),
        batch: textOf(opts.batch),
        kvm: textOf(opts.kvm),
        status: textOf(opts.status),
        rcx: textOf(opts.rcx),
      }),
    );
}

type TdOptions = {
  readonly input: string | null;
  readonly host: string | null;
  readonly batch: string | null;
  readonly kvm: string | null;
  readonly status: string | null;
  readonly rcx: string | null;
};

async function tdCommand(context: Context, name: string, options: TdOptions): Promise<void> {
  const { program, module, rules } = await releaseProgram(context, name);
  if (options.status !== null) {
    const decoded = decodeStatus(
      program,
      hexOf('--status', options.status),
      options.rcx === null ? null : hexOf('--rcx', options.rcx),
    );
    return printAnswer(context, {
      json: () => decodedJson(name, decoded),
      text: async () => (await import('../report/td-text.ts')).decodedText(name, decoded),
    });
  }
  if (options.rcx !== null) throw new UsageError('td: --rcx goes with --status');
  const kvm = options.kvm === null ? null : await kvmOf(context, module, options.kvm);
  const hosts = hostFiles();
  const base = options.host === null ? null : hosts.read(options.host);
  if (options.batch !== null) {
    if (options.input !== null) throw new UsageError('td: one input, or --batch, not both');
    if (context.options.out.length > 0) throw new UsageError('td --batch answers on standard output: leave out --out');
    await runBatch(context, { program, kvm, file: options.batch, hosts, base });
    return;
  }
  const file = options.input ?? '-';
  const origin = { file: file === '-' ? 'standard input' : file };
  if (file === '-') context.progress('reads the case from standard input');
  const value = parseJson(readText(file), origin);
  for (const { field, known } of unknownFields(value))
    context.stderr.write(
      `bitwatch: ${origin.file}: the field ${plain(field)} means nothing here and is left out${plain(suggest(field, known))}\n`,
    );
  const given = caseOf(value, origin, hosts, base);
  const answer = answerCase(program, kvm, given, (host) => hosts.start(program, host));
  await printAnswer(context, {
    json: () => answerJson(program, kvm, answer),
    text: () => answerText(context, { program, module, rules }, kvm, answer),
  });
}

// The context, the release as it was read, and what was asked of it.
async function answerText(
  context: Context,
  { program, module, rules }: Ready,
  kvm: Kvm | null,
  { question, result, through }: ReturnType<typeof answerCase>,
): Promise<string> {
  // What only people read is loaded for them alone: to load the words takes longer than to answer a case.
  const [{ kvmText, tdText }, { classify }, { loadNames }] = await Promise.all([
    import('../report/td-text.ts'),
    import('../model/class.ts'),
    import('../specs/names.ts'),
  ]);
  const release = { module, registers: classify(module, rules), rules };
  const names = await loadNames(openFolder(specsDirectory(context)), reader(context));
  const told = through === null ? '' : kvmText(kvm?.policy.version ?? '', through);
  return `${told}${through?.kind === 'refused' ? '' : tdText({ program, release, names }, question, result)}`;
}

async function kvmOf(context: Context, module: ModuleRelease, text: string): Promise<Kvm> {
  const specs = await specsOf(context);
  const known = specs.releases.find((release) => release.module.release === module.release);
  const { findPolicy } = await import('../cases/operand.ts');
  return { policy: await findPolicy(context, specs, text), features0: known?.module.features0 ?? null };
}

/** A status or RCX as somebody read it from a log, with or without 0x. */
function hexOf(option: string, text: string): bigint {
  if (!/^(?:0x)?[0-9a-f]{1,16}$/i.test(text))
    throw new UsageError(`td: ${option} ${JSON.stringify(text)}: expected a hex number`);
  return BigInt(`0x${text.replace(/^0x/i, '')}`);
}

const reader = (context: Context) => openCache(cacheFile(context));

type Ready = { readonly program: Program; readonly module: ModuleRelease; readonly rules: DeciderRules };

const ready = (module: ModuleRelease, rules: DeciderRules): Ready => ({
  program: programOf(module, rules),
  module,
  rules,
});

/** A release with its rules. Throws where its tables or its code were not read. */
async function releaseProgram(context: Context, name: string): Promise<Ready> {
  const found = await loadRelease(specsDirectory(context), name, reader(context));
  if (found !== null) return ready(found.module, found.rules);
  // Whatever is wrong with the name is said by who knows all of them.
  const specs = await specsOf(context);
  const [{ findRelease }, { codeChangeText }] = await Promise.all([
    import('../cases/operand.ts'),
    import('../model/decider-text.ts'),
  ]);
  const { module } = findRelease(specs, name);
  const rules = specs.deciders.get(module.release);
  if (rules !== undefined) return ready(module, rules);
  const changes = specs.unexamined.get(module.release) ?? [];
  throw new NoInputError(
    `release ${module.release}: ${changes.length === 0 ? 'what its code does with CPUID was not examined (no file in specs/deciders)' : codeChangeText(changes)}`,
  );
}

type Hosts = ReturnType<typeof hostFiles>;

/** Files of hosts, each read once; what the module makes of a host is worked out once too. */
function hostFiles() {
  const read = new Map<string, Host>();
  const started = new WeakMap<Host, PlatformResult>();
  return {
    read: (file: string): Host => {
      const known = read.get(file);
      if (known !== undefined) return known;
      const text = readText(file);
      const { host } = hostOf(text, file);
      read.set(file, host);
      return host;
    },
    start: (program: Program, host: Host): PlatformResult => {
      const known = started.get(host) ?? startModule(program, host);
      started.set(host, known);
      return known;
    },
  };
}

function caseOf(value: unknown, origin: CaseOrigin, hosts: Hosts, base: Host | null): TdCase {
  const file = hostFileOf(value);
  return readCase(value, origin, file === null ? base : hosts.read(file));
}

const CHUNK = 1 << 18;

type Batch = {
  readonly program: Program;
  readonly kvm: Kvm | null;
  readonly file: string;
  readonly hosts: Hosts;
  readonly base: Host | null;
};

async function runBatch(context: Context, { program, kvm, file, hosts, base }: Batch): Promise<void> {
  let line = 0;
  let chunk = '';
  try {
    for await (const text of linesOf(file)) {
      line += 1;
      if (text.trim() === '') continue;
      const origin = { file: file === '-' ? 'standard input' : file, line };
      const given = caseOf(parseJson(text, origin), origin, hosts, base);
      const answer = answerCase(program, kvm, given, (host) => hosts.start(program, host));
      chunk += `${JSON.stringify(answerJson(program, kvm, answer))}\n`;
      if (chunk.length < CHUNK) continue;
      const whole = chunk;
      chunk = '';
      context.stdout.write(whole);
    }
  } finally {
    // The answers before a line that cannot be read are answers.
    if (chunk !== '') context.stdout.write(chunk);
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const stream = file === '-' ? createReadStream('', { fd: 0 }) : createReadStream(file);
  try {
    for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) yield line;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new NoInputError(`${file}: no such file`, { cause: error });
    throw error;
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new NoInputError(`${file === '-' ? 'standard input' : file}: cannot be read`, { cause: error });
  }
}

function parseJson(text: string, origin: CaseOrigin): unknown {
  if (text.trim() === '')
    throw new DataError({
      where: origin,
      expected: 'what the VMM and the guest ask for, as JSON; {} where they ask for nothing',
      found: 'nothing',
    });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError(
      { where: origin, expected: 'JSON', found: error instanceof Error ? error.message : 'something else' },
      { cause: error },
    );
  }
}
