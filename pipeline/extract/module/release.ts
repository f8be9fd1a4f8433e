import { DataError, NoInputError } from '../../model/errors.ts';
import type { ModuleRelease } from '../../model/module.ts';
import { readFeatures0 } from './features0.ts';
import { readControlStructures, readFeatureNames } from './headers.ts';
import { readSizes, readTables, type SourceText } from './tables.ts';

/** A file of a revision: its text and blob id. */
export type RevisionFile = { readonly text: string; readonly blob: string };

const TABLE_DIRECTORIES = ['include/auto_gen', 'include/auto_gen_1_5', 'include/auto_gen_2_0'] as const;
const CONTROL_STRUCTURES = 'src/common/data_structures/td_control_structures.h';
const API_DEFINITIONS = 'include/tdx_api_defs.h';
const SYSTEM_METADATA = 'src/common/metadata_handlers/metadata_sys.c';

/** The files of a module revision that hold facts, where they are; a tree has some of them. */
export const MODULE_PATHS: readonly string[] = [
  ...TABLE_DIRECTORIES.flatMap((directory) => [
    `${directory}/cpuid_configurations.c`,
    `${directory}/cpuid_configurations_defines.h`,
  ]),
  CONTROL_STRUCTURES,
  API_DEFINITIONS,
  SYSTEM_METADATA,
];

const WITHOUT_FEATURES0 = 'the tree has no TDX_FEATURES0: a VMM finds no feature announced';
const UNKNOWN_FEATURES0 = 'TDX_FEATURES0 is not composed in this tree: its value is not known';

export type ModuleInput = {
  readonly release: string;
  readonly repository: string;
  readonly revision: string;
  /** By path; only what the revision has. */
  readonly files: ReadonlyMap<string, RevisionFile>;
};

/** What one revision of the module source says about CPUID. Throws a DataError for what it does not understand. */
export function extractModule(input: ModuleInput): ModuleRelease {
  const { files } = input;
  const directory = directoryOf(input);
  const tablesPath = `${directory}/cpuid_configurations.c`;
  const tables = sourceOf(files, tablesPath);
  if (tables === null) throw new NoInputError(`${input.repository}@${input.revision}: no ${tablesPath}`);
  const defines = sourceOf(files, `${directory}/cpuid_configurations_defines.h`);
  const read = readTables(tables, defines);
  if (defines !== null) checkSizes(defines, read.tables);
  const control = sourceOf(files, CONTROL_STRUCTURES);
  const api = sourceOf(files, API_DEFINITIONS);
  const system = sourceOf(files, SYSTEM_METADATA);
  const features = featuresOf(api, system);
  const facts = control === null ? NO_CONTROL : { ...readControlStructures(control), notes: [] };
  return {
    ...read.tables,
    release: input.release,
    source: {
      repository: input.repository,
      revision: input.revision,
      path: tablesPath,
      blob: blobOf(files, tablesPath),
      licence: licenceOf(tables.text),
    },
    attributes: facts.attributes,
    xfam: facts.xfam,
    features0: features.value,
    features0Conditional: features.conditional,
    featureNames: features.names,
    alsoRead: [defines, control, api, system].flatMap((file) =>
      file === null ? [] : [{ path: file.path, blob: blobOf(files, file.path) }],
    ),
    mrseam: null,
    cpuidFlags: facts.cpuidFlags,
    notes: [...read.notes, ...facts.notes, ...features.notes],
  };
}

/** What is known of a tree without that header. */
const NO_CONTROL = {
  attributes: null,
  xfam: null,
  cpuidFlags: null,
  notes: [`${CONTROL_STRUCTURES} was not read: attributes, XFAM and CPUID flags are not known`],
};

type Features = {
  readonly value: bigint | null;
  readonly conditional: readonly number[];
  readonly names: ReadonlyMap<number, string>;
  readonly notes: readonly string[];
};

/** TDX_FEATURES0 of a tree, of the files that it has. */
function featuresOf(api: SourceText | null, system: SourceText | null): Features {
  const names = api === null ? new Map<number, string>() : readFeatureNames(api);
  if (system !== null) {
    const features = readFeatures0(system, names);
    if (features !== null) return { value: features.value, conditional: features.conditional, names, notes: [] };
  }
  // Before 1.5 there was neither the field nor TDH.SYS.RD: the API header is there and declares nothing of it.
  const isWithoutField = api !== null && names.size === 0 && system === null;
  return {
    value: isWithoutField ? 0n : null,
    conditional: [],
    names,
    notes: [isWithoutField ? WITHOUT_FEATURES0 : UNKNOWN_FEATURES0],
  };
}

const blobOf = (files: ReadonlyMap<string, RevisionFile>, path: string): string | null => files.get(path)?.blob ?? null;

/** A tree of both lines has both directories: 1.5 releases use theirs, later ones the other. */
function directoryOf(input: ModuleInput): string {
  const present = TABLE_DIRECTORIES.filter((directory) => input.files.has(`${directory}/cpuid_configurations.c`));
  const [only, ...more] = present;
  if (only === undefined)
    throw new NoInputError(
      `${input.repository}@${input.revision}: no cpuid_configurations.c in ${TABLE_DIRECTORIES.join(', ')}`,
    );
  if (more.length === 0) return only;
  const own = `include/auto_gen_${input.release.split('.').slice(0, 2).join('_')}`;
  const match = present.find((directory) => directory === own);
  if (match !== undefined) return match;
  throw new DataError({
    where: { file: input.revision },
    expected: `one table directory, or one named ${own} for release ${input.release}`,
    found: present.join(' and '),
  });
}

function sourceOf(files: ReadonlyMap<string, RevisionFile>, path: string): SourceText | null {
  const file = files.get(path);
  return file === undefined ? null : { path, text: file.text };
}

/** The sizes that the header states must be those that the tables use. */
function checkSizes(
  defines: SourceText,
  tables: {
    readonly lookup: readonly { readonly slot: number }[];
    readonly configurable: readonly { readonly slot: number }[];
  },
): void {
  const sizes = readSizes(defines);
  for (const [name, stated, slots] of [
    ['MAX_NUM_CPUID_LOOKUP', sizes.lookup, tables.lookup],
    ['MAX_NUM_CPUID_CONFIG', sizes.config, tables.configurable],
  ] as const) {
    const needed = slots.reduce((most, { slot }) => Math.max(most, slot + 1), 0);
    if (stated === null || stated === needed) continue;
    throw new DataError({
      where: { file: defines.path },
      expected: `${name} ${needed}, the slots that the entries fill`,
      found: `${stated}`,
    });
  }
}

/** The licence that the file itself states. */
function licenceOf(text: string): string {
  const head = text.slice(0, 4000);
  const spdx = /SPDX-License-Identifier:\s*([\w.+-]+)/.exec(head)?.[1];
  if (spdx !== undefined) return spdx;
  return /LIMITED USE LICENSE/i.test(head) ? 'Intel TDX Source Code Limited Use License' : 'not stated in the file';
}
