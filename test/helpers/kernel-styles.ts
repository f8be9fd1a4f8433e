import type { Register } from '../../pipeline/model/place.ts';
import { WORDS } from './kernel-tree.ts';

/** A mask of a register, as a filter allows or denies it. */
export type StyledMask = {
  readonly leaf: number;
  readonly index: number;
  readonly register: Register;
  readonly mask: number;
};
export type Style = {
  readonly masks: readonly StyledMask[];
  readonly isAllowing: boolean;
  readonly table: keyof typeof TABLES;
  readonly use: keyof typeof USES;
  readonly number: keyof typeof NUMBERS;
};

const bitsOf = (mask: number): readonly number[] =>
  [...Array(32).keys()].filter((bit) => ((BigInt(mask) >> BigInt(bit)) & 1n) === 1n);
const hex = (mask: number): string => `0x${mask.toString(16)}`;
const reg = (register: Register): string => `CPUID_${register.toUpperCase()}`;

/** Ways to write a number. */
export const NUMBERS = {
  hex,
  unsigned: (mask: number) => `${mask}u`,
  bits: (mask: number) =>
    mask === 0
      ? '0'
      : `(${bitsOf(mask)
          .map((bit) => `BIT(${bit})`)
          .join(' | ')})`,
  shifts: (mask: number) =>
    mask === 0
      ? '0'
      : `(${bitsOf(mask)
          .map((bit) => `(1u << ${bit})`)
          .join(' | ')})`,
  inverse: (mask: number) => `(~${hex(Number(BigInt.asUintN(32, ~BigInt(mask))))}u)`,
  halves: (mask: number) => `(${hex(Math.floor(mask / 65536))}u << 16 | ${hex(mask % 65536)})`,
};
type Write = (mask: number) => string;

const WORD_NAMES = Object.entries(WORDS);
/** The word of a place, where the tree has one. */
const wordOf = ({ leaf, index, register }: StyledMask): string | undefined =>
  WORD_NAMES.find(([, [fn, subleaf, name]]) => Number(fn) === leaf && subleaf === index && name === reg(register))?.[0];

const rows = (masks: readonly StyledMask[], write: Write): string =>
  masks
    .map(({ leaf, index, register, mask }) => `\t{ ${hex(leaf)}, ${index}, ${reg(register)}, ${write(mask)} },\n`)
    .join('');
const ROW = 'struct row { u32 function, index; int reg; u32 mask; };\n';
const HEAD = 'static u32 mask_of(const struct kvm_cpuid_entry2 *entry, int reg)\n{\n';
const throughWords = (table: string): string => `${HEAD}	int i;

	for (i = 0; i < ARRAY_SIZE(reverse_cpuid); i++)
		if (reverse_cpuid[i].function == entry->function && reverse_cpuid[i].index == entry->index &&
		    reverse_cpuid[i].reg == reg)
			return ${table}[i];
	return 0;
}
`;
type Table = { readonly needsWords?: true; readonly write: (masks: readonly StyledMask[], write: Write) => string };
const each = (masks: readonly StyledMask[], of: (mask: StyledMask, at: number) => string): string =>
  masks.map(of).join('');

