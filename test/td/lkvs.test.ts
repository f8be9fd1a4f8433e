import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { hasBit, rangeMask } from '../../pipeline/model/mask.ts';
import { REGISTERS } from '../../pipeline/model/place.ts';
import type { TdCase } from '../../pipeline/td/case.ts';
import { programOf } from '../../pipeline/td/program.ts';
import { computeTd } from '../../pipeline/td/td.ts';
import { shippedSpecs } from '../helpers/specs.ts';
import { fullCase } from '../helpers/td.ts';

const { BITWATCH_LKVS_REPO: clone = '' } = process.env;

const NAMES: readonly string[] = REGISTERS;

/** One expectation of BM/tdx-compliance: what a TD of these versions reads in some bits of a register. */
type Expectation = {
  readonly text: string;
  readonly leaf: number;
  readonly subleaf: number;
  readonly register: number;
  readonly mask: number;
  readonly value: number;
  readonly versions: string;
  /** It stands for a guest that sets REDUCE_VE. */
  readonly reduced: boolean;
};

/** Reads the expectations of the header; nothing of it is kept. */
function expectations(header: string): readonly Expectation[] {
  return [...header.matchAll(/^\s+EXP_CPUID_(BIT|BYTE|RES_BITS)(_CTL)?\((0x.*)\);/gm)].map(
    ([, kind = '', ctl, args = '']) => {
      const parts = args.split(',').map((part) => part.trim());
      const [leaf = '', subleaf = '', register = '', first = '', second = ''] = parts;
      const control = ctl === undefined ? '' : (parts.at(-2) ?? '');
      const mask = kind === 'BYTE' ? 0xffffffff : rangeMask(Number(kind === 'BIT' ? first : second), Number(first));
      return {
        text: args.replace(/\s+/g, ' '),
        leaf: Number(leaf),
        subleaf: Number(subleaf),
        register: NAMES.indexOf(register.toLowerCase()),
        mask,
        value: kind === 'BYTE' ? Number(first) : kind === 'BIT' && Number(second) !== 0 ? mask : 0,
        versions: parts.find((part) => part.includes('VER')) ?? '',
        reduced:
          control !== '' &&
          (/REDUCE/.test(control) ||
            hasBit(Number(control.replace(/^BIT(?:_ULL)?\((\d+)\)$/, (_, bit) => `${2 ** Number(bit)}`)), 3)),
      };
    },
  );
}

/** TDs with everything and with nothing, by each guest that the expectations know. */
function* cases(base: TdCase, reduced: boolean): Generator<TdCase> {
  for (const cpuidConfig of [base.params.cpuidConfig, []])
    for (const attributes of [0n, (1n << 63n) | (1n << 30n)])
      for (const configFlags of [0n, 8n])
        for (const on of [true, false])
          for (const featureParavirtCtrl of [0n, 0xfffn])
            yield {
              ...base,
              params: { ...base.params, cpuidConfig, attributes, configFlags, xfam: on ? base.params.xfam : 3n },
              guest: {
                ...base.guest,
                featureParavirtCtrl,
                osxsave: on,
                pke: on,
                tdControls: new Map(base.guest.tdControls).set('REDUCE_VE', reduced),
              },
            };
}

const RELEASES = [
  ['1.5.06', 'VER1_5'],
  ['1.5.34', 'VER1_5'],
  ['2.0.18', 'VER2_0'],
] as const;

test.skipIf(clone === '').each(RELEASES)(
  'every CPUID expectation of intel/lkvs for a TD agrees with %s (skipped without BITWATCH_LKVS_REPO)',
  async (name, version) => {
    const header = execFileSync(
      'git',
      [`--git-dir=${clone}`, 'show', 'HEAD:BM/tdx-compliance/tdx-compliance-cpuid.h'],
      { encoding: 'utf8' },
    );
    const specs = await shippedSpecs();
    const release = specs.releases.find(({ module }) => module.release === name);
    const rules = specs.deciders.get(name);
    if (release === undefined || rules === undefined) throw new Error(`no facts of ${name}`);
    const program = programOf(release.module, rules);
    const canReduce = rules.limits.tdControls.includes('REDUCE_VE');
    const wanted = expectations(header).filter(({ versions }) => versions.includes(version));
    expect(wanted.length).toBeGreaterThan(150);
    const queries = wanted.map(({ leaf, subleaf }) => ({ leaf, subleaf }));
    const base = { ...fullCase(release), queries };
    const read = (reduced: boolean) =>
      [...cases(base, reduced)].map((question) => computeTd(program, question).results.map(({ answer }) => answer));
    const answers = { plain: read(false), reduced: canReduce ? read(true) : [] };
    const differing = wanted.filter(({ register, mask, value, reduced }, index) =>
      (reduced ? answers.reduced : [...answers.plain, ...answers.reduced]).every((answer) => {
        const found = answer[index];
        return found === undefined || found === 've' || (((found[register] ?? 0) ^ value) & mask) !== 0;
      }),
    );
    // What docs/lkvs.md explains: the tag names no release, and REDUCE_VE came with 1.5.09.
    const explained = ({ leaf, reduced, register, mask }: Expectation): boolean =>
      !canReduce &&
      (reduced ||
        [6, 9, 0xc].includes(leaf) ||
        (leaf === 1 && register === 3 && (mask & 0x5080) !== 0) ||
        (leaf === 7 && register === 3 && mask === 0x40000000));
    expect(differing.filter((each) => !explained(each)).map(({ text }) => text)).toEqual([]);
    expect(differing.length > 0).toBe(!canReduce);
  },
);

test('expectations are read from their macros', () => {
  const header =
    '\tEXP_CPUID_BIT(0x7, 0x1, eax, 6, 1, VER1_5 | VER2_0);\t// a word\n\tEXP_CPUID_RES_BITS(0x8, 0x0, ebx, 4, 7, VER1_0);\n\tEXP_CPUID_BYTE_CTL(0x6, 0, ecx, 0x9, VER1_5, BIT_ULL(3), 0xbad);\n';
  expect(expectations(header)).toMatchObject([
    { leaf: 7, subleaf: 1, register: 0, mask: 0x40, value: 0x40, reduced: false },
    { leaf: 8, subleaf: 0, register: 1, mask: 0xf0, value: 0 },
    { leaf: 6, register: 2, mask: 0xffffffff, value: 9, versions: 'VER1_5', reduced: true },
  ]);
});
