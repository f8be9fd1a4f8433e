import type { Cell } from '../extract/markdown/document.ts';
import type { Bad } from '../extract/markdown/table.ts';
import type { Cpuid2Facts, Cpuid2Question, Cpuid2Site } from '../model/cpuid2.ts';
import { msrsCell } from './clobbers-table.ts';
import { type PlainReader, readPlain } from './plain.ts';
import { yamlText } from './yaml-text.ts';

/** Reads one `specs/cpuid2/*.yaml`. Throws a DataError with line and column. */
export const readCpuid2File = (file: string, text: string, reader: PlainReader): Promise<Cpuid2Facts> =>
  readPlain<Cpuid2Facts>('cpuid2', file, text, reader, async () => (await import('./cpuid2-shape.ts')).checkCpuid2);

/** `file function word`, with ` call` where the word need not stand in a condition. */
function site(text: string, bad: Bad): Cpuid2Site {
  const [, path = '', name = '', word = '', call] = /^([\w/]+\.c) (\w+) (\w+)( call)?$/.exec(text.trim()) ?? [];
  if (word === '') throw bad('a file, a function and a word in it, such as cpuid.c kvm_check_cpuid vaddr_bits');
  return { path, function: name, word, isCall: call !== undefined };
}

/** ` / ` parts alternatives, ` + ` what has to be there together. */
const sites = (cell: Cell, bad: Bad): readonly Cpuid2Site[] => cell.text.split(' / ').map((text) => site(text, bad));
const guards = (cell: Cell, bad: Bad): Cpuid2Question['guards'] =>
  cell.text.trim() === 'none'
    ? []
    : cell.text.split(' / ').map((all) => all.split(' + ').map((text) => site(text, bad)));

const said = (cell: Cell, bad: Bad): string => {
  if (cell.text.trim() === '') throw bad('a text');
  return cell.text;
};

/** `specs/cpuid2.md`, whose table is read by people. */
export async function readCpuid2Questions(
  file: string,
  markdown: string,
  reader: PlainReader,
): Promise<readonly Cpuid2Question[]> {
  const known = reader.cached('cpuid2-questions', markdown);
  if (known !== undefined) return known as readonly Cpuid2Question[];
  const { readTable } = await import('../extract/markdown/table.ts');
  const rows = readTable(file, markdown, {
    columns: {
      id: { title: 'Question', parse: said },
      asks: { title: 'Asks', parse: sites },
      guards: { title: 'Guard', parse: guards },
      about: {
        title: 'About',
        parse: (cell, bad) => {
          const about = (['host', 'guest', 'kvm'] as const).find((each) => each === cell.text.trim());
          if (about === undefined) throw bad('one of host, guest, kvm');
          return about;
        },
      },
      msrs: { title: 'MSRs of the host', parse: msrsCell },
      decides: { title: 'Decides', parse: said },
      differs: { title: 'Where the two differ', parse: said },
      source: { title: 'Source', parse: said },
    },
  }).map(({ id, asks, guards, about, msrs, decides, differs }) => ({
    id,
    asks,
    guards,
    about,
    msrs,
    decides,
    differs,
  }));
  reader.parsed('cpuid2-questions', markdown, rows);
  return rows;
}

/** `specs/cpuid2/<version>.yaml`: where one kernel asks. */
export const cpuid2ToYaml = (facts: Cpuid2Facts): Promise<string> =>
  yamlText(facts, {
    comment:
      'Where one kernel asks what KVM_SET_CPUID2 said of a vCPU, by the questions of specs/cpuid2.md, read by the program.',
    blocks: ['source'],
  });
