import type { Command } from 'commander';
import { captureHost, captureJson, readCapture } from '../cases/capture.ts';
import { specsOf } from '../cases/context.ts';
import { buildOf } from '../cases/named.ts';
import { stackOf } from '../cases/stack.ts';
import { checkCapabilities, poolOf } from '../judge/pool.ts';
import { DataError } from '../model/errors.ts';
import { leafId } from '../model/place.ts';
import { captureText, checkJson, checkText, poolJson, poolText } from '../report/vmm/host.ts';
import { type CommandLine, type Context, type Opts, printAnswer, textOf } from './command-line.ts';

/** `bitwatch host`, and `bitwatch pool HOST…`. */
export function declare({ program, add, contextOf }: CommandLine): void {
  add(program, 'host [capture]', 'captures this Linux machine; a named capture is held against the facts', [
    'bitwatch host --json > host.json',
    'bitwatch host --cpuid cpuid.txt --capabilities capabilities.json --json > host.json',
    'bitwatch host host.json --module 1.5.16 --kvm 7.1.5',
  ])
    .option('--cpuid <file>', 'what cpuid -r prints, where /dev/cpu/0/cpuid may not be read')
    .option('--capabilities <file>', 'what docs/host/tdx-capabilities.c prints')
    .option('--root <dir>', 'another root than /, such as a support archive')
    .option('--module <release>', 'the release that runs there; else what the capture says')
    .option('--kvm <kvm>', 'the KVM that runs there; else what the capture says')
    .action((capture: string | undefined, opts: Opts, command: Command) =>
      capture === undefined ? hostCommand(contextOf(command), opts) : checkCommand(contextOf(command), capture, opts),
    );
  add(program, 'pool <host...>', 'what a TD can have on all of several hosts, and what each would add', [
    'bitwatch pool a.json b.txt --module 2.0.08 --kvm 7.1.5',
  ])
    .option('--module <release>', 'a release of the TDX module; the newest where none is named')
    .option('--kvm <kvm>', 'a version, a specification file, or GITDIR[@REV]; the newest where none is named')
    .option('--qemu <qemu>', 'a version, a specification file, or GITDIR[@REV]; the newest where none is named')
    .action((hosts: readonly string[], opts: Opts, command: Command) => poolCommand(contextOf(command), hosts, opts));
}

async function hostCommand(context: Context, opts: Opts): Promise<void> {
  const specs = await specsOf(context);
  const leaves = specs.releases.flatMap(({ module }) => module.lookup);
  const capture = captureHost({
    root: textOf(opts.root) ?? '/',
    cpuid: textOf(opts.cpuid),
    capabilities: textOf(opts.capabilities),
    leaves: [...new Map(leaves.map((entry) => [leafId(entry), entry])).values()],
  });
  await printAnswer(context, { json: () => captureJson(capture), text: () => captureText(capture) });
}

async function checkCommand(context: Context, file: string, opts: Opts): Promise<void> {
  const capture = readCapture(file);
  if (capture.capabilities === null)
    throw new DataError({
      where: { file, at: 'capabilities' },
      expected: 'what KVM reports (docs/host/tdx-capabilities.c prints it)',
      found: 'nothing',
    });
  const stack = await stackOf(context, await specsOf(context), {
    module: textOf(opts.module) ?? buildOf(capture.module?.version ?? 'latest').name,
    kvm: textOf(opts.kvm) ?? capture.kernel?.replace(/-.*$/, '') ?? 'latest',
    qemu: 'latest',
  });
  const differences = checkCapabilities(stack, capture.host, capture.capabilities.configurable);
  await printAnswer(context, { json: () => checkJson(stack, differences), text: () => checkText(stack, differences) });
}

async function poolCommand(context: Context, files: readonly string[], opts: Opts): Promise<void> {
  const stack = await stackOf(context, await specsOf(context), {
    module: textOf(opts.module) ?? 'latest',
    kvm: textOf(opts.kvm) ?? 'latest',
    qemu: textOf(opts.qemu) ?? 'latest',
  });
  const pool = poolOf(
    stack,
    files.map((name) => ({ name, host: readCapture(name).host })),
  );
  await printAnswer(context, { json: () => poolJson(stack, pool), text: () => poolText(stack, pool) });
}
