import { hex, hex32 } from '../model/mask.ts';
import type { Place } from '../model/place.ts';
import type { QemuFacts, QemuGate, QemuMask, QemuWord } from '../model/qemu.ts';
import { type PlainReader, readPlain } from './plain.ts';
import type { PlainQemu } from './qemu-shape.ts';
import { yamlText } from './yaml-text.ts';

/** Reads one `specs/qemu/*.yaml`. Throws a DataError with line and column. */
export async function readQemuFile(file: string, text: string, reader: PlainReader): Promise<QemuFacts> {
  const load = async () => (await import('./qemu-shape.ts')).checkQemu;
  const plain = await readPlain<PlainQemu>('qemu', file, text, reader, load);
  return {
    version: plain.version,
    source: plain.source,
    fixed1: plain.fixed1.map(maskOf),
    supports: plain.supports.map((each) => ({ ...maskOf(each), isConditional: each.conditional })),
    threadBits: plain.threadBits.map(maskOf),
    gates: plain.gates.map((gate) => ({ gate: gate.gate as QemuGate['gate'], ...maskOf(gate) })),
    attributes: { ...plain.attributes, mask: BigInt(plain.attributes.mask) },
    xfam: { ...plain.xfam, mask: BigInt(plain.xfam.mask) },
    kvmFeatures: maskOf(plain.kvmFeatures),
    words: plain.words.map(wordOf),
  };
}

const placeOf = ({ leaf, subleaf, register }: PlainQemu['fixed1'][number] | PlainQemu['words'][number]): Place => ({
  leaf: Number(leaf),
  subleaf: subleaf === null ? null : Number(subleaf),
  register,
});
const maskOf = (plain: PlainQemu['fixed1'][number]): QemuMask => ({
  ...placeOf(plain),
  mask: Number(plain.mask),
  path: plain.path,
  line: plain.line,
});
const wordOf = (plain: PlainQemu['words'][number]): QemuWord => ({
  ...placeOf(plain),
  path: plain.path,
  line: plain.line,
  names: Object.entries(plain.names).map(([bit, name]) => ({ bit: Number(bit), name })),
  notAutomatic: Number(plain.notAutomatic),
});

/** The plain form of a QEMU version's facts, as the file and `extract qemu --json` show it. */
export function plainQemu(facts: QemuFacts): PlainQemu {
  const place = (each: Place) => ({
    leaf: hex(each.leaf),
    subleaf: each.subleaf === null ? null : hex(each.subleaf),
    register: each.register,
  });
  const mask = (each: QemuMask) => ({ ...place(each), mask: hex32(each.mask), path: each.path, line: each.line });
  return {
    version: facts.version,
    source: facts.source,
    fixed1: facts.fixed1.map(mask),
    supports: facts.supports.map((each) => ({ ...mask(each), conditional: each.isConditional })),
    threadBits: facts.threadBits.map(mask),
    gates: facts.gates.map((each) => ({ gate: each.gate, ...mask(each) })),
    attributes: { ...facts.attributes, mask: hex(facts.attributes.mask) },
    xfam: { ...facts.xfam, mask: hex(facts.xfam.mask) },
    kvmFeatures: mask(facts.kvmFeatures),
    words: facts.words.map((each) => ({
      ...place(each),
      path: each.path,
      line: each.line,
      notAutomatic: hex32(each.notAutomatic),
      names: Object.fromEntries(each.names.map(({ bit, name }) => [bit, name])),
    })),
  };
}

/** `specs/qemu/<version>.yaml`: what one QEMU version does with a TD's CPUID. */
export const qemuToYaml = (facts: QemuFacts): Promise<string> =>
  yamlText(plainQemu(facts), {
    comment:
      'What one QEMU version does with a TD’s CPUID, read by the program. Lines are those of the named revision.',
    blocks: ['source'],
    words: ['register'],
  });
