import type { ClobberFacts, EntrySite, Learnt, MsrTransition, Opener } from '../model/clobber.ts';
import { hex, hex32 } from '../model/mask.ts';
import { compareTexts } from '../model/order.ts';
import type { RegisterCheck } from '../model/register-mask.ts';
import type { PlainClobbers } from './clobbers-shape.ts';
import { type PlainReader, readPlain } from './plain.ts';
import { yamlText } from './yaml-text.ts';

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

/** `specs/clobbers/<release>.yaml`: how one release leaves the registers that it writes on the way into a TD. */
export const clobbersToYaml = (facts: ClobberFacts): Promise<string> =>
  yamlText(plainClobbers(facts), {
    comment:
      'How one module release leaves the registers that it writes on the way into a TD. Lines are those of the revision; null is not known.',
    blocks: ['source', 'msrs'],
    rows: ['entry', 'exitAt'],
    words: ['exit', 'by', 'how', 'kind', 'register'],
  });

const plainClobbers = ({
  release,
  source,
  flags = [],
  registerChecks = [],
  msrs,
  notes,
}: ClobberFacts): PlainClobbers => ({
  release,
  source: { repository: source.repository, revision: source.revision, path: source.path, blob: source.blob },
  flags: flags.map(({ flag, path, line, openers }) => ({ flag, path, line, openers: openers.map(plainOpener) })),
  registerChecks: registerChecks.map(plainCheck),
  msrs: [...msrs]
    .sort((a, b) => compareTexts(a.msr, b.msr) || compareTexts(a.guard ?? '', b.guard ?? ''))
    .map(plainTransition),
  notes: [...notes],
});

const plainCheck = (check: RegisterCheck): PlainClobbers['registerChecks'][number] => ({
  interface: check.interface,
  register: check.register,
  mustBeSet: hex(check.mustBeSet),
  mustBeClear: hex(check.mustBeClear),
  conditional: check.conditional.map(({ condition, mustBeClear }) => ({ condition, mustBeClear: hex(mustBeClear) })),
  path: check.path,
  line: check.line,
});

const plainTransition = (item: MsrTransition): PlainClobbers['msrs'][number] => ({
  msr: item.msr,
  address: item.address === null ? null : hex(item.address),
  ...(item.range === undefined ? {} : { range: item.range }),
  ...(item.class === undefined ? {} : { class: item.class }),
  guard: item.guard,
  exit: item.exit,
  ...(item.exitValue === undefined ? {} : { exitValue: item.exitValue }),
  ...(item.keepsBits === undefined ? {} : { keepsBits: item.keepsBits }),
  ...(item.by === undefined ? {} : { by: item.by }),
  ...(item.learnt === undefined
    ? {}
    : { learnt: { entry: plainLearnt(item.learnt.entry), exit: plainLearnt(item.learnt.exit) } }),
  reason: item.reason,
  openers: item.openers.map(plainOpener),
  entry: item.entry.map(plainSite),
  exitAt: item.exitAt.map(plainSite),
});

const plainLearnt = (way: Learnt) =>
  way.how === 'inferred' ? { how: way.how, from: [...way.from] } : { how: way.how };

const plainSite = ({ path, line, guards }: EntrySite) => ({ path, line, guards: [...guards] });

const plainOpener = (item: Opener): PlainClobbers['msrs'][number]['openers'][number] =>
  item.kind === 'cpuid'
    ? {
        kind: item.kind,
        leaf: hex(item.leaf),
        subleaf: item.subleaf === null ? null : hex(item.subleaf),
        register: item.register,
        mask: hex32(item.mask),
        flag: item.flag,
      }
    : { kind: item.kind, bit: item.bit, name: item.name };
