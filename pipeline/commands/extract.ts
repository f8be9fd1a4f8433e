import { readFeatures } from '../extract/kvm/features.ts';
import { KCPUID_PATH, namesTable, readKcpuid } from '../extract/kvm/kcpuid.ts';
import { NAME_PATHS, openTree } from '../extract/kvm/tree.ts';
import { NoInputError } from '../model/errors.ts';
import { jsonText, moduleJson, policyJson } from '../report/machine.ts';
import { openBlobs } from '../sources/blobs.ts';
import { openRepository, resolveCommit } from '../sources/repository.ts';
import { moduleToYaml } from '../specs/module-text.ts';
import { namesToYaml } from '../specs/names-text.ts';
import { policyToYaml } from '../specs/policy-text.ts';
import { type Context, specsOf } from './context.ts';
import { readPolicyRevision } from './kvm-revision.ts';
import { classed, readFiles, readModuleRevision } from './operand.ts';

/** `bitwatch extract module GITDIR REV`: JSON with --json, else the YAML that specs/ would hold. */
export async function extractModuleCommand(context: Context, path: string, revision: string): Promise<string> {
  const repository = openRepository(path, context.env);
  const commit = await resolveCommit(repository, revision);
  const blobs = openBlobs(repository.gitDir, context.env, !context.options.offline);
  try {
    const module = await readModuleRevision(repository, blobs, commit, null);
    if (!context.options.json) return moduleToYaml(module);
    const specs = await specsOf(context);
    return jsonText(moduleJson(classed(module, specs.knowledge.dynamic)));
  } finally {
    await blobs.close();
  }
}

/** `bitwatch extract names GITDIR REV`: the YAML of specs/names.yaml, from a kernel's own headers and cpuid.csv. */
export async function extractNamesCommand(context: Context, path: string, revision: string): Promise<string> {
  const repository = openRepository(path, context.env);
  const commit = await resolveCommit(repository, revision);
  const blobs = openBlobs(repository.gitDir, context.env, !context.options.offline);
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
export async function extractKvmCommand(context: Context, path: string, revision: string): Promise<string> {
  const repository = openRepository(path, context.env);
  const commit = await resolveCommit(repository, revision);
  const blobs = openBlobs(repository.gitDir, context.env, !context.options.offline);
  try {
    const policy = await readPolicyRevision(repository, blobs, commit);
    if (!context.options.json) return policyToYaml(policy);
    const specs = await specsOf(context);
    return jsonText(policyJson(policy, specs.knowledge.names));
  } finally {
    await blobs.close();
  }
}

export async function extractKvmHistory(_context: Context, _path: string, _range: string): Promise<string> {
  return '';
}
export async function extractClobbersCommand(_context: Context, _path: string, _revision: string): Promise<string> {
  return '';
}
