import { createHash } from 'node:crypto';
import type { CodeChange, DecidingFunction } from '../../model/decider-rules.ts';
import { KnownError } from '../../model/errors.ts';
import { compareTexts } from '../../model/order.ts';
import { skipBrackets } from '../c/cursor.ts';
import type { Token } from '../c/lex.ts';
import { readUnit } from '../c/unit.ts';
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
]);

export const DECIDING_PATHS: readonly string[] = [...DECIDING.keys()];

/** What was read of the deciding code: each function with its tokens hashed, and files that could not be read. */
export type DecidingCode = {
  readonly functions: readonly DecidingFunction[];
  readonly unread: readonly { readonly path: string; readonly why: string }[];
};

/** Reads the functions that decide, in the order of paths and names. What is no C is said, never left out in silence. */
export function readDecidingCode(files: ReadonlyMap<string, RevisionFile>): DecidingCode {
  const functions: DecidingFunction[] = [];
  const unread: { path: string; why: string }[] = [];
  for (const [path, names] of DECIDING) {
    const file = files.get(path);
    if (file === undefined) continue;
    try {
      functions.push(...functionsOf(path, file.text, names));
    } catch (error) {
      if (!(error instanceof KnownError)) throw error;
      unread.push({ path, why: error.message });
    }
  }
  return {
    functions: functions.sort((a, b) => compareTexts(a.path, b.path) || compareTexts(a.name, b.name)),
    unread,
  };
}

function functionsOf(path: string, text: string, names: readonly string[] | null): readonly DecidingFunction[] {
  const { functions, tokens } = readUnit(path, text);
  return [...functions].flatMap(([name, definitions]) =>
    names !== null && !names.includes(name)
      ? []
      : definitions.map(({ line, open }, index) => ({
          path,
          // Branches of `#if` may define a function twice: each is one to compare.
          name: index === 0 ? name : `${name}#${index + 1}`,
          line,
          tokens: hashOf(tokens.slice(open, skipBrackets(path, tokens, open))),
        })),
  );
}

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
