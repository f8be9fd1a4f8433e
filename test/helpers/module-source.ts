/** Source of a module release in the shapes of the field, made by the tests from their own values. */
export type TestEntry = {
  readonly leaf: string;
  readonly subleaf?: string;
  readonly fields?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly flags?: readonly string[];
  readonly config?: string;
};
export type TestConfigurable = {
  readonly leaf: string;
  readonly subleaf?: string;
  readonly direct?: Readonly<Record<string, string>>;
  readonly allow?: Readonly<Record<string, string>>;
  readonly lookup?: string;
};

const group = (masks: Readonly<Record<string, string>>): string =>
  `{ ${Object.entries(masks)
    .map(([register, mask]) => `.${register} = ${mask}`)
    .join(', ')} }`;

export type TestTables = {
  readonly lookup: readonly TestEntry[];
  readonly configurable: readonly TestConfigurable[];
  readonly xfam?: Readonly<Record<string, string>>;
  readonly format?: number;
};

/** `cpuid_configurations.c` with designated entries. */
export function tablesSource({ lookup, configurable, xfam = {}, format = 8 }: TestTables): string {
  const entry = (each: TestEntry, slot: number): string =>
    ` [${slot}] = { .leaf_subleaf = {.leaf = ${each.leaf}, .subleaf = ${each.subleaf ?? '0xffffffff'}},\n  .valid_entry = true,\n${(each.flags ?? []).map((flag) => `  .${flag} = true,\n`).join('')}${Object.entries(
      each.fields ?? {},
    )
      .map(([name, masks]) => `  .${name} = ${group(masks)},\n`)
      .join('')}  .config_index = ${each.config ?? 'CPUID_CONFIG_NULL_IDX'}\n  }`;
  const choice = (each: TestConfigurable, slot: number): string =>
    ` [${slot}] = { .leaf_subleaf = {.leaf = ${each.leaf}, .subleaf = ${each.subleaf ?? '0xffffffff'}},\n  .valid_entry = true,\n${each.direct === undefined ? '' : `  .config_direct = ${group(each.direct)},\n`}${each.allow === undefined ? '' : `  .allow_direct = ${group(each.allow)},\n`}  .lookup_index = ${each.lookup ?? '0'}\n  }`;
  return [
    `/**\n *  Spreadsheet Format Version - '${format}'\n **/`,
    '#include "auto_gen/cpuid_configurations.h"',
    `const cpuid_lookup_t cpuid_lookup[MAX_NUM_CPUID_LOOKUP] = {\n${lookup.map(entry).join(',\n')}\n};`,
    `const cpuid_configurable_t cpuid_configurable[MAX_NUM_CPUID_CONFIG] = {\n${configurable.map(choice).join(',\n')}\n};`,
    ...Object.entries(xfam).map(
      ([name, body]) => `const cpuid_config_return_values_t ${name}[XCR0_MAX_VALID_BIT + 1] = {\n${body}\n};`,
    ),
    '',
  ].join('\n');
}

export const definesSource = (lookup: number, config: number, more = ''): string =>
  `#define MAX_NUM_CPUID_LOOKUP ${lookup}\n#define MAX_NUM_CPUID_CONFIG ${config}\n#define CPUID_CONFIG_NULL_IDX    0xFFFFFFFF\n${more}`;

/** The files of a small release: one configurable leaf 7.1 and leaf 1. */
export function moduleFiles(
  allow: string,
  options: { readonly update?: number; readonly format?: number } = {},
): Readonly<Record<string, string>> {
  return {
    'include/auto_gen/cpuid_configurations.c': tablesSource({
      lookup: [
        {
          leaf: '0x7',
          subleaf: '0x1',
          fields: { fixed0_or_dynamic: { eax: `(~${allow} & 0xffff0000)`, ebx: '0xffffffff' }, fixed1: { ecx: '0x1' } },
          config: '0',
        },
        { leaf: '0x3', flags: ['faulting'] },
      ],
      configurable: [{ leaf: '0x7', subleaf: '0x1', allow: { eax: allow }, lookup: '0' }],
      xfam: { xfam_mask_0x7_0x1: '    [2]={ .eax = 0x10  } ,' },
      format: options.format ?? 8,
    }),
    'include/auto_gen/cpuid_configurations_defines.h': definesSource(2, 1),
    'proj_defs.mk': `PROJ_FLAGS += -DTDX_MODULE_MAJOR_VER=1\nPROJ_FLAGS += -DTDX_MODULE_MINOR_VER=5\nPROJ_FLAGS += -DTDX_MODULE_UPDATE_VER=${options.update ?? 6}\n`,
  };
}

/** The check of the registers that TDG.VP.VMCALL hands on, which every tree of a release with its code has. */
export const CHECKED_REGISTERS: Readonly<Record<string, string>> = {
  'include/tdx_api_defs.h':
    'typedef union control_u { struct { uint16_t low; uint16_t mid; uint32_t high; }; uint64_t raw; } control_t;',
  'src/td_dispatcher/vm_exits/tdg_vp_vmcall.c':
    'int tdg_vp_vmcall(uint64_t v)\n{\n control_t c = { .raw = v };\n if ((c.high != 0))\n { r = refuse(WRONG, OPERAND_ID_RCX); goto FAIL; }\nFAIL:\n return r;\n}',
};
