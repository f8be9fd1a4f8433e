import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT } from './helpers/run.ts';

/** The stages in the order of the data; a file may import its own stage and those before it. */
const ORDER = [
  'model',
  'extract',
  'disk',
  'git',
  'archive',
  'td',
  'specs',
  'diff',
  'judge',
  'cases',
  'report',
  'deliver',
  'commands',
] as const;
/** A stage may be left out of what a later one sees: reading stands at the ends. */
const PURE = new Set(['model', 'extract', 'td', 'diff', 'judge', 'report']);

const pipeline = join(ROOT, 'pipeline');
const files = readdirSync(pipeline, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .sort();
const importsOf = (file: string): readonly string[] =>
  [...readFileSync(join(pipeline, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
    ([, name]) => name ?? '',
  );
const stageOf = (file: string): string => file.split('/')[0] ?? '';

test('imports point one way', () => {
  const wrong = files.flatMap((file) =>
    importsOf(file).flatMap((name) => {
      if (!name.startsWith('.')) return [];
      const target = relative(pipeline, join(pipeline, dirname(file), name));
      const [from, to] = [
        ORDER.indexOf(stageOf(file) as (typeof ORDER)[number]),
        ORDER.indexOf(stageOf(target) as (typeof ORDER)[number]),
      ];
      return file === 'cli.ts' || (from >= to && to >= 0) ? [] : [`${file} -> ${target}`];
    }),
  );
  expect(wrong).toEqual([]);
});

/** The mail reader's worker is a process of its own, and has its environment from who started it. */
const WORKERS = new Set(['archive/worker.ts']);

test('only cli.ts touches process, and pure stages read nothing', () => {
  const touching = files.filter(
    (file) =>
      file !== 'cli.ts' &&
      !WORKERS.has(file) &&
      /(?<![\w'/.])process\.(?!pid\b)/.test(readFileSync(join(pipeline, file), 'utf8').replace(/NodeJS\.\w+/g, '')),
  );
  expect(touching).toEqual([]);
  const reading = files.filter(
    (file) =>
      PURE.has(stageOf(file)) && importsOf(file).some((name) => /^node:(fs|child_process|net|http|https)/.test(name)),
  );
  expect(reading).toEqual([]);
});

test('no clock, locale or chance enters', () => {
  const wrong = files.filter(
    (file) =>
      file !== 'cli.ts' &&
      /\bDate\.now\(|new Date\(|localeCompare|toLocale|Intl\.|Math\.random/.test(
        readFileSync(join(pipeline, file), 'utf8'),
      ),
  );
  expect(wrong).toEqual([]);
});
