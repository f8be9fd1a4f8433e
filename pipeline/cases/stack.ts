import { existsSync, statSync } from 'node:fs';
import { readInputText } from '../disk/read.ts';
import { cpuid2Of, judgeCpuid2 } from '../judge/cpuid2.ts';
import { kvmContext } from '../judge/judge.ts';
import type { Stack } from '../judge/stack.ts';
import { UsageError } from '../model/errors.ts';
import { compareVersions } from '../model/order.ts';
import type { QemuFacts } from '../model/qemu.ts';
import { suggest } from '../model/suggest.ts';
import { NO_CACHE } from '../specs/plain.ts';
import { readQemuFile } from '../specs/qemu-file.ts';
import type { Specs } from '../specs/store.ts';
import type { Context } from './context.ts';
import { findPolicy, findRelease, withCpuid2 } from './operand.ts';
import { groundOf } from './reviews.ts';

/** What a stack is made of, as somebody named it. */
export type StackNames = { readonly module: string; readonly kvm: string; readonly qemu: string };

/** The facts of a stack. Throws a UsageError for a part that is not known. */
export async function stackOf(context: Context, specs: Specs, { module, kvm, qemu }: StackNames): Promise<Stack> {
  const release = findRelease(specs, module);
  const policy = await findPolicy(context, specs, kvm);
  const known = await withCpuid2(context, specs, kvm);
  const kernel = cpuid2Of(known.cpuid2, policy);
  return {
    release,
    kvm: kvmContext(release, policy, groundOf(specs)),
    qemu: await findQemu(context, specs, qemu),
    names: specs.knowledge.names,
    cpuid2: kernel === null ? null : judgeCpuid2(known.cpuid2.questions, kernel),
  };
}

/** A QEMU version by name, as a specification file, or as it stands in a tree: `11.1.0`, `latest`, `my-qemu.yaml`, `GITDIR[@REV]`. */
async function findQemu(context: Context, specs: Specs, text: string): Promise<QemuFacts> {
  const versions = [...specs.qemu.map(({ version }) => version)].sort(compareVersions).reverse();
  const name = text === 'latest' ? versions[0] : text.replace(/^v(?=\d)/, '');
  const found = specs.qemu.find(({ version }) => version === name);
  if (found !== undefined) return found;
  const own = await qemuFromDisk(context, text);
  if (own !== null) return own;
  throw new UsageError(
    `no QEMU version, specification file or GITDIR[@REV] ${JSON.stringify(text)}${suggest(text, versions)}; known: ${versions.join(', ') || 'none'}`,
  );
}

/** A specification file, or a revision of a repository, HEAD where none is named. Null where nothing is there. */
async function qemuFromDisk(context: Context, text: string): Promise<QemuFacts | null> {
  if (existsSync(text) && statSync(text).isFile()) return readQemuFile(text, readInputText(text), NO_CACHE);
  const at = text.lastIndexOf('@');
  const [path, revision] = existsSync(text) ? [text, 'HEAD'] : [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
  if (path === '' || !existsSync(path)) return null;
  // Git and the reader of C are loaded where a tree is read.
  const { readQemuTree } = await import('./qemu-revision.ts');
  return readQemuTree(context, path, revision);
}
