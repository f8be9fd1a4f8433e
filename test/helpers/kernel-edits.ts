/** A function of a C file with its head and body, as it stands there; empty where the file has none of that name. */
export function functionText(text: string, name: string): string {
  const head = new RegExp(`^(?!\\s)[^;{}#/]*\\b${name}\\((?=[^;]*?\\)\\s*\\{)`, 'm').exec(text);
  if (head === null) return '';
  const end = text.indexOf('\n}\n', head.index);
  return text.slice(head.index, end + 3);
}

const REGISTERS = ['eax', 'ebx', 'ecx', 'edx'];
const LEAVES = ['1', '4', '7', '0x14', '0x80000008', '0x99'];
const MASKS = [
  'BIT(0)',
  'BIT(4)',
  '0x80000000',
  '0xff00ff',
  '0x810',
  '~0u',
  '0',
  '~BIT(31)',
  '0x20',
  'GENMASK(23, 16)',
];
const CASTS = ['(u8)', '(s32)', '(u16)', '(u32)', '(u64)', '(s8)', '(s64)', '(bool)'];

/** One of a list by a number of any size. */
const pick = <T>(list: readonly T[], by: number): T | undefined => list[by % Math.max(list.length, 1)];

/** Statements that stand on lines of their own, by index of their line. */
const statementLines = (lines: readonly string[]): readonly number[] =>
  lines.flatMap((line, at) => (/^\t+(?!(?:const|struct|u32|u64|int|bool)\b)[^/*{}]*;$/.test(line) ? [at] : []));

/** What a developer, or a slip, may put between two statements. */
function added([kind, a, b, c]: Choice): string {
  const register = pick(REGISTERS, a);
  const mask = pick(MASKS, b);
  const leaf = pick(LEAVES, c);
  const statements = [
    `entry->${register} |= ${mask};`,
    `entry->${register} &= ${mask};`,
    `entry->${register} &= ~(${mask});`,
    `entry->${register} = 0;`,
    `entry->${register} = ${pick(CASTS, b)}entry->${register};`,
    `entry->${register} ^= ${mask};`,
    'entry->index = 0;',
    `entry->index = ${b % 3};`,
    `entry->function = ${leaf};`,
    `if (entry->function == ${leaf})\n\t\tentry->${register} |= ${mask};`,
    `if (entry->function == ${leaf})\n\t\tentry->${register} &= ~(u32)(${mask});`,
    `if (entry->function == ${leaf} && entry->index == ${b % 3})\n\t\tentry->${register} = 0;`,
    `if (entry->function == ${leaf} && (entry->${register} & ${mask}))\n\t\tentry->${register} &= 0xffff;`,
    `if (entry->${register} & BIT(${b % 32}))\n\t\tentry->${pick(REGISTERS, c)} &= ~BIT(${a % 32});`,
    `if (entry->index == ${b % 3})\n\t\treturn;`,
    `entry->${register} >>= 1;`,
    `entry->${register} += 1;`,
    `swap(entry->${register}, entry->${pick(REGISTERS, b)});`,
    `if (entry->function != ${leaf})\n\t\treturn;`,
    `memset(&entry->eax, 0, 4 * sizeof(u32));`,
    `entry->${register} = entry->${pick(REGISTERS, b)};`,
    `switch (entry->function) {\n\tcase ${leaf}:\n\t\tentry->${register} &= ${mask};\n\t\tbreak;\n\tdefault:\n\t\tentry->${register} &= ~BIT(7);\n\t}`,
  ];
  return `\t${pick(statements, kind)}`;
}

/** Rewritings of one place: of each, all places where it fits are known, and one is taken. */
const REWRITES: readonly (readonly [RegExp, readonly string[]])[] = [
  [/\be[abcd]x\b/g, REGISTERS],
  [/&&/g, ['||']],
  [/\|\|/g, ['&&', '|']],
  [/==/g, ['!=']],
  [/&= ~/g, ['&= ', '|= ', '= ~', '^= ']],
  [/~(?=[\w(])/g, ['', '-', '!']],
  [/>> 32\b/g, ['>> 31', '>> 16', '', '>> 33', '<< 1 >> 33']],
  [/\[[01]\](?=;| >>)/g, ['[0]', '[1]']],
  [/\(u32\)/g, ['', ...CASTS]],
  [/= (?=td_conf|entry->)/g, CASTS.map((cast) => `= ${cast}`)],
  [/\bif \((?=[a-z!])/g, ['if (!', 'if (true || ', 'if (false && ']],
  [/\breturn -EINVAL;/g, ['return 0;', 'return 1;', 'continue;', 'return -1;', 'break;']],
  [/\bcontinue;/g, ['break;', 'return -EINVAL;', 'return 0;']],
  [/\breturn (?=[a-z])/g, ['return !', 'return 1 && ', 'return 0 || ', 'return (u8)']],
  [/X86_FEATURE_\w+/g, ['X86_FEATURE_FSGSBASE', 'X86_FEATURE_SMEP', 'X86_FEATURE_PKU', 'X86_FEATURE_HLE']],
  [/\b(?:0x80000008|7)\b/g, LEAVES],
  [/(?<=index == )0\b/g, ['1', '2', 'entry->function', '(u8)0x100']],
  [/\b0xff\b/g, ['0xf', '0', '0x1ff', '-1']],
  [/GENMASK\(23, 16\)/g, ['GENMASK(24, 16)', 'GENMASK(23, 15)', 'GENMASK(31, 16)', '0xff0000u']],
  [/\btmp\.(?=function|index)/g, ['entry->']],
  [/\bentry->(?=function\b)/g, ['entry->index + entry->', '(u16)entry->', '(u64)entry->']],
  [/\(entry\)(?=\)|;)/g, ['(&(struct kvm_cpuid_entry2){ .function = 7 })', '((struct kvm_cpuid_entry2 *)entry)']],
  [/\bi\)(?=;)/g, ['0)', 'i + 0)']],
  [/\bif \((?=entry->function)/g, ['if (entry->index == 0 && ', 'if (entry->eax && ']],
];

/** Four numbers that choose an edit. */
export type Choice = readonly [number, number, number, number];

/** The text with one edit of the kind and at the place that a choice gives. */
export function edited(text: string, choice: Choice): string {
  const [form, a, b, c] = choice;
  const lines = text.split('\n');
  const statements = statementLines(lines);
  const at = pick(statements, a) ?? 0;
  const second = statements.find((line) => line > at) ?? at;
  switch (form % 8) {
    case 0:
    case 1:
      return lines.toSpliced(at + (a % 2), 0, added([b, c, a, b + c])).join('\n');
    case 2:
      return lines.toSpliced(at, 1, `${/^\t+/.exec(lines[at] ?? '')?.[0] ?? ''};`).join('\n');
    case 3:
      return lines
        .with(at, lines[second] ?? '')
        .with(second, lines[at] ?? '')
        .join('\n');
    default: {
      const [pattern, values] = REWRITES[b % REWRITES.length] ?? [/$^/g, []];
      const places = [...text.matchAll(pattern)];
      const place = pick(places, a);
      if (place === undefined) return text;
      return `${text.slice(0, place.index)}${pick(values, c) ?? ''}${text.slice(place.index + place[0].length)}`;
    }
  }
}
