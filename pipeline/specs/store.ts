import type { ClassedRelease } from '../model/class.ts';
import { classify } from '../model/class.ts';
import type { ClobberFacts } from '../model/clobber.ts';
import type { Cpuid2Knowledge } from '../model/cpuid2.ts';
import type { CodeChange, DeciderRules } from '../model/decider-rules.ts';
import { DataError, NoInputError } from '../model/errors.ts';
import type { Knowledge } from '../model/knowledge.ts';
import type { LineageRow } from '../model/lineage.ts';
import type { ModuleRelease } from '../model/module.ts';
import { compareVersions } from '../model/order.ts';
import type { PartialPolicy, Policy } from '../model/policy.ts';
import type { QemuFacts } from '../model/qemu.ts';
import type { RegisterRow } from '../model/register-mask.ts';
import { readClobbersFile } from './clobbers-file.ts';
import { readClobbersTable } from './clobbers-table.ts';
import { readCpuid2File, readCpuid2Questions } from './cpuid2-file.ts';
import { readDeciderFile, resolveDeciders } from './decider-file.ts';
import { readAll, type SpecsFolder } from './folder.ts';
import { readLineage } from './lineage-table.ts';
import {
  type KnownRelease,
  readLevelsFile,
  readPlainDecisions,
  readPlainWaivers,
  readReleasesFile,
} from './lists-file.ts';
import type { PlainDecisions, PlainWaivers } from './lists-shape.ts';
import { readModuleFile } from './module-file.ts';
import { loadNames } from './names.ts';
import { readPartialFile } from './partial-file.ts';
import type { PlainReader } from './plain.ts';
import { readPolicyFile } from './policy-file.ts';
import { readQemuFile } from './qemu-file.ts';
import { readRegistersTable } from './registers-table.ts';
import { readSources } from './sources-file.ts';
import type { PlainSources } from './sources-shape.ts';
import { readRequired, readStaticRegisters } from './tables.ts';

/** Everything under `specs/`, read and validated, each list in the order of versions. */
export type Specs = {
  readonly directory: string;
  readonly releases: readonly ClassedRelease[];
  /** Per release, what its code does to the CPUID of a TD beyond its tables; a release without rules was not examined. */
  readonly deciders: ReadonlyMap<string, DeciderRules>;
  /** Releases whose deciding code is not that of an older one and was not examined, each with what changed. */
  readonly unexamined: ReadonlyMap<string, readonly CodeChange[]>;
  readonly known: readonly KnownRelease[];
  /** Whose code each release has, as far as somebody examined it. */
  readonly lineage: readonly LineageRow[];
  readonly policies: readonly Policy[];
  /** KVM versions of which only a part could be read: told, never judged. */
  readonly partial: readonly PartialPolicy[];
  /** What each QEMU version does with a TD's CPUID. */
  readonly qemu: readonly QemuFacts[];
  /** What KVM asks of KVM_SET_CPUID2: the questions, and by kernel where it asks them. */
  readonly cpuid2: Cpuid2Knowledge;
  readonly knowledge: Knowledge;
  /** What the module's own code leaves behind, per release whose source was read. */
  readonly clobbers: readonly ClobberFacts[];
  readonly registers: readonly RegisterRow[];
  /** What people decided; `waivers` are those of an older file. */
  readonly decisions: PlainDecisions['decisions'];
  readonly waivers: PlainWaivers['waivers'];
  /** Where the facts come from; empty where the directory does not say. */
  readonly sources: PlainSources['sources'];
};

