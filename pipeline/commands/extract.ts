import { jsonText, moduleJson, policyJson } from '../report/machine.ts';
import { openBlobs } from '../sources/blobs.ts';
import { openRepository, resolveCommit } from '../sources/repository.ts';
import { moduleToYaml } from '../specs/module-text.ts';
import { policyToYaml } from '../specs/policy-text.ts';
import { type Context, specsOf } from './context.ts';
import { readPolicyRevision } from './kvm-revision.ts';
import { classed, readModuleRevision } from './operand.ts';

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
