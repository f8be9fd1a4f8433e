import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { DataError, NoInputError } from '../model/errors.ts';
import type { Beginning, ObjectFormat } from './own.ts';

/**
 * Reads what a repository of anybody says of its refs, without git and without its configuration: nothing in it can name a
 * program, another file or another place. What a repository of our own begins with, so that git reads its objects there.
 * Throws a NoInputError for what is no repository, a DataError for one that cannot be read.
 */
export function readForeign(path: string): Beginning & { readonly objects: string; readonly gitDir: string } {
  try {
    const gitDir = gitDirOf(path);
    if (gitDir === null)
      throw new NoInputError(`${path}: not a git repository (expected a bare repository or a work tree)`);
    return { gitDir, ...beginningOf(path, gitDir) };
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new NoInputError(`${path}: the repository cannot be read: ${error.message}`, { cause: error });
  }
}

function beginningOf(path: string, gitDir: string): Beginning & { readonly objects: string } {
  const common = commonDir(gitDir);
  if (existsSync(join(common, 'reftable', 'tables.list')))
    throw new DataError({
      where: { file: path },
      expected: 'a repository that keeps its refs in files',
      found: 'a reftable',
      hint: 'read a clone of it: git clone --bare --ref-format=files',
    });
  const objects = join(common, 'objects');
  if (!statSync(objects).isDirectory()) throw new NoInputError(`${path}: not a git repository (objects is no folder)`);
  const { refs, loose } = readRefs(path, common);
  for (const name of ['FETCH_HEAD', 'ORIG_HEAD', 'MERGE_HEAD']) {
    const id = /^[0-9a-f]{40,64}/.exec(smallFile(join(gitDir, name)) ?? '')?.[0];
    if (id !== undefined) loose.set(name, id);
  }
  const head = headOf(path, gitDir);
  const shallow = shallowOf(path, common);
  const format = formatOf(objects, [...refs.values(), head]);
  return { format, objects: realpathSync(objects), head, refs, loose, ...(shallow === null ? {} : { shallow }) };
}

/** The repository's own folder for a bare repository, a work tree, or a `.git` file whose target names it back. */
function gitDirOf(path: string): string | null {
  const inner = join(path, '.git');
  // Below a file there is nothing, which is no trouble.
  const kind = isFolder(path) ? statSync(inner, { throwIfNoEntry: false }) : undefined;
  if (kind?.isDirectory() === true) return isGitDir(inner) ? resolve(inner) : null;
  if (kind?.isFile() === true) return linkedDir(path, inner);
  return isGitDir(path) ? resolve(path) : null;
}

const isGitDir = (path: string): boolean =>
  existsSync(join(path, 'HEAD')) && existsSync(join(commonDir(path), 'objects'));

