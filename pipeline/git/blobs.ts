import { DataError, NoInputError, UnavailableError } from '../model/errors.ts';
import { type Answer, MAX_BLOB } from './batch-answers.ts';
import { openCatFile } from './cat-file.ts';
import type { Place } from './run.ts';

type Blob = { readonly oid: string; readonly bytes: Buffer };

/** One long-lived `git cat-file --batch`: blobs by id or by `revision:path`, answered in the order of the questions. */
export type BlobReader = {
  /**
   * The blob, or null where the revision has no such path or the repository no such id. A path that is there and cannot be
   * read is never null: an UnavailableError where the clone lacks its blob, a DataError where it is no file, is too
   * large, or is damaged. A NoInputError for a revision that is not there.
   */
  readonly read: (name: string) => Promise<Blob | null>;
  /**
   * The id of what stands at a path below a tree, given by its own id, or null. Each tree is read once, so that the paths
   * of many revisions cost what differs between them. An UnavailableError where the clone lacks a tree on the way.
   */
  readonly idAt: (tree: string, path: string) => Promise<string | null>;
  /** The commit that a name leads to, without a git of its own; null where it leads to none, or to several. */
  readonly commit: (name: string) => Promise<string | null>;
  /** How many blobs were read. */
  readonly count: () => number;
  readonly close: () => Promise<void>;
};

/** Trees of the last few revisions of a history; a wider one would only hold memory. */
const MAX_TREES = 512;

export type BlobOptions = {
  /** Brings an object that the repository lacks, from a URL that the program knows; where there is none, nothing is fetched. */
  readonly fetch?: (oid: string) => Promise<void>;
  /** The largest file that is read, in bytes. */
  readonly limit?: number;
};

export function openBlobs(place: Place, { fetch, limit = MAX_BLOB }: BlobOptions = {}): BlobReader {
  const batch = openCatFile(place, limit);
  const where = place.path;
  const parents = new Map<string, Promise<Answer>>();
  let count = 0;
  /** The answer for a folder, asked for once: releases lack the same folders again and again. */
  const folder = (name: string): Promise<Answer> => {
    const known = parents.get(name) ?? batch.ask(name);
    parents.set(name, known);
    return known;
  };
  const read = async (name: string): Promise<Blob | null> => {
    if (/[\n\0\r]/.test(name) || name === '')
      throw problem(where, 'an object name without line breaks or NUL', JSON.stringify(name));
    const answer = await batch.ask(name);
    if (answer.kind === 'object' && answer.type === 'blob') {
      count += 1;
      return { oid: answer.oid, bytes: answer.bytes };
    }
    if (answer.kind !== 'missing') throw unreadable(where, name, answer, limit);
    const colon = name.indexOf(':');
    if (colon <= 0) return null;
    const path = name.slice(colon + 1);
    const entry = await lackingEntry(where, { revision: name.slice(0, colon), path }, folder);
    if (entry === null) return null;
    if (entry.mode === '160000' || fetch === undefined) throw lacking(where, name, entry);
    await fetch(entry.oid);
    const fetched = await batch.ask(entry.oid);
    if (fetched.kind !== 'object') throw lacking(where, name, entry);
    count += 1;
    return { oid: fetched.oid, bytes: fetched.bytes };
  };
  const trees = new Map<string, Promise<Answer>>();
  const tree = (oid: string): Promise<Answer> => {
    const known = trees.get(oid) ?? batch.ask(oid);
    trees.delete(oid);
    trees.set(oid, known);
    const [oldest] = trees.keys();
    if (trees.size > MAX_TREES && oldest !== undefined) trees.delete(oldest);
    return known;
  };
  const idAt = async (root: string, path: string): Promise<string | null> => {
    if (!/^[0-9a-f]{40,64}$/.test(root)) throw problem(where, 'the id of a tree', JSON.stringify(root));
    let oid = root;
    for (const name of path.split('/')) {
      const answer = await tree(oid);
      if (answer.kind !== 'object') throw lacking(where, path, { mode: '', oid });
      const entry = answer.type === 'tree' ? entryOf(answer.bytes, name, answer.oid.length / 2) : null;
      if (entry === null) return null;
      oid = entry.oid;
    }
    return oid;
  };
  const commit = async (name: string): Promise<string | null> => {
    const answer = await batch.ask(`${name}^{commit}`);
    return answer.kind === 'object' && answer.type === 'commit' ? answer.oid : null;
  };
  return { read, idAt, commit, count: () => count, close: batch.close };
}

const problem = (where: string, expected: string, found: string, at?: string): DataError =>
  new DataError({ where: { file: where, ...(at === undefined ? {} : { at }) }, expected, found });

function unreadable(where: string, name: string, answer: Exclude<Answer, { kind: 'missing' }>, limit: number): Error {
  switch (answer.kind) {
    case 'object':
      return problem(where, 'a file', `a ${answer.type}`, name);
    case 'large':
      return problem(where, `a file of at most ${limit} bytes`, `${answer.size} bytes`, name);
    case 'ambiguous':
      return problem(where, 'the name of one object', 'a name of several', name);
    case 'submodule':
      return problem(where, 'a file', 'a submodule', name);
    case 'damaged':
      return problem(where, 'an answer of git cat-file', JSON.stringify(answer.line), name);
  }
}

/**
 * git says "missing" both for a path that a revision lacks and for a blob that the clone lacks: the folders tell which. Null
 * where the path is truly absent, else the entry whose object lacks.
 */
async function lackingEntry(
  where: string,
  { revision, path }: { readonly revision: string; readonly path: string },
  folder: (name: string) => Promise<Answer>,
): Promise<TreeEntry | null> {
  const slash = path.lastIndexOf('/');
  const parent = path.slice(0, Math.max(slash, 0));
  const answer = await folder(`${revision}:${parent}`);
  if (answer.kind === 'missing') {
    if (parent === '') throw new NoInputError(`${where}: no revision ${JSON.stringify(revision)}, or no tree of it`);
    const above = await lackingEntry(where, { revision, path: parent }, folder);
    // What lacks is a folder on the way, not what stands in it.
    if (above !== null) throw lacking(where, `${revision}:${parent}`, above);
    return null;
  }
  if (answer.kind !== 'object' || answer.type !== 'tree') return null;
  return entryOf(answer.bytes, path.slice(slash + 1), answer.oid.length / 2);
}

function lacking(where: string, name: string, entry: TreeEntry): Error {
  if (entry.mode === '160000') return problem(where, 'a file', 'a submodule', name);
  return new UnavailableError(
    `${where}: ${name} is object ${entry.oid}, which this clone does not have; fetch it there, or read a whole clone`,
  );
}

type TreeEntry = { readonly mode: string; readonly oid: string };

/**
 * The entry of a name in a tree object, or null. A tree is a run of `<mode> <name>NUL<id>`, the id in bytes: 20 of them, or
 * 32 in a SHA-256 repository.
 */
function entryOf(tree: Buffer, name: string, idLength: number): TreeEntry | null {
  const wanted = Buffer.from(name);
  let at = 0;
  while (at < tree.length) {
    const blank = tree.indexOf(0x20, at);
    const end = tree.indexOf(0, blank);
    if (blank === -1 || end === -1) return null;
    if (tree.subarray(blank + 1, end).equals(wanted))
      return { mode: tree.toString('latin1', at, blank), oid: tree.toString('hex', end + 1, end + 1 + idLength) };
    at = end + 1 + idLength;
  }
  return null;
}
