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
/** Where a run starts: at the command line, and as an action. */
const STARTS: ReadonlySet<string> = new Set(['cli.ts', 'action.ts']);
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
      return STARTS.has(file) || (from >= to && to >= 0) ? [] : [`${file} -> ${target}`];
    }),
  );
  expect(wrong).toEqual([]);
});

/** The mail reader's worker is a process of its own, and has its environment from who started it. */
const WORKERS = new Set(['archive/worker.ts']);

test('only a start touches process, and pure stages read nothing', () => {
  const touching = files.filter(
    (file) =>
      !STARTS.has(file) &&
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

/** Values only: a type of another file leaves nothing behind when the program runs. */
const valuesOf = (file: string): readonly string[] =>
  [...readFileSync(join(pipeline, file), 'utf8').matchAll(/^(?:import|export) (?!type )([^;]*?)from '(\.[^']+)';/gm)]
    .filter(([, names = '']) => !/^\{\s*(?:type \w+(?: as \w+)?,?\s*)+\}\s*$/.test(names))
    .map(([, , name = '']) => relative(pipeline, join(pipeline, dirname(file), name)));

test('no files import each other in a circle, types included', () => {
  const targetsOf = (file: string): readonly string[] =>
    importsOf(file).flatMap((name) =>
      name.startsWith('.') ? [relative(pipeline, join(pipeline, dirname(file), name))] : [],
    );
  const after = new Map(files.map((file) => [file, targetsOf(file)]));
  // What is left when files that import nothing of what is left are taken away, again and again, lies on or above a circle.
  for (let size = -1; size !== after.size; ) {
    size = after.size;
    for (const [file, targets] of after) if (!targets.some((target) => after.has(target))) after.delete(file);
  }
  expect([...after.keys()]).toEqual([]);
});

/** What a file brings with it when it is loaded: files and packages, without what is loaded later. */
const loadedBy = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const name of valuesOf(file)) loadedBy(name, seen);
  return seen;
};

test('a case of td loads little: no reader of YAML, C or mail, no git, no judge', () => {
  const loaded = [...loadedBy('commands/run.ts'), ...loadedBy('commands/td.ts')];
  const packages = loaded.flatMap((file) =>
    [
      ...readFileSync(join(pipeline, file), 'utf8').matchAll(/^import (?!type )[^;]*? from '(?!node:)([^.'][^']*)';/gm),
    ].map(([, name]) => name),
  );
  expect([...new Set(packages)]).toEqual(['commander']);
  const heavy = /^(?:archive|diff|extract|judge|report\/html)\/|^git\/(?!temporary\.ts$)/;
  expect(loaded.filter((file) => heavy.test(file))).toEqual([]);
  expect(new Set(loaded).size).toBeLessThan(70);
});

test('no room has more than 40 files, and commands no more than 25', () => {
  const rooms = new Map<string, number>();
  for (const file of files) rooms.set(dirname(file), (rooms.get(dirname(file)) ?? 0) + 1);
  const most = (room: string): number => (room === 'commands' ? 25 : 40);
  expect([...rooms].filter(([room, count]) => count > most(room))).toEqual([]);
});

test('each word of the command line names the file that declares it', () => {
  const declared = files.flatMap((file) => {
    const text = file.startsWith('commands/') ? readFileSync(join(pipeline, file), 'utf8') : '';
    const name = file.slice('commands/'.length, -'.ts'.length);
    return [...text.matchAll(/(?:\(\s*program,|\bgroup\()\s*'(\w+)/g)].map(([, word = '']) =>
      word === name ? `${word}: () => import('./${name}.ts')` : `${word}: '${name}'`,
    );
  });
  const words = readFileSync(join(pipeline, 'commands', 'run.ts'), 'utf8');
  expect(declared.length).toBeGreaterThan(20);
  expect(declared.filter((each) => !words.includes(`  ${each},`))).toEqual([]);
});

const PAGE = readFileSync(join(ROOT, 'docs', 'architecture.md'), 'utf8');

test('the picture of the stages shows the imports, all of them and no other', () => {
  const picture = /```mermaid\nflowchart LR\n(.*?)```/s.exec(PAGE)?.[1] ?? '';
  const drawn = [...picture.matchAll(/^ *(\w+) --> (.+)$/gm)].flatMap(([, from = '', list = '']) =>
    list.split(' & ').map((to) => `${from} -> ${to}`),
  );
  const real = files.flatMap((file) =>
    importsOf(file).flatMap((name) => {
      if (!name.startsWith('.') || STARTS.has(file)) return [];
      const from = stageOf(relative(pipeline, join(pipeline, dirname(file), name)));
      return from === stageOf(file) ? [] : [`${from} -> ${stageOf(file)}`];
    }),
  );
  expect(drawn.sort()).toEqual([...new Set(real)].sort());
});

test('each way goes through files that its commands reach, and enters no room twice', () => {
  const reached = (start: string, seen = new Set<string>()): ReadonlySet<string> => {
    if (seen.has(start)) return seen;
    seen.add(start);
    for (const name of importsOf(start))
      if (name.startsWith('.')) reached(relative(pipeline, join(pipeline, dirname(start), name)), seen);
    return seen;
  };
  const ways = [...PAGE.matchAll(/<!-- way: (.*?) -->\n(.*?)<!-- end -->/gs)];
  expect(ways).toHaveLength(2);
  for (const [, commands = '', list = ''] of ways) {
    const way = [...list.matchAll(/^\d+\. `([^`]+)`/gm)].map(([, file = '']) => file);
    const all = new Set(commands.split(' ').flatMap((command) => [...reached(command)]));
    expect(way.filter((file) => !all.has(file))).toEqual([]);
    const rooms = way.map(stageOf).filter((room, index, list) => room !== list[index - 1]);
    expect(rooms).toEqual([...new Set(rooms)]);
  }
});

/** What changes a disk, and the files that may: one stage for all, git's own repositories, and a log that a workflow names. */
const WRITING =
  /\b(?:appendFile|chmod|chown|copyFile|cp|createWriteStream|link|mkdir|mkdtemp|rename|rm|rmdir|symlink|truncate|unlink|writeFile|writeSync)(?:Sync)?\b/;
const WRITERS = /^(?:disk|git)\/|^deliver\/(?:actions\/files|journal|mail\/outbox)\.ts$/;

test('only the stage for it writes, replaces or removes files', () => {
  const writing = files.filter((file) => {
    const text = readFileSync(join(pipeline, file), 'utf8');
    const imports = [...text.matchAll(/import \{([^}]*)\} from 'node:fs(?:\/promises)?'/g)].map(([, names]) => names);
    return !WRITERS.test(file) && imports.some((names) => WRITING.test(names ?? ''));
  });
  expect(writing).toEqual([]);
});
