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
    ...names.map(
      (name) =>
        `  - ${flow([
          ['leaf', quoted(hex(name.leaf))],
          ['subleaf', name.subleaf === null ? 'null' : quoted(hex(name.subleaf))],
          ['register', name.register],
          ['high', `${name.high}`],
          ['low', `${name.low}`],
          ['name', quoted(name.name)],
        ])}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}
