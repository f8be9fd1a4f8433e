import type { Command } from 'commander';
import { specsOf } from '../cases/context.ts';
import { findRelease } from '../cases/operand.ts';
import { compareTableWithAbi, type TableDifference } from '../diff/table-against-abi.ts';
import { readInput } from '../disk/read.ts';
import { readVirtualization } from '../extract/module/virtualization.ts';
import { EXIT } from '../model/errors.ts';
import { hex32 } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import { formatLeaf } from '../model/place.ts';
import { plain } from '../model/text.ts';
import { placeJson } from '../report/machine.ts';
import { namedBitsText } from '../report/places.ts';
import { gateText } from '../report/words/fact-words.ts';
import { wrap } from '../report/wrap.ts';
import { type CommandLine, type Context, type Opts, printAnswer } from './command-line.ts';

/** `bitwatch abi RELEASE FILE`. */
export function declare({ program, add, contextOf, done }: CommandLine): void {
  add(
    program,
    'abi <release> <file>',
    'a release’s tables against Intel’s cpuid_virtualization.json, bit by bit; 100 where they differ',
    ['bitwatch abi 1.5.06 cpuid_virtualization.json'],
  ).action(async (release: string, file: string, _opts: Opts, command: Command) =>
    done(await abiCommand(contextOf(command), release, file)),
  );
}

/** `bitwatch abi RELEASE FILE`: a release's tables against Intel's cpuid_virtualization.json, bit by bit. 100 where they differ. */
async function abiCommand(context: Context, name: string, file: string): Promise<number> {
  const specs = await specsOf(context);
  const release = findRelease(specs, name);
  const abi = readVirtualization(file, readInput(file));
  const { differences, comparedBits, openBits, gatesBeyondTable } = compareTableWithAbi(
    release.registers,
    abi,
    release.module.fixed0Leaves,
  );
  await printAnswer(context, {
    json: () => ({
      schema: 'bitwatch.abi/1',
      release: name,
      comparedBits,
      openBits,
      differences: differences.map(({ leaf, subleaf, register, mask, ...rest }) => ({
        ...placeJson({ leaf, subleaf, register }),
        mask: hex32(mask),
        ...rest,
      })),
      gatesBeyondTable: gatesBeyondTable.map(formatLeaf),
    }),
    text: () => {
      const lines = [
        ...wrap(
          `${differences.length} differences in ${comparedBits} compared bits; of ${openBits} bits the ABI table only says that a rule of their own applies`,
        ),
        ...differences.flatMap((difference) =>
          wrap(
            `${namedBitsText({ ...difference, bits: namedBits(specs.knowledge.names, difference, difference.mask) })}: ${differenceText(difference)}`,
            '* ',
          ),
        ),
        ...(gatesBeyondTable.length === 0
          ? []
          : wrap(
              `gates that the module's code applies and its tables do not hold, in leaves ${gatesBeyondTable.map(formatLeaf).join(', ')}`,
              '* ',
            )),
        ...abi.notes.flatMap((note) => wrap(plain(note), '* ')),
      ];
      return `${lines.join('\n')}\n`;
    },
  });
  return differences.length === 0 ? EXIT.clean : EXIT.findings;
}

function differenceText(difference: TableDifference): string {
  if (difference.kind === 'class')
    return `${difference.table} in the module's tables, ${difference.abi} in the ABI table`;
  if (difference.kind === 'gate')
    return `gated by ${gateText(difference.gate)} only in the ${difference.only === 'abi' ? 'ABI table' : "module's tables"}`;
  return `${difference.table} in the module's tables, not in the ABI table`;
}
