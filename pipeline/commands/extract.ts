import type { Command } from 'commander';
import { namesOf, specsOf } from '../cases/context.ts';
import { rulesOfRevision } from '../cases/decider-rules.ts';
import { readHistory } from '../cases/kvm-history.ts';
import { readCpuid2Revision, readPolicyRevision } from '../cases/kvm-revision.ts';
import { readClobbersRevision, readFiles, readModuleRevision } from '../cases/module-revision.ts';
import { readQemuRevision } from '../cases/qemu-revision.ts';
import { fetchKnown, readAt } from '../cases/sources.ts';
import { readFeatures } from '../extract/kvm/features.ts';
import { KCPUID_PATH, namesTable, readKcpuid } from '../extract/kvm/kcpuid.ts';
import { openTree } from '../extract/kvm/open-tree.ts';
import { NAME_PATHS } from '../extract/kvm/paths.ts';
import { type BlobReader, openBlobs } from '../git/blobs.ts';
import { openRepository, type Repository } from '../git/repository.ts';
import { classify } from '../model/class.ts';
import { NoInputError } from '../model/errors.ts';
import { clobbersJson, jsonText, moduleJson, policyJson } from '../report/machine.ts';
import { historyJson, historyText } from '../report/policy-history.ts';
import { clobbersToYaml } from '../specs/clobbers-file.ts';
import { cpuid2ToYaml } from '../specs/cpuid2-file.ts';
import { namesToYaml } from '../specs/lists-file.ts';
import { moduleToYaml } from '../specs/module-file.ts';
import { policyToYaml } from '../specs/policy-file.ts';
import { plainQemu, qemuToYaml } from '../specs/qemu-file.ts';
import {
  type CommandLine,
  type Context,
  type Opts,
  printAnswer,
  printFormats,
  targetsOf,
  textOf,
} from './command-line.ts';

/** `bitwatch extract module|kvm|qemu|names|cpuid2|clobbers GITDIR [REV]`. */
export function declare({ addFor, group, contextOf }: CommandLine): void {
  const revisions = group('extract', 'prints what one revision says');
  const addExtract = (kind: string, description: string, formats = ['spec', 'json']): Command =>
    addFor(formats)(revisions, `${kind} <gitdir> [rev]`, description, [
      ...(formats.includes('json') ? [`bitwatch extract ${kind} ../repository HEAD --json`] : []),
      `bitwatch extract ${kind} ../repository HEAD --out spec=${kind}.yaml`,
    ]);
  const reading =
    (read: Read) =>
    (path: string, revision: string | undefined, _opts: Opts, command: Command): Promise<void> =>
      extract(contextOf(command), path, revision ?? 'HEAD', read);
  addExtract('module', 'a revision of the TDX module source: the class of every CPUID bit').action(reading(readModule));
  addExtract('kvm', 'a revision of a Linux kernel: what KVM does with a TD’s CPUID bits', ['spec', 'json', 'text'])
    .option('--history <range>', 'every revision of REV-RANGE where the policy changed')
    .action((path: string, revision: string | undefined, opts: Opts, command: Command) => {
      const range = textOf(opts.history);
      if (range === null) return reading(readKvm)(path, revision, opts, command);
      return extractKvmHistory(contextOf(command), path, range);
    });
  addExtract('names', 'a revision of a Linux kernel: the names of CPUID bits, as specs/names.yaml holds them', [
    'spec',
  ]).action(reading(readNames));
  addExtract('qemu', 'a revision of QEMU: what it fixes, asks for and names of a TD’s CPUID bits').action(
    reading(readQemu),
  );
  addExtract(
    'cpuid2',
    'a revision of a Linux kernel: where KVM asks what KVM_SET_CPUID2 said, by the questions of specs/cpuid2.md',
  ).action(reading(readCpuid2));
  addExtract('clobbers', 'a revision of the TDX module source: the MSRs that it leaves changed').action(
    reading(readClobbers),
  );
}

