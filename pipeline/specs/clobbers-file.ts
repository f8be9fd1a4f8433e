import type { ClobberFacts, MsrTransition, Opener } from '../model/clobber.ts';
import type { RegisterCheck } from '../model/register-mask.ts';
import type { PlainClobbers } from './clobbers-shape.ts';
import { type PlainReader, readPlain } from './plain.ts';

/** Reads one `specs/clobbers/*.yaml`. Throws a DataError with line and column. */
export async function readClobbersFile(file: string, text: string, reader: PlainReader): Promise<ClobberFacts> {
  const plain = await readPlain<PlainClobbers>(
    'clobbers',
    file,
    text,
    reader,
    async () => (await import('./clobbers-shape.ts')).checkClobbers,
  );
  return {
    release: plain.release,
    source: plain.source,
    flags: plain.flags.map((flag) => ({ ...flag, openers: flag.openers.map(opener) })),
    ...(plain.registerChecks.length === 0 ? {} : { registerChecks: plain.registerChecks.map(check) }),
    msrs: plain.msrs.map(transition),
    notes: plain.notes,
  };
}

function check(plain: PlainClobbers['registerChecks'][number]): RegisterCheck {
  const conditional = plain.conditional.map((part) => ({ ...part, mustBeClear: BigInt(part.mustBeClear) }));
  return { ...plain, mustBeSet: BigInt(plain.mustBeSet), mustBeClear: BigInt(plain.mustBeClear), conditional };
}

function transition(plain: PlainClobbers['msrs'][number]): MsrTransition {
  const { range, class: name, exitValue, keepsBits, by, learnt, ...rest } = plain;
  return {
    ...rest,
    ...(range === undefined ? {} : { range }),
    ...(name === undefined ? {} : { class: name }),
    ...(exitValue === undefined ? {} : { exitValue }),
    ...(keepsBits === undefined ? {} : { keepsBits }),
    ...(by === undefined ? {} : { by }),
    ...(learnt === undefined ? {} : { learnt }),
    address: plain.address === null ? null : Number(plain.address),
    openers: plain.openers.map(opener),
  };
}

function opener(plain: PlainClobbers['msrs'][number]['openers'][number]): Opener {
  if (plain.kind !== 'cpuid') return plain;
  return {
    ...plain,
    leaf: Number(plain.leaf),
    subleaf: plain.subleaf === null ? null : Number(plain.subleaf),
    mask: Number(plain.mask),
  };
}
