import type { Policy, PolicyMask } from '../model/policy.ts';
import { type PlainReader, readPlain } from './plain.ts';
import type { PlainPolicy } from './policy-shape.ts';

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
          disagreements: disagreements.map((each) => ({
            ...each,
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
