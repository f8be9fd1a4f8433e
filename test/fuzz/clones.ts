import { spawnSync } from 'node:child_process';
import type { Seed } from './targets.ts';

/** The files of a clone that are seeds of a target. */
type Kind = { readonly target: string; readonly kind: string; readonly path: RegExp };
const MODULE: readonly Kind[] = [
  { target: 'headers', kind: 'control', path: /\/td_control_structures\.h$/ },
  { target: 'headers', kind: 'api', path: /^include\/tdx_api_defs\.h$/ },
  { target: 'markdown', kind: 'document', path: /^README\.md$/ },
];
const ARCHIVE: readonly Kind[] = [{ target: 'mail', kind: 'plain', path: /^m$/ }];
const BINARIES: readonly Kind[] = [
  { target: 'mapping_file', kind: 'clone', path: /^mapping_file\.json$/ },
  { target: 'markdown', kind: 'binaries', path: /^README\.md$/ },
];
const VARIABLES = {
  BITWATCH_MODULE_REPO: MODULE,
  BITWATCH_ARCHIVE: ARCHIVE,
  BITWATCH_BINARIES_REPO: BINARIES,
} as const;
const MOST = 30;

const ENVIRONMENT = {
  PATH: process.env.PATH ?? '',
  GIT_NO_LAZY_FETCH: '1',
  GIT_CONFIG_NOSYSTEM: '1',
  HOME: '/nonexistent',
};
const git = (clone: string, args: readonly string[]): string => {
  const run = spawnSync('git', ['-C', clone, ...args], { env: ENVIRONMENT, encoding: 'latin1', maxBuffer: 1 << 28 });
  return run.status === 0 ? run.stdout : '';
};

function seedsOf(clone: string, kinds: readonly Kind[]): readonly (Seed & { readonly target: string })[] {
  const lines = git(clone, ['rev-list', '--objects', '--all', '-n', '2000']).split('\n');
  const counts = new Map<Kind, number>();
  return lines.flatMap((line) => {
    const [oid = '', path = ''] = line.split(' ');
    const kind = kinds.find((each) => each.path.test(path));
    const count = kind === undefined ? MOST : (counts.get(kind) ?? 0);
    if (kind === undefined || count >= MOST) return [];
    counts.set(kind, count + 1);
    return [{ target: kind.target, kind: kind.kind, text: git(clone, ['cat-file', 'blob', oid]).slice(0, 50_000) }];
  });
}

/** Seeds out of the clones that the environment names, and a line for each variable that names none. */
export function cloneSeeds(env: NodeJS.ProcessEnv): {
  readonly seeds: readonly (Seed & { readonly target: string })[];
  readonly notes: readonly string[];
} {
  const entries = Object.entries(VARIABLES);
  return {
    seeds: entries.flatMap(([variable, kinds]) => (env[variable] === undefined ? [] : seedsOf(env[variable], kinds))),
    notes: entries.flatMap(([variable]) =>
      env[variable] === undefined ? [`no seeds of a clone: ${variable} names none`] : [],
    ),
  };
}
