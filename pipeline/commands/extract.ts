import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { readHistory } from '../cases/kvm-history.ts';
import { readPolicyRevision } from '../cases/kvm-revision.ts';
import { readClobbersRevision, readFiles, readModuleRevision } from '../cases/module-revision.ts';
import { classed } from '../cases/operand.ts';
import { readQemuRevision } from '../cases/qemu-revision.ts';
import { fetchKnown } from '../cases/sources.ts';
import { readFeatures } from '../extract/kvm/features.ts';
import { KCPUID_PATH, namesTable, readKcpuid } from '../extract/kvm/kcpuid.ts';
import { NAME_PATHS, openTree } from '../extract/kvm/tree.ts';
import { openBlobs } from '../git/blobs.ts';
import { openRepository, resolveCommit } from '../git/repository.ts';
import { NoInputError } from '../model/errors.ts';
import { clobbersJson, jsonText, moduleJson, policyJson } from '../report/machine.ts';
import { historyJson, historyText } from '../report/policy-history.ts';
import { clobbersToYaml } from '../specs/clobbers-text.ts';
import { moduleToYaml } from '../specs/module-text.ts';
import { namesToYaml } from '../specs/names-text.ts';
import { policyToYaml } from '../specs/policy-text.ts';
import { plainQemu, qemuToYaml } from '../specs/qemu-file.ts';
import { type CommandLine, type Context, type Opts, textOf } from './command-line.ts';

/** `bitwatch extract module|kvm|qemu|names|clobbers GITDIR [REV]`. */
export function declare({ add, group, contextOf }: CommandLine): void {
  const extract = group('extract', 'prints what one revision says');
  const addExtract = (kind: string, description: string): Command =>
    add(extract, `${kind} <gitdir> [rev]`, description, [`bitwatch extract ${kind} ../repository HEAD --json`]);
  const print =
    (read: (context: Context, path: string, revision: string) => Promise<string>) =>
    async (path: string, revision: string | undefined, _opts: Opts, command: Command) => {
      const context = contextOf(command);
      context.stdout.write(await read(context, path, revision ?? 'HEAD'));
    };
  addExtract('module', 'a revision of the TDX module source: the class of every CPUID bit').action(
    print(extractModule),
  );
  addExtract('kvm', 'a revision of a Linux kernel: what KVM does with a TD’s CPUID bits')
    .option('--history <range>', 'every revision of REV-RANGE where the policy changed')
    .action((path: string, revision: string | undefined, opts: Opts, command: Command) => {
      const range = textOf(opts.history);
      const read = range === null ? extractKvm : (context: Context) => extractKvmHistory(context, path, range);
      return print(read)(path, revision, opts, command);
    });
  addExtract('names', 'a revision of a Linux kernel: the names of CPUID bits, as specs/names.yaml holds them').action(
    print(extractNames),
  );
  addExtract('qemu', 'a revision of QEMU: what it fixes, asks for and names of a TD’s CPUID bits').action(
    print(extractQemu),
  );
  addExtract('clobbers', 'a revision of the TDX module source: the MSRs that it leaves changed').action(
    print(extractClobbers),
  );
}

/** `bitwatch extract module GITDIR REV`: JSON with --json, else the YAML that specs/ would hold. */
async function extractModule(context: Context, path: string, revision: string): Promise<string> {
  const repository = openRepository(path, context.env);
  const commit = await resolveCommit(repository, revision);
  const blobs = openBlobs(repository, await fetchKnown(context, repository));
  try {
    const module = await readModuleRevision(repository, blobs, commit, null);
    if (!context.options.json) return moduleToYaml(module);
    const specs = await specsOf(context);
    return jsonText(moduleJson(classed(module, specs)));
  } finally {
    await blobs.close();
  }
}

/** `bitwatch extract names GITDIR REV`: the YAML of specs/names.yaml, from a kernel's own headers and cpuid.csv. */
async function extractNames(context: Context, path: string, revision: string): Promise<string> {
  const repository = openRepository(path, context.env);
  const commit = await resolveCommit(repository, revision);
  const blobs = openBlobs(repository, await fetchKnown(context, repository));
  try {
    const { files } = await readFiles(blobs, commit, [...NAME_PATHS, KCPUID_PATH]);
    const csv = files.get(KCPUID_PATH);
    if (csv === undefined) throw new NoInputError(`${path}@${revision}: no ${KCPUID_PATH}`);
    const tree = openTree(repository.name, commit, files);
    const names = namesTable(readFeatures(tree), readKcpuid(KCPUID_PATH, csv.text));
    const sources = [...files].map(([file, { blob }]) => ({
      repository: repository.name,
      revision: commit,
      path: file,
      blob,
    }));
    return namesToYaml(names, sources);
  } finally {
    await blobs.close();
  }
}

/** `bitwatch extract kvm GITDIR REV`. */
async function extractKvm(context: Context, path: string, revision: string): Promise<string> {
  const repository = openRepository(path, context.env);
  const commit = await resolveCommit(repository, revision);
  const blobs = openBlobs(repository, await fetchKnown(context, repository));
  try {
    const policy = await readPolicyRevision(repository, blobs, commit);
    if (!context.options.json) return policyToYaml(policy);
    const specs = await specsOf(context);
    return jsonText(policyJson(policy, specs.knowledge.names));
  } finally {
    await blobs.close();
  }
}

/** `bitwatch extract qemu GITDIR REV`: JSON with --json, else the YAML that specs/ would hold. */
async function extractQemu(context: Context, path: string, revision: string): Promise<string> {
  const repository = openRepository(path, context.env);
  const commit = await resolveCommit(repository, revision);
  const blobs = openBlobs(repository, await fetchKnown(context, repository));
  try {
    const facts = await readQemuRevision(repository, blobs, commit);
    return context.options.json
      ? jsonText({ schema: 'bitwatch.qemu/1', ...plainQemu(facts) })
      : await qemuToYaml(facts);
  } finally {
    await blobs.close();
  }
}

/** `bitwatch extract clobbers GITDIR REV`: JSON with --json, else the YAML that specs/ would hold. */
async function extractClobbers(context: Context, path: string, revision: string): Promise<string> {
  const repository = openRepository(path, context.env);
  const commit = await resolveCommit(repository, revision);
  const blobs = openBlobs(repository, await fetchKnown(context, repository));
  try {
    const facts = await readClobbersRevision(repository, blobs, commit, null);
    return context.options.json ? jsonText(clobbersJson(facts)) : clobbersToYaml(facts);
  } finally {
    await blobs.close();
  }
}

/** `bitwatch extract kvm GITDIR --history REV-RANGE`: each revision where the policy's inputs changed, and what changed. */
async function extractKvmHistory(context: Context, path: string, range: string): Promise<string> {
  const repository = openRepository(path, context.env);
  const blobs = openBlobs(repository, await fetchKnown(context, repository));
  try {
    const steps = await readHistory(repository, blobs, range);
    const specs = await specsOf(context);
    if (context.options.json) return jsonText(historyJson(steps, specs.knowledge.names));
    return historyText(steps, specs.knowledge.names);
  } finally {
    await blobs.close();
  }
}
