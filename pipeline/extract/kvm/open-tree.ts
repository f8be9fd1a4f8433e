import { DataError, NoInputError } from '../../model/errors.ts';
import { readUnit, type Unit } from '../c/unit.ts';
import { HEADERS, TDX_PATH } from './paths.ts';
import { type Facts, remember } from './remember.ts';
import { scopesOf } from './scopes.ts';
import type { KernelFile, KernelTree } from './tree.ts';
import { Words } from './words.ts';

/**
 * What a history keeps: units by blob, the last of each path, which the next goes on from, and values with what they were
 * computed from. Without it all is read anew.
 */
export type UnitCache = Map<string, Unit> & { last?: Map<string, Unit>; facts?: Facts };

const MAX_UNITS = 32;

export function openTree(
  repository: string,
  revision: string,
  files: ReadonlyMap<string, KernelFile>,
  cache: UnitCache = new Map(),
): KernelTree {
  const fileOf = (path: string): KernelFile => {
    const file = files.get(path);
    if (file === undefined) throw new NoInputError(`${repository}@${revision.slice(0, 12)}: no ${path}`);
    return file;
  };
  const units = new Map<string, Unit>();
  const unit = (path: string): Unit => {
    const known = units.get(path);
    if (known !== undefined) return known;
    const read = cachedUnit(cache, path, fileOf(path));
    units.set(path, read);
    return read;
  };
  const mentions = (path: string, word: string): boolean => {
    const file = files.get(path);
    return file !== undefined && wordsOf(file).has(word);
  };
  const headers = HEADERS.filter((path) => files.has(path));
  cache.facts ??= new Map();
  const { facts } = cache;
  const tree: KernelTree = {
    repository,
    revision,
    has: (path) => files.has(path),
    unit,
    file: (path) => files.get(path),
    mentions,
    scope: scopesOf({ headers, mentions, unit, checksItself: TDX_PATH }),
    remember: (name, compute) => remember(facts, tree, name, compute),
  };
  return tree;
}

const words = new WeakMap<KernelFile, Words>();

/** The words of a file, comments included. */
function wordsOf(file: KernelFile): Words {
  const known = words.get(file) ?? new Words(file.text);
  words.set(file, known);
  return known;
}

/** A file's unit, parsed if none of the last revisions had it. */
function cachedUnit(cache: UnitCache, path: string, { blob, text }: KernelFile): Unit {
  const key = `${blob}:${path}`;
  const known = cache.get(key);
  if (known !== undefined) {
    // Used again: it is the last to go.
    cache.delete(key);
    cache.set(key, known);
    return known;
  }
  checkMerge(path, text);
  cache.last ??= new Map();
  const read = readUnit(path, text, cache.last.get(path));
  cache.last.set(path, read);
  // A history goes forward: what the last few revisions read is what the next one shares.
  for (const old of cache.keys()) {
    if (cache.size < MAX_UNITS) break;
    cache.delete(old);
  }
  cache.set(key, read);
  return read;
}

const MARKERS = ['<<<<<<<', '>>>>>>>', '======='];

function checkMerge(path: string, text: string): void {
  if (!MARKERS.some((marker) => text.includes(marker))) return;
  const match = /^(<{7}|>{7}|={7})(?=\s|$)/m.exec(text);
  if (match === null) return;
  const line = text.slice(0, match.index).split('\n').length;
  throw new DataError({
    where: { file: path, line, column: 1 },
    expected: 'a resolved merge',
    found: `the merge marker ${match[1]}`,
  });
}