/** Reads a directory of specifications. Throws a NoInputError where it is none, a DataError for a file that is not valid. */
export async function loadSpecs(folder: SpecsFolder, reader: PlainReader): Promise<Specs> {
  const { text, textIfAny } = folder;
  if (folder.list('modules') === null)
    throw new NoInputError(
      `${folder.directory}: no specifications here (expected a directory with modules/*.yaml); name one with --specs`,
    );
  const modules = await readAll(folder, 'modules', (file, content) => readModuleFile(file, content, reader));
  checkUnique(
    modules.map(({ file, value }) => ({ file, name: value.release })),
    'release',
  );
  const deciderFiles = await readAll(folder, 'deciders', (file, content) => readDeciderFile(file, content, reader));
  checkUnique(
    deciderFiles.map(({ file, value }) => ({ file, name: value.plain.release })),
    'release',
  );
  const resolved = resolveDeciders(deciderFiles.map(({ value }) => value));
  const deciders = new Map([...resolved].filter(([, rules]) => rules.unexamined.length === 0));
  const known = await readReleasesFile('specs/releases.yaml', text('releases.yaml'), reader);
  const policies = await readAll(folder, 'kvm', (file, content) => readPolicyFile(file, content, reader));
  const partial = await readAll(folder, 'kvm-partial', (file, content) => readPartialFile(file, content, reader));
  checkUnique(
    [...policies, ...partial].map(({ file, value }) => ({ file, name: value.version })),
    'version',
  );
  const qemu = await readAll(folder, 'qemu', (file, content) => readQemuFile(file, content, reader));
  checkUnique(
    qemu.map(({ file, value }) => ({ file, name: value.version })),
    'version',
  );
  const cpuid2 = await readAll(folder, 'cpuid2', (file, content) => readCpuid2File(file, content, reader));
  checkUnique(
    cpuid2.map(({ file, value }) => ({ file, name: value.version })),
    'version',
  );
  const clobbers = await readAll(folder, 'clobbers', (file, content) => readClobbersFile(file, content, reader));
  const lineage = textIfAny('lineage.md');
  const questions = textIfAny('cpuid2.md');
  const decisions = textIfAny('decisions.yaml');
  const waivers = textIfAny('waivers.yaml');
  return {
    directory: folder.directory,
    releases: modules
      .map(({ value }) => withPublished(value, known))
      .sort((a, b) => compareVersions(a.release, b.release))
      .map((module) => ({
        module,
        registers: classify(module, deciders.get(module.release)),
        rules: deciders.get(module.release),
        unexamined: resolved.get(module.release)?.unexamined ?? [],
      })),
    deciders,
    unexamined: new Map(
      [...resolved].flatMap(([name, { unexamined }]) => (unexamined.length === 0 ? [] : [[name, unexamined] as const])),
    ),
    known: [...known].sort((a, b) => compareVersions(a.release, b.release)),
    lineage: lineage === null ? [] : await readLineage('specs/lineage.md', lineage, reader),
    policies: policies.map(({ value }) => value).sort((a, b) => compareVersions(a.version, b.version)),
    partial: partial.map(({ value }) => value).sort((a, b) => compareVersions(a.version, b.version)),
    qemu: qemu.map(({ value }) => value).sort((a, b) => compareVersions(a.version, b.version)),
    cpuid2: {
      questions: questions === null ? [] : await readCpuid2Questions('specs/cpuid2.md', questions, reader),
      kernels: cpuid2.map(({ value }) => value).sort((a, b) => compareVersions(a.version, b.version)),
    },
    knowledge: {
      required: await readRequired('specs/required.md', text('required.md'), reader),
      staticRegisters: await readStaticRegisters('specs/leaves.md', text('leaves.md'), reader),
      clobbers: await readClobbersTable('specs/clobbers.md', text('clobbers.md'), reader),
      // The kernel's own name of the same bits stands: of equally wide names the first counts.
      names: await loadNames(folder, reader),
      levels: await readLevelsFile('specs/levels.yaml', text('levels.yaml'), reader),
    },
    clobbers: clobbers.map(({ value }) => value).sort((a, b) => compareVersions(a.release, b.release)),
    registers: await readRegistersTable('specs/registers.md', text('registers.md'), reader),
    decisions: decisions === null ? [] : await readPlainDecisions('specs/decisions.yaml', decisions, reader),
    // The file that decisions had before they could name bits and ranges.
    waivers: waivers === null ? [] : await readPlainWaivers('specs/waivers.yaml', waivers, reader),
    sources: (await readSources(folder, reader)).sources,
  };
}

function checkUnique(files: readonly { readonly file: string; readonly name: string }[], key: string): void {
  const seen = new Map<string, string>();
  for (const { file, name } of files) {
    const other = seen.get(name);
    if (other !== undefined)
      throw new DataError({
        where: { file, at: key },
        expected: `a ${key} that no other file has`,
        found: `"${name}", which ${other} has too`,
      });
    seen.set(name, file);
  }
}

/** What README and mapping_file.json publish of a release fills what its own source does not say. */
function withPublished(module: ModuleRelease, known: readonly KnownRelease[]): ModuleRelease {
  const entry = known.find(({ release }) => release === module.release);
  return {
    ...module,
    features0: module.features0 ?? entry?.features0 ?? null,
    mrseam: module.mrseam ?? entry?.mrseam ?? null,
  };
}