/** Ways to keep masks: each gives `mask_of(entry, reg)`. */
export const TABLES = {
  conditions: {
    write: (masks, write) =>
      `${HEAD}${each(masks, (own) => `\tif (entry->function == ${hex(own.leaf)} && entry->index == ${own.index} && reg == ${reg(own.register)})\n\t\treturn ${write(own.mask)};\n`)}\treturn 0;\n}\n`,
  },
  'nested switches': {
    write: (masks, write) => {
      const leaves = [...new Set(masks.map(({ leaf }) => leaf))];
      return `${HEAD}\tu32 mask = 0;\n\n\tswitch (entry->function) {\n${leaves
        .map((leaf) => {
          const own = masks.filter((one) => one.leaf === leaf);
          const indexes = [...new Set(own.map(({ index }) => index))];
          return `\tcase ${hex(leaf)}:\n\t\tswitch (entry->index) {\n${indexes
            .map(
              (index) =>
                `\t\tcase ${index}:\n${each(
                  own.filter((one) => one.index === index),
                  (one) => `\t\t\tmask |= reg == ${reg(one.register)} ? ${write(one.mask)} : 0;\n`,
                )}\t\t\tbreak;\n`,
            )
            .join('')}\t\t}\n\t\tbreak;\n`;
        })
        .join('')}\tdefault:\n\t\tbreak;\n\t}\n\treturn mask;\n}\n`;
    },
  },
  'rows and for': {
    write: (masks, write) => `${ROW}static const struct row rows[] = {\n${rows(masks, write)}};
${HEAD}	u32 mask = 0;

	for (int i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].function == entry->function && rows[i].index == entry->index && rows[i].reg == reg)
			mask |= rows[i].mask;
	return mask;
}
`,
  },
  'rows up to an empty one': {
    write: (masks, write) => `${ROW}static const struct row rows[] = {\n${rows(masks, write)}\t{ }\n};
${HEAD}	const struct row *row = rows;

	while (row->function) {
		if (row->function == entry->function && row->index == entry->index && row->reg == reg)
			return row->mask;
		row++;
	}
	return 0;
}
`,
  },
  'rows between pointers': {
    write: (masks, write) => `${ROW}${HEAD}	static const struct row rows[] = {\n${rows(masks, write)}\t};
	const struct row *row;

	for (row = rows; row < &rows[ARRAY_SIZE(rows)]; ++row) {
		if (row->function != entry->function || row->index != entry->index)
			continue;
		if (row->reg == reg)
			goto found;
	}
	return 0;
found:
	return row->mask;
}
`,
  },
  'keys compared whole': {
    write: (masks, write) => `struct key { u32 function, index; };
struct row { struct key key; int reg; u32 mask; };
static const struct row rows[] = {
${each(masks, (own) => `\t{ .key = { ${hex(own.leaf)}, ${own.index} }, .reg = ${reg(own.register)}, .mask = ${write(own.mask)} },\n`)}};
${HEAD}	int i = 0;

	do {
		struct key key = { entry->function, entry->index };

		if (!memcmp(&rows[i].key, &key, sizeof(key)) && rows[i].reg == reg)
			return rows[i].mask;
	} while (++i < ARRAY_SIZE(rows));
	return 0;
}
`,
  },
  'leaf and sub-leaf in one number': {
    write: (masks, write) =>
      `${HEAD}\tu64 key = (u64)entry->index << 32 | entry->function;\n\n${each(masks, (own) => `\tif (key == ${hex(own.index * 2 ** 32 + own.leaf)}ull && reg == ${reg(own.register)})\n\t\treturn ${write(own.mask)};\n`)}\treturn 0;\n}\n`,
  },
  'designators by word': {
    needsWords: true,
    write: (masks, write) =>
      `static const u32 table[NR_CPUID_WORDS] = {\n${each(masks, (own) => `\t[${wordOf(own)}] = ${write(own.mask)},\n`)}};\n${throughWords('table')}`,
  },
  'filled by an init function': {
    needsWords: true,
    write: (masks, write) =>
      `static u32 table[NR_CPUID_WORDS];\nstatic void fill_table(void)\n{\n\tmemset(table, 0xff, sizeof(table));\n\tmemset(table, 0, sizeof(table));\n${each(masks, (own) => `\ttable[${wordOf(own)}] = ${write(own.mask)};\n`)}}\n${throughWords('table')}`,
  },
  'cap-init macro': {
    needsWords: true,
    write: (masks) =>
      `static u32 table[NR_CPUID_WORDS];
#define table_init(word, masks...)			\\
do {							\\
	const u32 all[] = { masks };			\\
	u32 mask = 0;					\\
	int i;						\\
							\\
	for (i = 0; i < ARRAY_SIZE(all); i++)		\\
		mask |= all[i];				\\
	table[word] = mask;				\\
} while (0)
static void fill_table(void)
{
${each(
  masks,
  (own) =>
    `\ttable_init(${wordOf(own)},\n${bitsOf(own.mask)
      .map((bit) => `\t\tBIT(${bit}),\n`)
      .join('')}\t\t0\n\t);\n`,
)}}
${throughWords('table')}`,
  },
  'overlay for TDs': {
    needsWords: true,
    write: (masks, write) =>
      `enum { FOR_VM, FOR_TD, NR_KINDS };
static u32 table[NR_KINDS][NR_CPUID_WORDS];
static void fill_table(void)
{
${each(masks, (own) => `\ttable[FOR_VM][${wordOf(own)}] = ~0u;\n`)}	memcpy(table[FOR_TD], table[FOR_VM], sizeof(table[FOR_TD]));
${each(masks, (own) => `\ttable[FOR_TD][${wordOf(own)}] &= ${write(own.mask)};\n`)}}
${throughWords('table[FOR_TD]')}`,
  },
  'masks in a struct': {
    write: (masks, write) => `struct masks { u32 eax, ebx, ecx, edx; };
static struct masks masks_of(u32 function, u32 index)
{
	struct masks masks = { };

${each(masks, (own) => `\tif (function == ${hex(own.leaf)} && index == ${own.index})\n\t\tmasks.${own.register} = ${write(own.mask)};\n`)}	return masks;
}
${HEAD}	const struct masks masks = masks_of(entry->function, entry->index);
	const u32 *mask = &masks.eax;

	return mask[reg];
}
`,
  },
  'rules by mode': {
    write: (masks, write) => `struct rule { u32 function, index; int reg; int mode; u32 mask; };
#define ONLY(bits) 2, bits
#define RULE(fn, index, reg, bits) { fn, index, reg, 2, bits }
#define NOTHING { 0, 0, 0, 1 }
static const struct rule rules[] = {
	NOTHING,
${each(masks, (own) => `\tRULE(${hex(own.leaf)}, ${own.index}, ${reg(own.register)}, ${write(own.mask)}),\n`)}};
${HEAD}	int i;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		if (rules[i].mode == 1 || rules[i].reg != reg)
			continue;
		if (rules[i].function == entry->function && rules[i].index == entry->index)
			break;
	}
	return i == ARRAY_SIZE(rules) ? 0 : rules[i].mask;
}
`,
  },
} as const satisfies Readonly<Record<string, Table>>;

