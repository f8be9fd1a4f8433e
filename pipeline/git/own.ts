import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFault } from '../disk/fault.ts';

/** Objects by SHA-1 or by SHA-256. */
export type ObjectFormat = 'sha1' | 'sha256';

/** What a repository of this program's own begins with. */
export type Beginning = {
  readonly format: ObjectFormat;
  /** The folder whose objects it reads besides its own. */
  readonly objects?: string;
  /** `ref: refs/heads/main`, or a commit. */
  readonly head?: string;
  /** Where each ref stands, by its full name, byte by byte as all names here. */
  readonly refs?: ReadonlyMap<string, string>;
  /** What stands in files of their own: refs that name another, and the like of FETCH_HEAD. */
  readonly loose?: ReadonlyMap<string, string>;
  /** Commits where the history ends early. */
  readonly shallow?: readonly string[];
  /** Whether it is fetched without blobs but those that are asked for. */
  readonly isPartial?: boolean;
};

/**
 * The whole configuration of a repository of this program's own: git reads no other. It names no remote: each transfer is told
 * its URL. One on this machine that is served serves partial clones as a forge does.
 */
function ownConfig(format: ObjectFormat, isPartial: boolean): string {
  return [
    '[core]',
    `\trepositoryFormatVersion = ${format === 'sha1' ? 0 : 1}`,
    '\tbare = true',
    '\thooksPath = /dev/null',
    '\tfsmonitor = false',
    '\tattributesFile = /dev/null',
    '\taskPass =',
    '\talternateRefsCommand = true',
    ...(format === 'sha1' ? [] : ['[extensions]', `\tobjectFormat = ${format}`]),
    '[uploadpack]',
    '\tallowFilter = true',
    '\tallowAnySHA1InWant = true',
    '[credential]',
    '\thelper =',
    '[gc]',
    '\tauto = 0',
    '[maintenance]',
    '\tauto = false',
    ...(isPartial ? ['[remote "origin"]', '\tpromisor = true', '\tpartialCloneFilter = blob:none'] : []),
    '',
  ].join('\n');
}

/**
 * Makes a bare repository at a place where there is none, by hand: so no template, configuration or hook of anybody gets into
 * it. Names of refs were checked by who read them. Throws a KnownError (73, 74) where it cannot be written.
 */
export function makeRepository(gitDir: string, beginning: Beginning): void {
  const { format, objects, head = 'ref: refs/heads/main', refs = new Map(), loose = new Map() } = beginning;
  try {
    for (const folder of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags'])
      mkdirSync(join(gitDir, folder), { recursive: true, mode: 0o700 });
    writeFileSync(join(gitDir, 'HEAD'), `${head}\n`, 'latin1');
    writeFileSync(join(gitDir, 'config'), ownConfig(format, beginning.isPartial ?? false));
    if (objects !== undefined) writeFileSync(join(gitDir, 'objects/info/alternates'), `${quotePath(objects)}\n`);
    if (refs.size > 0) writeFileSync(join(gitDir, 'packed-refs'), packedRefs(refs), 'latin1');
    for (const [name, text] of loose) {
      const file = Buffer.concat([Buffer.from(`${gitDir}/`), Buffer.from(name, 'latin1')]);
      mkdirSync(file.subarray(0, file.lastIndexOf('/')), { recursive: true });
      writeFileSync(file, `${text}\n`, 'latin1');
    }
    if (beginning.shallow !== undefined)
      writeFileSync(join(gitDir, 'shallow'), beginning.shallow.map((id) => `${id}\n`).join(''));
  } catch (error) {
    throw writeFault(gitDir, error);
  }
}

/** Puts this program's own configuration in the place of whatever a clone of its cache has; no lock of git is minded. */
export function replaceConfig(gitDir: string, format: ObjectFormat, isPartial: boolean): void {
  const temporary = join(gitDir, 'config.bitwatch');
  try {
    writeFileSync(temporary, ownConfig(format, isPartial));
    renameSync(temporary, join(gitDir, 'config'));
  } catch (error) {
    throw writeFault(gitDir, error);
  }
}

const packedRefs = (refs: ReadonlyMap<string, string>): string => {
  const names = [...refs.keys()].sort();
  return `# pack-refs with: sorted \n${names.map((name) => `${refs.get(name)} ${name}\n`).join('')}`;
};

/** A path as a line of `objects/info/alternates`: in C quotes where it has bytes that would end or change the line. */
function quotePath(path: string): string {
  if (!/["\\\p{Cc}]/u.test(path)) return path;
  const bytes = [...Buffer.from(path)].map((byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\${byte.toString(8).padStart(3, '0')}`,
  );
  return `"${bytes.join('')}"`;
}