function linkedDir(path: string, file: string): string | null {
  const target = /^gitdir: ([^\0\n]+?)\s*$/.exec(smallFile(file) ?? '')?.[1];
  if (target === undefined) return null;
  const gitDir = isAbsolute(target) ? pathOf(target) : resolve(path, pathOf(target));
  if (!isGitDir(gitDir)) return null;
  // A work tree of several is named back by its repository; a submodule's repository stands in that of a tree above.
  const back = smallFile(join(gitDir, 'gitdir'))?.trim();
  if (back !== undefined && isSame(resolve(gitDir, pathOf(back)), file)) return gitDir;
  for (let above = dirname(resolve(path)); ; above = dirname(above)) {
    if (realpathSync(gitDir).startsWith(`${join(realpathSync(above), '.git', 'modules')}${sep}`)) return gitDir;
    if (above === dirname(above)) break;
  }
  throw new NoInputError(
    `${file} points to ${JSON.stringify(gitDir)}, which does not name this folder back; give that repository itself`,
  );
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
const isSame = (a: string, b: string): boolean => existsSync(a) && realpathSync(a) === realpathSync(b);

/** Where refs and objects are: work trees of several share those of the first. */
function commonDir(gitDir: string): string {
  const named = smallFile(join(gitDir, 'commondir'))?.trim();
  return named === undefined || named === '' ? gitDir : resolve(gitDir, pathOf(named));
}

const REF = /^ref: (refs\/[^\0\n]+?)\s*$/;
const ID = /^([0-9a-f]{64}|[0-9a-f]{40})\s*$/;

function headOf(path: string, gitDir: string): string {
  const file = join(gitDir, 'HEAD');
  const link = lstatSync(file).isSymbolicLink() ? readlinkSync(file) : '';
  const text = link.startsWith('refs/') ? `ref: ${link}` : (smallFile(file) ?? '');
  const target = REF.exec(text)?.[1];
  if (target !== undefined && isRefName(target)) return `ref: ${target}`;
  const id = ID.exec(text)?.[1];
  if (id !== undefined) return id;
  throw new NoInputError(`${path}: not a git repository (HEAD is neither a ref nor a commit)`);
}

/** More than the refs of the largest forge projects. */
const MAX_PACKED = 256 * 1024 * 1024;
const MAX_LOOSE = 500_000;

type Refs = { readonly refs: Map<string, string>; readonly loose: Map<string, string> };

/** All refs, those in files of their own over packed ones. What git would not take for a ref is none. */
function readRefs(path: string, common: string): Refs {
  const refs = packedRefs(path, join(common, 'packed-refs'));
  const loose = new Map<string, string>();
  const folders = ['refs'];
  for (let count = 0, at = folders.pop(); at !== undefined; at = folders.pop())
    for (const entry of readdirSync(inside(common, at), { encoding: 'buffer', withFileTypes: true })) {
      const name = `${at}/${entry.name.toString('latin1')}`;
      count += 1;
      if (count > MAX_LOOSE) throw tooMany(path, `at most ${MAX_LOOSE} refs in files`);
      if (entry.isDirectory()) folders.push(name);
      else if (isRefName(name)) takeRef(name, looseText(common, name, entry.isSymbolicLink()), refs, loose);
    }
  return { refs, loose };
}

function takeRef(name: string, text: string, refs: Map<string, string>, loose: Map<string, string>): void {
  const id = ID.exec(text)?.[1];
  if (id !== undefined) refs.set(name, id);
  const target = REF.exec(text)?.[1];
  if (target !== undefined && isRefName(target)) {
    loose.set(name, `ref: ${target}`);
    refs.delete(name);
  }
}

/** An old git's symbolic ref is a link to another one's name; any other link is no ref. */
function looseText(common: string, name: string, isLink: boolean): string {
  const file = inside(common, name);
  if (!isLink) return smallFile(file) ?? '';
  const target = readlinkSync(file, 'latin1');
  return target.startsWith('refs/') ? `ref: ${target}` : '';
}

function packedRefs(path: string, file: string): Map<string, string> {
  const kind = statSync(file, { throwIfNoEntry: false });
  if (kind === undefined) return new Map();
  if (!kind.isFile()) throw tooMany(path, 'packed-refs to be a file');
  if (kind.size > MAX_PACKED) throw tooMany(path, `packed-refs of at most ${MAX_PACKED} bytes`);
  const refs = new Map<string, string>();
  for (const line of readFileSync(file, 'latin1').split('\n')) {
    const [, id, name] = /^([0-9a-f]{64}|[0-9a-f]{40}) (refs\/\S+)$/.exec(line) ?? [];
    if (id !== undefined && name !== undefined && isRefName(name)) refs.set(name, id);
  }
  return refs;
}

const tooMany = (path: string, expected: string): DataError =>
  new DataError({ where: { file: path }, expected, found: 'something else' });

/** By the rules of git-check-ref-format; replacements of objects are none, as nothing is replaced. */
const isRefName = (name: string): boolean =>
  /^refs\/(?!replace\/)[^\0-\x20\x7f~^:?*[\\]+$/.test(name) && !/\.\.|@\{|\/\/|\/\.|\.$|\/$|\.lock(\/|$)/.test(name);

function shallowOf(path: string, common: string): readonly string[] | null {
  const file = join(common, 'shallow');
  const kind = statSync(file, { throwIfNoEntry: false });
  if (kind === undefined || !kind.isFile() || kind.size === 0) return null;
  if (kind.size > MAX_PACKED) throw tooMany(path, `shallow of at most ${MAX_PACKED} bytes`);
  return readFileSync(file, 'latin1')
    .split('\n')
    .filter((line) => ID.test(line));
}

/** SHA-256 names are longer: the refs tell, else the packs. */
function formatOf(objects: string, ids: readonly string[]): ObjectFormat {
  const found = ids.find((id) => /^[0-9a-f]{40,}$/.test(id));
  if (found !== undefined) return found.length === 64 ? 'sha256' : 'sha1';
  const packs = join(objects, 'pack');
  return existsSync(packs) && readdirSync(packs).some((name) => /^pack-[0-9a-f]{64}\.idx$/.test(name))
    ? 'sha256'
    : 'sha1';
}

/** The path of a name that was read byte by byte. */
const inside = (folder: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);

/** A path that a file names, read byte by byte. */
const pathOf = (text: string): string => Buffer.from(text, 'latin1').toString('utf8');

/** The text of a small regular file, byte by byte; null for anything else: a pipe would never end. */
function smallFile(file: string | Buffer): string | null {
  const kind = statSync(file, { throwIfNoEntry: false });
  return kind?.isFile() === true && kind.size <= 65_536 ? readFileSync(file, 'latin1') : null;
}