/** What was read, as the file that specs/ takes and, where there is one, in the machine format: `extract names` has none. */
type Extracted = { readonly spec: () => Promise<string>; readonly json: (() => Promise<string>) | null };
type Read = (context: Context, repository: Repository, blobs: BlobReader, commit: string) => Promise<Extracted>;

/** JSON with --json, else the YAML that specs/ would hold; `--out spec=PATH` and `--out json=PATH` write files. */
async function extract(context: Context, path: string, revision: string, read: Read): Promise<void> {
  const targets = targetsOf(context.options.out, ['spec', 'json']);
  await readAt(context, { path, revision }, async (repository, blobs, commit) => {
    const { spec, json } = await read(context, repository, blobs, commit);
    await printFormats(context, targets, (format) => (format === 'json' && json !== null ? json() : spec()), 'spec');
  });
}

const readModule: Read = async (context, repository, blobs, commit) => {
  const module = await readModuleRevision(repository, blobs, commit, null);
  return {
    spec: () => moduleToYaml(module),
    json: async () => {
      const specs = await specsOf(context);
      const { rules, note } = await rulesOfRevision(specs, module.release, blobs, commit);
      const noted = note === null ? module : { ...module, notes: [...module.notes, note] };
      return jsonText(moduleJson({ module: noted, registers: classify(module, rules) }));
    },
  };
};

/** The YAML of specs/names.yaml, from a kernel's own headers and cpuid.csv. */
const readNames: Read = async (_context, repository, blobs, commit) => {
  const { files } = await readFiles(blobs, commit, [...NAME_PATHS, KCPUID_PATH]);
  const csv = files.get(KCPUID_PATH);
  if (csv === undefined) throw new NoInputError(`${repository.name}@${commit.slice(0, 12)}: no ${KCPUID_PATH}`);
  const tree = openTree(repository.name, commit, files);
  const names = namesTable(readFeatures(tree), readKcpuid(KCPUID_PATH, csv.text));
  const sources = [...files].map(([file, { blob }]) => ({
    repository: repository.name,
    revision: commit,
    path: file,
    blob,
  }));
  return { spec: () => namesToYaml(names, sources), json: null };
};

const readKvm: Read = async (context, repository, blobs, commit) => {
  const policy = await readPolicyRevision(repository, blobs, commit);
  return {
    spec: () => policyToYaml(policy),
    json: async () => jsonText(policyJson(policy, await namesOf(context))),
  };
};

const readQemu: Read = async (_context, repository, blobs, commit) => {
  const facts = await readQemuRevision(repository, blobs, commit);
  return {
    spec: () => qemuToYaml(facts),
    json: async () => jsonText({ schema: 'bitwatch.qemu/1', ...plainQemu(facts) }),
  };
};

const readCpuid2: Read = async (context, repository, blobs, commit) => {
  const { questions } = (await specsOf(context)).cpuid2;
  const facts = await readCpuid2Revision(repository, blobs, commit, questions);
  return { spec: () => cpuid2ToYaml(facts), json: async () => jsonText({ schema: 'bitwatch.cpuid2/1', ...facts }) };
};

const readClobbers: Read = async (_context, repository, blobs, commit) => {
  const facts = await readClobbersRevision(repository, blobs, commit, null);
  return { spec: () => clobbersToYaml(facts), json: async () => jsonText(clobbersJson(facts)) };
};

/** `bitwatch extract kvm GITDIR --history REV-RANGE`: each revision where the policy's inputs changed, and what changed. */
async function extractKvmHistory(context: Context, path: string, range: string): Promise<void> {
  const repository = openRepository(path, context.env);
  const blobs = openBlobs(repository, await fetchKnown(context, repository));
  try {
    const history = await readHistory(repository, blobs, range);
    const names = await namesOf(context);
    await printAnswer(context, {
      json: () => historyJson(history, names),
      text: () => historyText(history, names),
    });
  } finally {
    await blobs.close();
  }
}
