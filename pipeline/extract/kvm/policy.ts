import { DataError } from '../../model/errors.ts';
import { comparePlaces } from '../../model/place.ts';
import type { Generation, Policy } from '../../model/policy.ts';
import { evaluateMacro } from '../c/evaluate.ts';
import { ATTRIBUTES_TEXT, readAttributes } from './attributes.ts';
import { readFeatures } from './features.ts';
import { FILTER_TEXT } from './filter.ts';
import { readFilter } from './generation.ts';
import { KNOWN_TEXT, readKnown } from './known.ts';
import { oneMeaning } from './meaning.ts';
import { meaningsOf } from './meanings.ts';
import { readRequirements } from './requirements.ts';
import { RESTORES_TEXT, readRestores } from './restores.ts';
import { HEADERS, type KernelTree, TDX_PATH } from './tree.ts';
import { readConfigFlags, readVmcallCheck } from './vmcall.ts';
import { namedXfam, readXfam, readXfamChanges, VMX_PATH, X86_PATH, XFAM_TEXT } from './xfam.ts';

const METADATA = 'arch/x86/include/asm/tdx_global_metadata.h';
const CPUID = 'arch/x86/kvm/cpuid.c';

/** What one kernel revision does with a TD's CPUID bits. Throws a DataError for what it does not recognise, never guesses. */
export function readPolicy(tree: KernelTree, version: string): Policy {
  const features = tree.once('features', HEADERS, () => readFeatures(tree));
  const meanings = (names: ReadonlySet<string>): string =>
    tree.once(`meanings ${[...names].join(' ')}`, HEADERS, () => meaningsOf(tree, features, names));
  const filter = tree.onceOf({
    name: 'filter',
    path: TDX_PATH,
    about: FILTER_TEXT,
    meanings,
    compute: (part) => readFilter({ unit: part, scope: tree.scope(TDX_PATH), features, path: TDX_PATH }),
    move: (found, lineOf) => ({
      generation: found.generation,
      deny: movedLines(found.deny, lineOf),
      allow: movedLines(found.allow, lineOf),
      adds: movedLines(found.adds, lineOf),
      notes: found.notes,
    }),
  });
  const scope = tree.scope(TDX_PATH);
  const own = tree.once('xfam', [X86_PATH, VMX_PATH, ...HEADERS], () => readXfam(tree));
  const changes = tree.onceOf({
    name: 'xfam of a TD',
    path: TDX_PATH,
    about: XFAM_TEXT,
    meanings,
    compute: (part) => readXfamChanges(part, oneMeaning(part, scope)),
    move: (found) => found,
  });
  const attributes = tree.onceOf({
    name: 'attributes',
    path: TDX_PATH,
    about: ATTRIBUTES_TEXT,
    meanings,
    compute: (part) => readAttributes(part, oneMeaning(part, scope)),
    move: (found) => found,
  });
  const known = tree.onceOf({
    name: 'known',
    path: CPUID,
    about: KNOWN_TEXT,
    meanings,
    compute: (part) => readKnown(part, features),
    move: movedLines,
  });
  const xfam = namedXfam(own, changes);
  const configLimit = readConfigLimit(tree);
  const { requirements, notes: missing } = readRequirements(tree, {
    attributes: attributes.mask,
    xfam: xfam.mask,
    configLimit,
  });
  const vmcall = readVmcallCheck(tree.unit(TDX_PATH), scope);
  return {
    version,
    source: {
      repository: tree.repository,
      revision: tree.revision,
      path: TDX_PATH,
      blob: tree.file(TDX_PATH)?.blob ?? null,
    },
    ...filter,
    // What KVM supports of a feature is what it has a capability for, with what it adds for TDs.
    allow: filter.generation === 'supported-cpuid' ? [...filter.allow, ...known].sort(comparePlaces) : filter.allow,
    attributes: attributes.mask,
    xfam: xfam.names,
    restores: tree.onceOf({
      name: 'restores',
      path: TDX_PATH,
      about: RESTORES_TEXT,
      meanings: () => '',
      compute: readRestores,
      move: movedLines,
    }),
    configLimit,
    requires: requirements,
    configFlags: readConfigFlags(tree.unit(TDX_PATH), scope),
    ...(vmcall === null ? {} : { vmcall }),
    known,
    notes: [...filter.notes, ...xfam.notes, ...attributes.notes, ...missing, ...generationNotes(filter.generation)],
  };
}

/** What a reader of an older generation's verdicts has to know. */
const generationNotes = (generation: Generation): readonly string[] =>
  generation === 'mask'
    ? ['KVM drops what user space sets beyond the configurable bits, and refuses nothing']
    : generation === 'supported-cpuid'
      ? ['bits of registers that KVM fills from the host, and has no capabilities for, are judged by its fix-ups alone']
      : [];

const movedLines = <T extends { readonly line: number }>(
  items: readonly T[],
  lineOf: (line: number) => number,
): readonly T[] => items.map((item) => ({ ...item, line: lineOf(item.line) }));

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
