import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { OID_LENGTH, readPackIndex } from './index-file.ts';
import { openPack, type Pack } from './pack.ts';

/** Reads blobs out of the packs of a repository without git. */
export type PackStore = {
  /** Calls back for each blob that it can read, in the order of the packs; gives the ids that are left for git. */
  readonly read: (oids: readonly string[], onBlob: (oid: string, bytes: Buffer) => void) => readonly string[];
};

type Found = { readonly oid: string; readonly pack: number; readonly offset: number };

/** A pack and its index; `null` where they do not belong together or are of a kind that only git reads. */
function openPair(folder: string, name: string, limit: number): Pack | null {
  let file = -1;
  let pack: Pack | null = null;
  try {
    const index = readPackIndex(readFileSync(join(folder, `${name}.idx`)));
    file = openSync(join(folder, `${name}.pack`), 'r');
    const { size } = fstatSync(file);
    const trailer = Buffer.alloc(OID_LENGTH);
    readSync(file, trailer, 0, OID_LENGTH, size - OID_LENGTH);
    if (index?.checksum.equals(trailer)) pack = openPack(file, size - OID_LENGTH, index, limit);
  } catch {
    // A repack may take files away at any time; git knows where their objects went.
  }
  if (pack === null && file >= 0) closeSync(file);
  return pack;
}

function packsOf(gitDir: string, limit: number): readonly Pack[] {
  const folder = join(gitDir, 'objects', 'pack');
  let names: readonly string[];
  try {
    names = readdirSync(folder).sort();
  } catch {
    return [];
  }
  const indexes = names.filter((name) => name.endsWith('.idx')).map((name) => name.slice(0, -'.idx'.length));
  return indexes.flatMap((name) => openPair(folder, name, limit) ?? []);
}

/**
 * The packs of a repository. What they do not hold, or hold in an unusual way (loose and missing objects, alternates, other hashes,
 * deltas by name, damage), is left for git. As in `git cat-file`, zlib's checksum and all sizes are checked, the hash is not.
 */
export function openStore(gitDir: string, limit: number): PackStore {
  const packs = packsOf(gitDir, limit);
  const locate = (oid: string): Found | null => {
    const name = Buffer.from(oid, 'hex');
    if (name.length !== OID_LENGTH) return null;
    for (let pack = 0; pack < packs.length; pack += 1) {
      const offset = (packs[pack] as Pack).index.find(name);
      if (offset >= 0) return { oid, pack, offset };
    }
    return null;
  };
  const read: PackStore['read'] = (oids, onBlob) => {
    const left: string[] = [];
    const found: Found[] = [];
    for (const oid of oids) {
      const place = locate(oid);
      if (place === null) left.push(oid);
      else found.push(place);
    }
    // In the order of the pack, reading runs forward and bases are at hand.
    found.sort((a, b) => a.pack - b.pack || a.offset - b.offset);
    for (const { oid, pack, offset } of found) {
      const blob = packs[pack]?.blobAt(offset) ?? null;
      if (blob === null) left.push(oid);
      else onBlob(oid, blob);
    }
    return left;
  };
  return { read };
}
