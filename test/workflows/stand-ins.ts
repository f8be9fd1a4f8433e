import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { git } from '../helpers/repository.ts';

/** What outlives a job: the forge's repository, its caches and the run's artifacts, each a folder. */
export type Forge = {
  readonly origin: string;
  readonly caches: string;
  readonly artifacts: string;
};
export type Place = {
  readonly forge: Forge;
  readonly workspace: string;
  /** Whether the job's token may push. */
  readonly mayPush: boolean;
};
export type Inputs = Readonly<Record<string, string>>;

/** Local stand-ins for the actions that the workflows use, by name; each resolves to outputs. */
export const STAND_INS: Readonly<Record<string, (place: Place, inputs: Inputs) => Inputs>> = {
  'actions/checkout': checkout,
  'actions/setup-node': () => ({}),
  'actions/cache/restore': restore,
  'actions/cache/save': save,
  'actions/upload-artifact': upload,
  'actions/download-artifact': download,
};

function checkout({ forge, workspace, mayPush }: Place, inputs: Inputs): Inputs {
  const target = join(workspace, inputs.path ?? '.');
  mkdirSync(target, { recursive: true });
  git(target, 'init', '-q', '-b', 'main', '.');
  git(target, 'remote', 'add', 'origin', forge.origin);
  git(target, 'fetch', '-q', '--depth=1', 'origin', inputs.ref ?? 'main');
  git(target, 'checkout', '-q', '-B', 'main', 'FETCH_HEAD');
  // Without kept credentials, or with a token that only reads, a push reaches nothing.
  if (inputs['persist-credentials'] === 'false' || !mayPush)
    git(target, 'remote', 'set-url', '--push', 'origin', join(forge.origin, 'no-credentials'));
  return {};
}

const cacheFolder = ({ forge }: Place, { path = '', key = '' }: Inputs): string =>
  join(forge.caches, encodeURIComponent(path), encodeURIComponent(key));

/** The cache of the key, else the newest whose key begins as a restore key does; keys grow with the number of the run. */
function restore(place: Place, inputs: Inputs): Inputs {
  const all = join(place.forge.caches, encodeURIComponent(inputs.path ?? ''));
  const names = existsSync(all) ? readdirSync(all).sort() : [];
  const prefixes = [inputs.key ?? '', ...(inputs['restore-keys'] ?? '').split('\n').filter((key) => key !== '')];
  const found = prefixes
    .map((prefix) => names.filter((name) => decodeURIComponent(name).startsWith(prefix)).at(-1))
    .find((name) => name !== undefined);
  if (found === undefined) return { 'cache-hit': '' };
  const target = join(place.workspace, inputs.path ?? '');
  mkdirSync(dirname(target), { recursive: true });
  cpSync(join(all, found), target, { recursive: true });
  return { 'cache-hit': String(decodeURIComponent(found) === inputs.key) };
}

function save(place: Place, inputs: Inputs): Inputs {
  const source = join(place.workspace, inputs.path ?? '');
  const target = cacheFolder(place, inputs);
  // A cache is never changed; one without a file to keep is not made.
  if (existsSync(source) && !existsSync(target)) {
    mkdirSync(dirname(target), { recursive: true });
    cpSync(source, target, { recursive: true });
  }
  return {};
}

/** The files below a folder, without the hidden ones, as the real action takes them. */
function upload({ forge, workspace }: Place, inputs: Inputs): Inputs {
  const source = join(workspace, inputs.path ?? '');
  const target = join(forge.artifacts, inputs.name ?? '');
  if (existsSync(target)) throw new Error(`an artifact ${inputs.name} is there already`);
  if (!existsSync(source)) {
    if (inputs['if-no-files-found'] === 'error') throw new Error(`no files at ${inputs.path}`);
    return {};
  }
  cpSync(source, target, { recursive: true, filter: (path) => !path.slice(source.length).includes('/.') });
  return {};
}

function download({ forge, workspace }: Place, inputs: Inputs): Inputs {
  const target = join(workspace, inputs.path ?? '');
  const start = (inputs.pattern ?? '').replace(/\*$/, '');
  const names = readdirSync(forge.artifacts)
    .sort()
    .filter((name) => (inputs.name === undefined ? name.startsWith(start) : name === inputs.name));
  if (names.length === 0) throw new Error(`no artifact ${inputs.name ?? inputs.pattern}`);
  mkdirSync(target, { recursive: true });
  for (const name of names) {
    const isFlat = inputs.name !== undefined || inputs['merge-multiple'] === 'true';
    cpSync(join(forge.artifacts, name), isFlat ? target : join(target, name), { recursive: true });
  }
  return {};
}

/** An `npm` that does what the workflows ask of it, without a network: the installed packages and the compiled program are given. */
export function standInNpm(folder: string, modules: string, dist: string): void {
  mkdirSync(folder, { recursive: true });
  const script = [
    '#!/bin/bash',
    'set -e',
    'case "$*" in',
    `  "ci --ignore-scripts") ln -s '${modules}' node_modules ;;`,
    `  "run build") cp -R '${dist}' dist ;;`,
    '  *) echo "npm $*: not known here" >&2; exit 64 ;;',
    'esac',
    '',
  ];
  writeFileSync(join(folder, 'npm'), script.join('\n'), { mode: 0o755 });
}
