import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startGithub, TOKEN } from '../helpers/github-server.ts';
import { git, temporaryFolder } from '../helpers/repository.ts';
import { ROOT } from '../helpers/run.ts';
import { type RunResult, runWorkflow } from './runner.ts';
import { standInNpm } from './stand-ins.ts';

/** The program as the build makes it, compiled now: a test must not run an old one. */
export function compileProgram(folder: string): string {
  const dist = join(folder, 'dist');
  const options = [
    '-p',
    'tsconfig.build.json',
    '--outDir',
    dist,
    '--incremental',
    'false',
    '--tsBuildInfoFile',
    'null',
  ];
  execFileSync(join(ROOT, 'node_modules', '.bin', 'tsc'), options, { cwd: ROOT });
  return dist;
}

/** What a synthetic repository of the project looks at. */
export type Watched = { readonly source: string; readonly list: string | null };

/** Specifications with one release, and these sources. */
export function smallSpecs(target: string, { source, list }: Watched): void {
  cpSync(join(ROOT, 'specs'), target, { recursive: true });
  for (const kind of ['modules', 'clobbers'])
    for (const file of readdirSync(join(target, kind))) if (file !== '1.5.06.yaml') rmSync(join(target, kind, file));
  const lists =
    list === null
      ? '[]'
      : `[{name: l, address: l@example.org, url: ${JSON.stringify(list)}, optIn: false, epochs: [0]}]`;
  writeFileSync(
    join(target, 'sources.yaml'),
    `sources:\n  - {name: example, kind: module, url: ${JSON.stringify(source)}, repository: example/module, licence: MIT}\nlists: ${lists}\n`,
  );
}

/** The project's repository on a forge of its own: loopback API, bare remote, caches that outlive runs. */
export async function makeWorld(dist: string, watched: Watched) {
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder, name);
  const [author, origin] = [at('author'), at('origin.git')];
  mkdirSync(author);
  for (const name of ['package.json', 'action.yml', '.github', '.gitignore'])
    cpSync(join(ROOT, name), join(author, name), { recursive: true });
  smallSpecs(join(author, 'specs'), watched);
  git(author, 'init', '-q', '-b', 'main');
  git(author, 'add', '-A');
  git(author, 'commit', '-q', '-m', 'Begin');
  git(folder, 'clone', '-q', '--bare', author, origin);
  git(author, 'remote', 'add', 'origin', origin);
  // The build keeps the parsed specifications beside the program: made once here, not on each machine.
  cpSync(dist, join(author, 'dist'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(author, 'node_modules'));
  execFileSync(process.execPath, [join(author, 'dist', 'pipeline', 'cli.js'), 'cache']);
  standInNpm(at('tools'), join(ROOT, 'node_modules'), join(author, 'dist'));
  mkdirSync(at('caches'));
  const server = await startGithub();
  let number = 1000;
  const run = async (
    file: string,
    more: {
      readonly event?: unknown;
      readonly only?: readonly string[];
      readonly vars?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<RunResult> => {
    number += 1;
    const { event = {}, ...rest } = more;
    return runWorkflow(readFileSync(join(ROOT, '.github', 'workflows', file), 'utf8'), {
      forge: { origin, caches: at('caches') },
      folder: mkdtempSync(at(`run-${number}-`)),
      tools: at('tools'),
      github: {
        repository: 'example/watch',
        ref_name: 'main',
        run_id: String(number),
        run_attempt: '1',
        token: TOKEN,
        api_url: server.url,
        event,
      },
      ...rest,
    });
  };
  return { folder, author, origin, server, run };
}

/** What every job's steps did and printed, for people: without what only sets a machine up. */
export const logOf = ({ jobs }: RunResult): string =>
  Object.entries(jobs)
    .flatMap(([id, { result, steps }]) => [
      `${id}: ${result}`,
      ...steps
        .filter(({ name, outcome }) => outcome === 'failure' || !/^actions\/|^Build the program$/.test(name))
        .map(({ name, outcome, log }) =>
          `  ${outcome}: ${name}\n${log.trimEnd().replace(/^(?=.)/gm, '    ')}`.trimEnd(),
        ),
    ])
    .join('\n');