const REGISTERS = ['eax', 'ebx', 'ecx', 'edx'] as const;
const all = (of: (register: Register) => string): string => REGISTERS.map(of).join('');
const HIDE = 'static void hide(struct kvm_cpuid_entry2 *entry)\n{\n';
const REFUSES = 'static bool refuses(const struct kvm_cpuid_entry2 *entry)\n{\n';
const onCopy = (differs: string): string =>
  `${REFUSES}\tstruct kvm_cpuid_entry2 kept = *entry;\n\n\thide(&kept);\n\treturn ${differs};\n}\n`;

/** Ways to use the masks: `kept` is the bits of a register that stay, `bad` those that are refused. */
export const USES = {
  'each register': (kept: Write2, bad: Write2) =>
    `${HIDE}${all((one) => `\tentry->${one} &= ${kept(reg(one))};\n`)}}\n${REFUSES}\treturn ${REGISTERS.map((one) => `(entry->${one} & ${bad(reg(one))})`).join(' || ')};\n}\n`,
  'one number for all': (kept: Write2, bad: Write2) =>
    `${HIDE}${all((one) => `\tentry->${one} = entry->${one} & ${kept(reg(one))};\n`)}}\n${REFUSES}\tu32 found = 0;\n\n${all((one) => `\tfound |= entry->${one} & ${bad(reg(one))};\n`)}\treturn found != 0;\n}\n`,
  'a copy compared': (kept: Write2) =>
    `${HIDE}${all((one) => `\tentry->${one} &= ${kept(reg(one))};\n`)}}\n${onCopy(REGISTERS.map((one) => `kept.${one} != entry->${one}`).join(' || '))}`,
  'a copy compared whole': (kept: Write2) =>
    `${HIDE}\tu32 regs[4];\n\tint i;\n\n\tmemcpy(regs, &entry->eax, sizeof(regs));\n\tfor (i = 0; i < ARRAY_SIZE(regs); i++)\n\t\tregs[i] &= ${kept('i')};\n\tmemcpy(&entry->eax, regs, sizeof(regs));\n}\n${onCopy('!!memcmp(&kept, entry, sizeof(kept))')}`,
  'pointers to registers': (kept: Write2, bad: Write2) =>
    `${HIDE}\tu32 *regs[] = { &entry->eax, &entry->ebx, &entry->ecx, &entry->edx };\n\tint i;\n\n\tfor (i = 0; i < 4; i++)\n\t\t*regs[i] &= ${kept('i')};\n}\n${REFUSES}\tconst u32 *own = &entry->eax;\n\tint i;\n\n\tfor (i = 0; i < 4; i++, own++)\n\t\tif (*own & ${bad('i')})\n\t\t\treturn true;\n\treturn false;\n}\n`,
  'an error code': (kept: Write2, bad: Write2) =>
    `${HIDE}${all((one) => `\tentry->${one} &= ${kept(reg(one))};\n`)}}\nstatic int check(const struct kvm_cpuid_entry2 *entry)\n{\n\tint ret = 0;\n\n${all((one) => `\tif (entry->${one} & ${bad(reg(one))}) {\n\t\tpr_debug("${one}\\n");\n\t\tret = -EINVAL;\n\t\tgoto out;\n\t}\n`)}out:\n\treturn ret;\n}\n${REFUSES}\treturn check(entry) < 0;\n}\n`,
};
type Write2 = (register: string) => string;

/** The masks that a style can write: tables by word know the words of the tree alone. */
export function masksOf({ masks, table }: Style): readonly StyledMask[] {
  const isByWord = 'needsWords' in TABLES[table];
  return masks.filter((own) => !isByWord || wordOf(own) !== undefined);
}

/** A filter's functions in a style. */
export function filterIn(style: Style): string {
  const mask = (register: string): string => `mask_of(entry, ${register})`;
  const inverse = (register: string): string => `~${mask(register)}`;
  const text = TABLES[style.table].write(masksOf(style), NUMBERS[style.number]);
  return `${text}${style.isAllowing ? USES[style.use](mask, inverse) : USES[style.use](inverse, mask)}`;
}
