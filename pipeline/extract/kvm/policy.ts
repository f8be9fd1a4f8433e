import { DataError } from '../../model/errors.ts';
import { comparePlaces } from '../../model/place.ts';
import type { Generation, Policy } from '../../model/policy.ts';
import { evaluateMacro, type Scope } from '../c/evaluate.ts';
import { type Attributes, readAttributes } from './attributes.ts';
import { type FeatureTable, readFeatures } from './features.ts';
import type { Filter } from './filter.ts';
import { readFilter } from './generation.ts';
import { readKnown } from './known.ts';
import { oneMeaning } from './meaning.ts';
import { TDX_PATH } from './paths.ts';
import type { Program } from './program.ts';
import { readRequirements, type Supported } from './requirements.ts';
import { readRestores } from './restores.ts';
import type { KernelTree } from './tree.ts';
import { readConfigFlags, readVmcallCheck } from './vmcall.ts';
import { namedXfam, readXfam, readXfamChanges, type Xfam } from './xfam.ts';

const METADATA = 'arch/x86/include/asm/tdx_global_metadata.h';
const CPUID = 'arch/x86/kvm/cpuid.c';
const VMX = 'arch/x86/kvm/vmx/vmx.c';

/** What one kernel revision does with a TD's CPUID bits. Throws a DataError for what it does not recognise, never guesses. */
export function readPolicy(tree: KernelTree, version: string): Policy {
  const own = tree.remember('supported xfam', readXfam);
  const filter = filterOf(tree);
  const attributes = attributesOf(tree, filter.attributes);
  const xfam = xfamOf(tree, own, filter.xfam);
  const known = tree.remember('known', (view) =>
    readKnown(
      [CPUID, VMX].filter((path) => path === CPUID || view.has(path)).map(view.unit),
      view.remember('features', readFeatures),
    ),
  );
  const configLimit = readConfigLimit(tree);
  const supported = { attributes: attributes.mask, xfam: xfam.mask, configLimit };
  const { requirements, notes: missing } = requirementsOf(tree, supported);
  const vmcall = tree.remember('vmcall', (view) => readVmcallCheck(view.unit(TDX_PATH), view.scope(TDX_PATH)));
  const { generation, deny, allow, adds, disagreements } = filter;
  return {
    version,
    source: {
      repository: tree.repository,
      revision: tree.revision,
      path: TDX_PATH,
      blob: tree.file(TDX_PATH)?.blob ?? null,
    },
    generation,
    deny,
    // What KVM supports of a feature is what it has a capability for, with what it adds for TDs.
    allow: generation === 'supported-cpuid' ? [...allow, ...known].sort(comparePlaces) : allow,
    adds,
    disagreements,
    attributes: attributes.mask,
    xfam: xfam.xfam,
    restores: tree.remember('restores', (view) => readRestores(view.unit(TDX_PATH))),
    configLimit,
    requires: requirements,
    configFlags: tree.remember('config flags', (view) => readConfigFlags(view.unit(TDX_PATH), view.scope(TDX_PATH))),
    ...(vmcall === null ? {} : { vmcall }),
    known,
    notes: [...filter.notes, ...xfam.notes, ...attributes.notes, ...missing, ...generationNotes(generation)],
  };
}

/** What the revision does to the bits that the module reports as configurable. */
export const filterOf = (tree: KernelTree): Filter =>
  tree.remember('filter', (view) =>
    readFilter(programOf(view, view.remember('features', readFeatures)), view.remember('supported xfam', readXfam)),
  );

/** What is supported is no question to the tree: it is a part of the name. */
const requirementsOf = (tree: KernelTree, supported: Supported): ReturnType<typeof readRequirements> =>
  tree.remember(`requirements ${Object.values(supported).join(' ')}`, (view) => readRequirements(view, supported));

const programOf = (tree: KernelTree, features: FeatureTable): Program => ({
  tree,
  unit: tree.unit(TDX_PATH),
  scope: tree.scope(TDX_PATH),
  features,
  path: TDX_PATH,
});

const tdxScope = (tree: KernelTree): Scope => oneMeaning(tree.unit(TDX_PATH), tree.scope(TDX_PATH));

/** What the set-up takes where it was run, else what its code is seen to refuse. */
function attributesOf(tree: KernelTree, taken: bigint | null): Attributes {
  if (taken !== null) return { mask: taken, notes: [] };
  return tree.remember('attributes', (view) => readAttributes(view.unit(TDX_PATH), tdxScope(view)));
}

function xfamOf(tree: KernelTree, own: Xfam, taken: bigint | null): ReturnType<typeof namedXfam> {
  if (taken !== null) return namedXfam(taken, own.notes);
  const { adds, refuses } = tree.remember('xfam changes', (view) =>
    readXfamChanges(view.unit(TDX_PATH), tdxScope(view)),
  );
  return namedXfam((own.xcr0 | own.xss | adds) & ~refuses, own.notes);
}

/** What a reader of an older generation's verdicts has to know. */
const generationNotes = (generation: Generation): readonly string[] =>
  generation === 'mask'
    ? ['KVM drops what user space sets beyond the configurable bits, and refuses nothing']
    : generation === 'supported-cpuid'
      ? ['bits of registers that KVM fills from the host, and has no capabilities for, are judged by its fix-ups alone']
      : [];

/** The kernel's version from its top Makefile: `6.16.1`, `6.17.0-rc3` without the zero: `6.17-rc3`. */
export function kernelVersion(file: string, text: string): string {
  const value = (name: string): string => new RegExp(`^${name} *= *(\\S*)`, 'm').exec(text)?.[1] ?? '';
  const [major, minor, patch, extra] = [
    value('VERSION'),
    value('PATCHLEVEL'),
    value('SUBLEVEL'),
    value('EXTRAVERSION'),
  ];
  if (!/^\d+$/.test(major) || !/^\d+$/.test(minor))
    throw new DataError({ where: { file, line: 1 }, expected: 'VERSION and PATCHLEVEL of a kernel', found: 'none' });
  // The version becomes a file's name: what the tree says must be no path.
  if (!/^\d*$/.test(patch) || !/^[A-Za-z0-9._+-]{0,80}$/.test(extra))
    throw new DataError({
      where: { file },
      expected: 'a SUBLEVEL of digits and an EXTRAVERSION of letters, digits and ._+-',
      found: JSON.stringify(`${patch}${extra}`.slice(0, 80)),
    });
  return `${major}.${minor}${patch === '' || patch === '0' ? '' : `.${patch}`}${extra}`;
}

/** The length of `cpuid_config_leaves[]`, null where the header is not there. */
function readConfigLimit(tree: KernelTree): number | null {
  if (!tree.has(METADATA)) return null;
  const { tokens } = tree.unit(METADATA);
  const at = tokens.findIndex((token) => token.text === 'cpuid_config_leaves');
  const size = tokens[at + 2];
  if (at === -1 || tokens[at + 1]?.text !== '[' || size === undefined) return null;
  return Number(
    evaluateMacro(
      { name: 'cpuid_config_leaves', params: null, body: [size], line: size.line, conditions: [] },
      tree.scope(METADATA),
    ).value,
  );
}
