import { hex, hex32 } from '../model/mask.ts';
import { compareTexts } from '../model/order.ts';
import { comparePlaces } from '../model/place.ts';
import type { Policy, PolicyMask } from '../model/policy.ts';
import { type PlainReader, readPlain } from './plain.ts';
import type { PlainPolicy } from './policy-shape.ts';
import { yamlText } from './yaml-text.ts';

/** Reads one `specs/kvm/*.yaml`. Throws a DataError with line and column. */
export async function readPolicyFile(file: string, text: string, reader: PlainReader): Promise<Policy> {
  const plain = await readPlain<PlainPolicy>(
    'policy',
    file,
    text,
    reader,
    async () => (await import('./policy-shape.ts')).checkPolicy,
  );
  const { upstream, base, disagreements, requires, configFlags, vmcall, ...rest } = plain;
  return {
    ...rest,
    ...(upstream === undefined ? {} : { upstream }),
    ...(base === undefined ? {} : { base }),
    ...(disagreements === undefined
      ? {}
      : {
          disagreements: disagreements.map(({ everySubleafBut, ...each }) => ({
            ...each,
            ...(everySubleafBut === undefined ? {} : { everySubleafBut: everySubleafBut.map(Number) }),
            leaf: each.leaf === null ? null : Number(each.leaf),
            subleaf: each.subleaf === null ? null : Number(each.subleaf),
            mask: Number(each.mask),
          })),
        }),
    ...(requires === undefined
      ? {}
      : { requires: requires.map((each) => ('mask' in each ? { ...each, mask: BigInt(each.mask) } : each)) }),
    ...(configFlags === undefined
      ? {}
      : { configFlags: configFlags.map((each) => ({ ...each, mask: BigInt(each.mask) })) }),
    ...(vmcall === undefined ? {} : { vmcall: { ...vmcall, mask: vmcall.mask === null ? null : BigInt(vmcall.mask) } }),
    attributes: BigInt(plain.attributes),
    xfam: typeof plain.xfam === 'string' ? BigInt(plain.xfam) : plain.xfam,
    deny: plain.deny.map(mask),
    allow: plain.allow.map(mask),
    adds: plain.adds.map(mask),
    known: plain.known.map(mask),
  };
}

const mask = ({ everySubleafBut, ...plain }: PlainPolicy['deny'][number]): PolicyMask => ({
  ...plain,
  leaf: Number(plain.leaf),
  subleaf: plain.subleaf === null ? null : Number(plain.subleaf),
  mask: Number(plain.mask),
  ...(everySubleafBut === undefined ? {} : { everySubleafBut: everySubleafBut.map(Number) }),
});

/** `specs/kvm/<version>.yaml`: what one KVM version does, extracted by the program or declared by hand. */
export const policyToYaml = (policy: Policy): Promise<string> =>
  yamlText(plainPolicy(policy), {
    comment:
      'What one KVM version does with a TD’s CPUID bits, read by the program. Lines are those of the named revision.',
    blocks: ['source', 'upstream', 'base'],
    lines: ['xfam'],
    words: ['generation', 'proof', 'kind', 'check', 'register'],
  });

function plainPolicy(policy: Policy): PlainPolicy {
  const { source, upstream, base, disagreements, requires, configFlags, vmcall } = policy;
  return {
    version: policy.version,
    source: { repository: source.repository, revision: source.revision, path: source.path, blob: source.blob },
    ...(upstream === undefined ? {} : { upstream: { proof: upstream.proof, because: upstream.because } }),
    ...(base === undefined ? {} : { base: { release: base.release, because: base.because } }),
    generation: policy.generation,
    attributes: hex(policy.attributes),
    xfam: typeof policy.xfam === 'bigint' ? hex(policy.xfam) : [...policy.xfam],
    configLimit: policy.configLimit,
    deny: plainMasks(policy.deny),
    allow: plainMasks(policy.allow),
    adds: plainMasks(policy.adds),
    restores: [...policy.restores]
      .sort((a, b) => compareTexts(a.msr, b.msr))
      .map(({ msr, by, path, line }) => ({ msr, by, path, line })),
    ...(disagreements === undefined ? {} : { disagreements: disagreements.map(plainDisagreement) }),
    ...(requires === undefined ? {} : { requires: requires.map(plainRequirement) }),
    ...(configFlags === undefined
      ? {}
      : { configFlags: configFlags.map(({ mask: flags, path, line }) => ({ mask: hex(flags), path, line })) }),
    ...(vmcall === undefined
      ? {}
      : {
          vmcall: {
            check: vmcall.check,
            mask: vmcall.mask === null ? null : hex(vmcall.mask),
            path: vmcall.path,
            line: vmcall.line,
          },
        }),
    notes: [...policy.notes],
    known: plainMasks(policy.known),
  };
}

const plainNumber = (value: number | null): string | null => (value === null ? null : hex(value));

const plainMasks = (entries: readonly PolicyMask[]): PlainPolicy['deny'] =>
  [...entries]
    .sort((a, b) => comparePlaces(a, b) || compareTexts(a.path, b.path) || a.line - b.line)
    .map((entry) => ({
      leaf: hex(entry.leaf),
      subleaf: plainNumber(entry.subleaf),
      register: entry.register,
      mask: hex32(entry.mask),
      path: entry.path,
      line: entry.line,
      ...plainEvery(entry),
    }));

const plainEvery = ({ everySubleafBut }: Pick<PolicyMask, 'everySubleafBut'>): { everySubleafBut?: string[] } =>
  everySubleafBut === undefined ? {} : { everySubleafBut: everySubleafBut.map((subleaf) => hex(subleaf)) };

const plainDisagreement = (
  each: NonNullable<Policy['disagreements']>[number],
): NonNullable<PlainPolicy['disagreements']>[number] => ({
  kind: each.kind,
  leaf: plainNumber(each.leaf),
  subleaf: plainNumber(each.subleaf),
  register: each.register,
  mask: hex32(each.mask),
  shown: { path: each.shown.path, line: each.shown.line },
  setUp: { path: each.setUp.path, line: each.setUp.line },
  ...plainEvery(each),
});

const plainRequirement = (
  each: NonNullable<Policy['requires']>[number],
): NonNullable<PlainPolicy['requires']>[number] =>
  each.kind === 'config-slots'
    ? { kind: each.kind, limit: each.limit, path: each.path, line: each.line }
    : { kind: each.kind, mask: hex(each.mask), path: each.path, line: each.line };
