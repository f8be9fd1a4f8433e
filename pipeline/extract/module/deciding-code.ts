import { createHash } from 'node:crypto';
import type { CodeChange, DecidingFunction } from '../../model/decider-rules.ts';
import { KnownError } from '../../model/errors.ts';
import { compareTexts } from '../../model/order.ts';
import { skipBrackets } from '../c/cursor.ts';
import type { Token } from '../c/token.ts';
import { readUnit, type Unit } from '../c/unit.ts';
import type { RevisionFile } from './release.ts';

/** The code that decides what a TD's CPUID is; `null`: every function of the file, else those that are named. */
const DECIDING: ReadonlyMap<string, readonly string[] | null> = new Map([
  ['src/vmm_dispatcher/api_calls/tdh_mng_init.c', null],
  ['src/td_dispatcher/vm_exits/td_cpuid.c', null],
  ['src/common/helpers/cpuid_fms.c', null],
  [
    'src/common/helpers/helpers.c',
    [
      'get_cpuid_lookup_entry',
      'verify_td_attributes',
      'verify_td_config_flags',
      'check_xfam',
      'verify_and_set_td_eptp_controls',
      'td_immutable_state_cross_check',
      'complete_cpuid_handling',
      'check_cpuid_1f',
      'check_cpuid_1f_and_compute_cpuid_0b',
      'update_mutable_cpuid_flags',
    ],
  ],
  ['src/common/helpers/virt_msr_helpers.c', ['init_virt_ia32_arch_capabilities']],
  ['src/common/metadata_handlers/metadata_td.c', ['md_td_write_element']],
  ['src/vmm_dispatcher/api_calls/tdh_sys_init.c', ['check_cpuid_configurations', 'check_msrs', 'tdh_sys_init']],
  // The guest's XCR0, XSS and MSRs, under which a CPUID is answered, are loaded and left here.
  ['src/td_transitions/td_exit.c', null],
  ['src/td_transitions/tdh_vp_enter.c', null],
]);

/** Headers with the module's own numbers: what it allows, its limits and lists. Those of the CPU are no decisions, those of the CPUID tables are read with them. */
const HEADERS: readonly string[] = [
  'include/auto_gen/td_control_structures.h',
  'include/tdx_api_defs.h',
  'include/tdx_basic_defs.h',
  'src/common/data_structures/td_control_structures.h',
  'src/common/data_structures/tdx_global_data.h',
  'src/common/helpers/cpuid_fms.h',
  'src/common/helpers/helpers.h',
  'src/td_transitions/td_exit.h',
];

export const DECIDING_PATHS: readonly string[] = [...DECIDING.keys(), ...HEADERS];

/** What was read of the deciding code: each function with its tokens hashed, and files that could not be read. */
export type DecidingCode = {
  readonly functions: readonly DecidingFunction[];
  readonly unread: readonly { readonly path: string; readonly why: string }[];
};

/**
 * Reads the functions that decide, the objects beside them and the constants of headers that they use, in the order of paths and
 * names. What is no C is said, never left out in silence.
 */
export function readDecidingCode(files: ReadonlyMap<string, RevisionFile>): DecidingCode {
  const parts: Part[] = [];
  const unread: { path: string; why: string }[] = [];
  const units = (path: string): readonly Unit[] => {
    const file = files.get(path);
    try {
      return file === undefined ? [] : [readUnit(path, file.text)];
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      unread.push({ path, why: error.message });
      return [];
    }
  };
  for (const [path, names] of DECIDING) for (const unit of units(path)) parts.push(...partsOf(unit, names));
  const functions = [...parts, ...constantsOf(HEADERS.flatMap(units), parts)].map(
    ({ path, name, line, tokens }): DecidingFunction => ({ path, name, line, tokens: hashOf(tokens) }),
  );
  return {
    functions: functions.sort((a, b) => compareTexts(a.path, b.path) || compareTexts(a.name, b.name)),
    unread,
  };
}

