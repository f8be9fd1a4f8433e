import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { findRelease } from '../cases/operand.ts';
import { DataError, NoInputError, UsageError } from '../model/errors.ts';
import { jsonText } from '../report/machine.ts';
import { tdJson } from '../report/td-json.ts';
import type { Specs } from '../specs/store.ts';
import type { Host } from '../td/case.ts';
import { isRawCpuid, readRawCpuid } from '../td/cpuid-raw.ts';
import { type PlatformResult, startModule } from '../td/platform.ts';
import { type Program, programOf } from '../td/program.ts';
import { type CaseOrigin, hostFileOf, readCase, readHostJson } from '../td/read-case.ts';
import { computeTd } from '../td/td.ts';
import { type CommandLine, type Context, type Opts, textOf } from './command-line.ts';

/** `bitwatch td RELEASE`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'td <release> [input]', 'the CPUID that a TD gets, what is refused and why; - is standard input', [
    'bitwatch td 1.5.06 td.json --host host.txt',
    'bitwatch td 2.0.18 - --json < td.json',
    'bitwatch td 1.5.06 --batch cases.jsonl > answers.jsonl',
  ])
    .option('--host <file>', 'the CPUID of the host: what cpuid -r prints, or JSON with host and msrs')
    .option('--batch <file>', 'one case a line, one answer a line, in order; - is standard input')
    .action((release: string, input: string | undefined, opts: Opts, command: Command) =>
      tdCommand(contextOf(command), release, {
        input: input ?? null,
        host: textOf(opts.host),
        batch: textOf(opts.batch),
      }),
    );
}

type TdOptions = { readonly input: string | null; readonly host: string | null; readonly batch: string | null };

async function tdCommand(context: Context, name: string, options: TdOptions): Promise<void> {
  const specs = await specsOf(context);
  const program = releaseProgram(specs, name);
  const hosts = hostFiles();
  const base = options.host === null ? null : hosts.read(options.host);
  if (options.batch !== null) {
    if (options.input !== null) throw new UsageError('td: one input, or --batch, not both');
    await runBatch(context, program, options.batch, hosts, base);
    return;
  }
  const file = options.input ?? '-';
  const value = parseJson(readText(file), { file: file === '-' ? 'standard input' : file });
  const answer = answerOf(program, value, { file }, hosts, base);
  context.stdout.write(jsonText(answer));
}

/** A release with its rules. Throws where its tables or its code were not read. */
function releaseProgram(specs: Specs, name: string): Program {
  const release = findRelease(specs, name);
  const rules = specs.deciders.get(name);
  if (rules === undefined)
    throw new NoInputError(
      `release ${name}: what its code does with CPUID was not examined (no file in specs/deciders)`,
    );
  return programOf(release.module, rules);
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
      const host = isRawCpuid(text) ? readRawCpuid(text, file) : readHostJson(parseJson(text, { file }), { file });
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

// A function of five: what runs, on what, where it stands, and the hosts that it may name or fall back to.
function answerOf(program: Program, value: unknown, origin: CaseOrigin, hosts: Hosts, base: Host | null) {
  const file = hostFileOf(value);
  const question = readCase(value, origin, file === null ? base : hosts.read(file));
  return tdJson(program.release, question.id, computeTd(program, question, hosts.start(program, question.host)));
}

const CHUNK = 1 << 18;

async function runBatch(
  context: Context,
  program: Program,
  file: string,
  hosts: Hosts,
  base: Host | null,
): Promise<void> {
  let line = 0;
  let chunk = '';
  for await (const text of linesOf(file)) {
    line += 1;
    if (text.trim() === '') continue;
    const origin = { file: file === '-' ? 'standard input' : file, line };
    chunk += `${JSON.stringify(answerOf(program, parseJson(text, origin), origin, hosts, base))}\n`;
    if (chunk.length < CHUNK) continue;
    context.stdout.write(chunk);
    chunk = '';
  }
  context.stdout.write(chunk);
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
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new DataError(
      { where: origin, expected: 'JSON', found: error instanceof Error ? error.message : 'something else' },
      { cause: error },
    );
  }
}
