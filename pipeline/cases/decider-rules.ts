import {
  compareDecidingCode,
  DECIDING_PATHS,
  type DecidingCode,
  readDecidingCode,
} from '../extract/module/deciding-code.ts';
import type { BlobReader } from '../git/blobs.ts';
import type { CodeChange, DeciderRules } from '../model/decider-rules.ts';
import { codeChangeText } from '../model/decider-text.ts';
import { lineOf } from '../model/lineage.ts';
import { compareVersions } from '../model/order.ts';
import type { Specs } from '../specs/store.ts';
import { readFiles } from './module-revision.ts';

/** The rules that a release without its own starts from: of the release whose code it has, else the next older one of its line. */
export function predecessorRules(specs: Pick<Specs, 'deciders' | 'lineage'>, release: string): DeciderRules | null {
  const follows = specs.lineage.find((each) => each.release === release)?.follows;
  const argued = follows === undefined ? undefined : specs.deciders.get(follows);
  if (argued !== undefined) return argued;
  const older = [...specs.deciders.keys()]
    .filter((name) => lineOf(name) === lineOf(release) && compareVersions(name, release) < 0)
    .sort(compareVersions);
  return specs.deciders.get(older.at(-1) ?? '') ?? null;
}

/** Why the code of a tree cannot be held against a release's; null where it can. */
export function notCompared(base: DeciderRules, { functions, unread }: DecidingCode): string | null {
  if (functions.length === 0 && unread.length === 0)
    return 'the code that decides was not compared: this tree does not hold it';
  return base.functions.length === 0
    ? `the code that decides was not compared: that of ${base.release} was read file by file`
    : null;
}

/**
 * The rules that hold for a revision: its release's own, or its predecessor's, while the code that decides is the same token by
 * token; none, and a note, where it is not or cannot be compared.
 */
export async function rulesOfRevision(
  specs: Specs,
  release: string,
  blobs: BlobReader,
  commit: string,
): Promise<{
  readonly rules: DeciderRules | undefined;
  readonly unexamined: readonly CodeChange[];
  readonly note: string | null;
}> {
  const own = specs.deciders.get(release);
  const base = own ?? predecessorRules(specs, release);
  if (base === null)
    return { rules: undefined, unexamined: [], note: 'who decides was not examined: no release before it has rules' };
  const { files } = await readFiles(blobs, commit, DECIDING_PATHS);
  const code = readDecidingCode(files);
  const gap = notCompared(base, code);
  if (gap !== null) return { rules: own, unexamined: [], note: gap };
  const changes = compareDecidingCode(base.functions, code);
  return changes.length === 0
    ? { rules: base, unexamined: [], note: null }
    : { rules: undefined, unexamined: changes, note: codeChangeText(changes) };
}