/** A function, an object or a constant with its tokens. */
type Part = { readonly path: string; readonly name: string; readonly line: number; readonly tokens: readonly Token[] };

/** The functions of a file that decide; where all do, its objects too, such as the list of allowed CPU families. */
function partsOf({ file, tokens, functions, objects }: Unit, names: readonly string[] | null): readonly Part[] {
  const bodies = [...functions].flatMap(([name, definitions]) =>
    names !== null && !names.includes(name)
      ? []
      : definitions.map(({ line, open }, index) => ({
          path: file,
          // Branches of `#if` may define a function twice: each is one to compare.
          name: index === 0 ? name : `${name}#${index + 1}`,
          line,
          tokens: tokens.slice(open, skipBrackets(file, tokens, open)),
        })),
  );
  const values = [...objects.values()].map(({ name, line, start, value }) => ({
    path: file,
    name,
    line,
    tokens: tokens.slice(start, endOfValue(file, tokens, value)),
  }));
  return names === null ? [...bodies, ...values] : bodies;
}

/** The index behind an initialiser: its semicolon, or the comma before the next object. */
function endOfValue(file: string, tokens: readonly Token[], value: number): number {
  let at = value;
  for (;;) {
    const token = tokens[at];
    if (token === undefined || token.kind === 'end' || token.text === ';' || token.text === ',') return at;
    at = token.text === '{' || token.text === '(' || token.text === '[' ? skipBrackets(file, tokens, at) : at + 1;
  }
}

/** The constants and macros of headers that the code uses, itself or through another of them. */
function constantsOf(headers: readonly Unit[], code: readonly Part[]): readonly Part[] {
  const known = new Map<string, Part[]>();
  for (const { file, definitions } of headers)
    for (const [name, macros] of definitions) {
      const [first] = macros;
      if (first === undefined) continue;
      const part = { path: file, name, line: first.line, tokens: macros.flatMap(({ body }) => body) };
      known.set(name, [...(known.get(name) ?? []), part]);
    }
  const used = new Set<string>();
  const wanted = code.flatMap(({ tokens }) => namesIn(tokens));
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const parts = known.get(name);
    if (parts === undefined || used.has(name)) continue;
    used.add(name);
    wanted.push(...parts.flatMap(({ tokens }) => namesIn(tokens)));
  }
  return [...used].flatMap((name) => known.get(name) ?? []);
}

const namesIn = (tokens: readonly Token[]): string[] =>
  tokens.flatMap((token) => [...(token.kind === 'id' ? [token.text] : []), ...namesIn(token.tokens ?? [])]);

/** Twelve hex digits of the SHA-256 of the tokens: layout and comments do not count, every other character does. */
function hashOf(tokens: readonly Token[]): string {
  const hash = createHash('sha256');
  const add = (list: readonly Token[]): void => {
    for (const token of list) {
      hash.update(`${token.kind} ${token.text}\n`);
      if (token.tokens !== undefined) add(token.tokens);
    }
  };
  add(tokens);
  return hash.digest('hex').slice(0, 12);
}

/** What differs between the deciding code of two releases: nothing, where they are the same but for layout. */
export function compareDecidingCode(
  before: readonly DecidingFunction[],
  { functions, unread }: DecidingCode,
): readonly CodeChange[] {
  const key = ({ path, name }: { readonly path: string; readonly name: string }): string => `${path} ${name}`;
  const old = new Map(before.map((each) => [key(each), each]));
  const now = new Set(functions.map(key));
  return [
    ...functions.flatMap(({ path, name, line, tokens }): CodeChange[] => {
      const known = old.get(key({ path, name }));
      if (known?.tokens === tokens) return [];
      return [{ path, name, line, kind: known === undefined ? 'new' : 'changed' }];
    }),
    ...before
      .filter((each) => !now.has(key(each)) && !unread.some(({ path }) => path === each.path))
      .map(({ path, name }): CodeChange => ({ path, name, line: null, kind: 'gone' })),
    ...unread.map(({ path }): CodeChange => ({ path, name: null, line: null, kind: 'unread' })),
  ];
}
