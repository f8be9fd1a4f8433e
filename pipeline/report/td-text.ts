import { beyondTables } from '../model/beyond-tables.ts';
import type { ClassedRelease } from '../model/class.ts';
import { constantText } from '../model/constant-text.ts';
import { deciderOfBit } from '../model/decider.ts';
import type { BitName } from '../model/field.ts';
import { bitsOf, formatBits, hex32 } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import { formatLeaf, formatPlace, type Place, REGISTERS } from '../model/place.ts';
import { plain } from '../model/text.ts';
import type { TdCase } from '../td/case.ts';
import type { Decoded } from '../td/decode.ts';
import { processorOf } from '../td/host.ts';
import type { KvmResult } from '../td/kvm.ts';
import type { Program } from '../td/program.ts';
import type { Refusal } from '../td/refusal.ts';
import type { TdResult } from '../td/td.ts';
import { beyondWords, deciderWords } from './decider-words.ts';
import { hex64 } from './td-json.ts';
import { wrap } from './wrap.ts';

/** A release as it runs and as it is told. */
type ToldRelease = {
  readonly program: Program;
  readonly release: ClassedRelease;
  readonly names: readonly BitName[];
};

/** What a person reads of a case: whether the TD comes to be, and each leaf that differs from the host with who decided. */
export function tdText({ program, release, names }: ToldRelease, question: TdCase, result: TdResult): string {
  const lines = [...headLines(program.release, result)];
  if (result.td !== null) {
    const processor = processorOf(question.host);
    const differing = result.results.flatMap(({ query, answer }) => {
      const index = program.find(query.leaf, query.subleaf);
      const row = program.rows[index];
      const key = { leaf: query.leaf, subleaf: row === undefined ? query.subleaf : row.subleaf };
      if (answer === 've') return [`  ${formatLeaf(key)}: #VE`];
      const lines = REGISTERS.flatMap((register, at) =>
        registerLines(
          { ...key, register },
          { host: processor.cpuid(query.leaf, query.subleaf)[at] ?? 0, value: answer[at] ?? 0 },
          release,
          names,
        ),
      );
      const text = constantText(release, { ...key, register: 'ebx' });
      return lines.length === 0 || text === null ? lines : [...lines, `    the text “${text}”, the same in every TD`];
    });
    lines.push(
      ...(differing.length === 0
        ? ['Every leaf reads as on the host.']
        : ['What differs from the host:', ...differing]),
    );
  }
  return `${lines.join('\n')}\n`;
}

function headLines(release: string, result: TdResult): readonly string[] {
  const { platform, refusal, status } = result;
  if (platform?.stops != null) return wrap(`TDX module ${release} would stop this platform: ${platform.stops}.`);
  if (platform?.refusal != null)
    return [`TDX module ${release} does not start on this host.`, ...refusalLines(platform.refusal, status ?? 0n)];
  if (refusal !== null)
    return [`TDX module ${release}: TDH.MNG.INIT refuses the TD.`, ...refusalLines(refusal, status ?? 0n)];
  const refused = result.controlsRefused;
  return [
    `TDX module ${release}: TDH.MNG.INIT makes the TD.`,
    ...(refused === null ? [] : wrap(`The guest’s write of TD_CTLS is refused: ${refused}.`)),
  ];
}

function refusalLines({ check, leaf, subleaf, register, mask }: Refusal, status: bigint): readonly string[] {
  const place =
    leaf === null
      ? ''
      : `leaf ${formatLeaf({ leaf, subleaf })}${register === null ? '' : ` ${register.toUpperCase()}`}`;
  const bits = mask === null ? '' : `, bits ${formatBits(mask)} (${hex32(mask)})`;
  return [
    ...wrap(`${hex64(status)}, ${check.code}${operandWords(check)}`, '  '),
    ...(place === '' ? [] : wrap(`${place}${bits}`, '  ')),
    ...wrap(`${check.why}.`, '  '),
  ];
}

const operandWords = ({ operandName, operand }: Refusal['check']): string =>
  operandName !== null ? `, ${operandName}` : operand === null ? '' : `, 0x${operand.toString(16)}`;

/** A register that differs: both values, and the bits by who decided them. */
function registerLines(
  place: Place,
  { host, value }: { readonly host: number; readonly value: number },
  release: ClassedRelease,
  names: readonly BitName[],
): readonly string[] {
  const differs = (host ^ value) >>> 0;
  if (differs === 0) return [];
  const known = release.registers.find(
    (each) => each.leaf === place.leaf && each.subleaf === place.subleaf && each.register === place.register,
  );
  const head = `  ${formatPlace(place).padEnd(16)} host ${hex32(host)}  TD ${hex32(value)}`;
  // Letters are told as text, not bit by bit.
  if (constantText(release, place) !== null) return [head];
  const byWords = new Map<string, number>();
  for (const bit of bitsOf(differs)) {
    const words =
      known === undefined ? beyondText(release, place, bit) : deciderWords(deciderOfBit(place, known.deciders, bit));
    byWords.set(words, ((byWords.get(words) ?? 0) | (1 << bit)) >>> 0);
  }
  return [
    head,
    ...[...byWords].flatMap(([words, mask]) => {
      const told = [...new Set(namedBits(names, place, mask).flatMap(({ name }) => (name === null ? [] : [name])))];
      return wrap(plain(`${formatBits(mask)}${told.length === 0 ? '' : ` ${told.join(', ')}`}: ${words}`), '    ');
    }),
  ];
}

/** Of a leaf that the tables lack what the code makes of it. */
function beyondText(release: ClassedRelease, place: Place, bit: number): string {
  const beyond = beyondTables(release, place, bit);
  return `not in the release’s tables${beyond === null ? '' : `; ${beyondWords(beyond)}`}`;
}

/** What KVM did with a case before the module saw it. */
export const kvmText = (version: string, through: KvmResult): string =>
  `${(
    through.kind === 'refused'
      ? wrap(plain(`KVM ${version}: KVM_TDX_INIT_VM refuses the TD: ${through.why}.`))
      : [`KVM ${version} sets:`, ...through.set.flatMap((each) => wrap(each, '  '))]
  ).join('\n')}\n`;

/** A status that somebody got, in words: the call, the operand, the leaf, and the bits that this release lets no VMM set. */
export function decodedText(release: string, { status, checks, leaf, subleaf, notSettable }: Decoded): string {
  const [check] = checks;
  if (status === 0n)
    return `${wrap(`${hex64(status)}, TDX_SUCCESS: TDX module ${release} refuses nothing.`).join('\n')}\n`;
  if (check === undefined)
    return `${wrap(`${hex64(status)}: no check of TDH.MNG.INIT or of the start of TDX module ${release} that is known here ends so.`).join('\n')}\n`;
  const lines = [
    ...wrap(`${hex64(status)}, ${check.code}${operandWords(check)}: TDX module ${release}`),
    ...checks.flatMap(({ why }, index) => wrap(`${index === 0 ? '' : 'or '}${why}`, '  ')),
  ];
  if (leaf !== null && notSettable !== null) {
    lines.push(`  RCX names leaf ${formatLeaf({ leaf, subleaf })}; this release lets no VMM set there:`);
    for (const [index, register] of REGISTERS.entries())
      lines.push(
        ...wrap(
          `${register.toUpperCase()} ${hex32(notSettable[index] ?? 0)} ${formatBits(notSettable[index] ?? 0)}`,
          '    ',
        ),
      );
  }
  return `${lines.join('\n')}\n`;
}
