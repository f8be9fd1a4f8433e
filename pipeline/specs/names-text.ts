import type { BitName } from '../model/knowledge.ts';
import { hex } from '../model/mask.ts';
import type { Source } from '../model/source.ts';
import { flow, quoted } from './yaml-text.ts';

/** `specs/names.yaml`: names of CPUID bits and fields with the files that they were read from. */
export function namesToYaml(names: readonly BitName[], sources: readonly Source[]): string {
  const lines = [
    '# Names of CPUID bits and fields, read by the program: features by the kernel’s names, fields by those of kcpuid.',
    'source:',
    ...sources.map(
      (source) =>
        `  - ${flow([
          ['repository', quoted(source.repository)],
          ['revision', quoted(source.revision)],
          ['path', quoted(source.path)],
          ['blob', source.blob === null ? 'null' : quoted(source.blob)],
        ])}`,
    ),
    'names:',
    ...runsOf(names).map(
      ({ last, ...name }) =>
        `  - ${flow([
          ['leaf', quoted(hex(name.leaf))],
          ['subleaf', name.subleaf === null ? 'null' : quoted(hex(name.subleaf))],
          ...(last === null || last === name.subleaf ? [] : [['lastSubleaf', quoted(hex(last))] as const]),
          ['register', name.register],
          ['high', `${name.high}`],
          ['low', `${name.low}`],
          ['name', quoted(name.name)],
        ])}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

type Run = BitName & { readonly last: number | null };

/** Names that successive sub-leaves share, as one with its last sub-leaf: one layout is one row. */
function runsOf(names: readonly BitName[]): readonly Run[] {
  const open = new Map<string, number>();
  const runs: Run[] = [];
  for (const name of names) {
    const key = `${name.leaf} ${name.register} ${name.high}:${name.low} ${name.name}`;
    const at = open.get(key);
    const run = at === undefined ? undefined : runs[at];
    if (at !== undefined && run !== undefined && name.subleaf !== null && run.last === name.subleaf - 1)
      runs[at] = { ...run, last: name.subleaf };
    else {
      open.set(key, runs.length);
      runs.push({ ...name, last: name.subleaf });
    }
  }
  return runs;
}
