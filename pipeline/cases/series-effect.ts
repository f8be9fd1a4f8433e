import { diffPolicies } from '../diff/policy.ts';
import { KVM_PATHS, type UnitCache } from '../extract/kvm/tree.ts';
import { bodyText } from '../extract/mail/mail.ts';
import { patchBytes, patchFiles } from '../extract/mail/patch.ts';
import type { Series } from '../extract/mail/rerolls.ts';
import { countPrerequisites } from '../extract/mail/trailers.ts';
import { applyPatches, findBase, type Patch, touchedPaths } from '../git/apply-series.ts';
import { type BlobOptions, openBlobs } from '../git/blobs.ts';
import type { Repository } from '../git/repository.ts';
import { modesOf, type Scratch, withScratch } from '../git/scratch.ts';
import { judgePolicyStep } from '../judge/judge.ts';
import { openAfter, releaseEffects } from '../judge/series.ts';
import { DataError, KnownError, NoInputError, UnavailableError } from '../model/errors.ts';
import { lineOf } from '../model/lineage.ts';
import { compareVersions } from '../model/order.ts';
import type { Policy } from '../model/policy.ts';
import type { SeriesBase, SeriesEffect, SeriesIdentity, SeriesOutcome } from '../model/series-effect.ts';
import type { Specs } from '../specs/store.ts';
import { readPolicyRevision } from './kvm-revision.ts';
import { groundOf } from './reviews.ts';
import { type FoundSeries, isNewest, listsOf } from './series-mails.ts';

/** The files that decide over a policy; the top make file only names its version. */
const INPUTS: ReadonlySet<string> = new Set(KVM_PATHS.filter((path) => path !== 'Makefile'));

export type WeighOptions = {
  readonly repository: Repository;
  /** `--base`. */
  readonly given: string | null;
  /** Whether blobs that a clone of the program's own lacks may be fetched. */
  /** How blobs that the clone lacks are had. */
  readonly blobs: BlobOptions;
  readonly command: string;
};

/** Applies a series and says what it does to KVM's policy and to the TDs of every release. */
export async function weighSeries(specs: Specs, found: FoundSeries, options: WeighOptions): Promise<SeriesEffect> {
  const { series } = found;
  const patches = series.complete.flatMap(({ part, title, mail }): readonly Patch[] => {
    const diff = patchBytes(mail);
    return diff === null ? [] : [{ part, title, id: mail.id, diff, files: patchFiles(diff) }];
  });
  return withScratch(options.repository, async (scratch) => {
    const { paths, broken } = await touchedPaths(scratch, patches);
    const inputs = paths.filter((path) => INPUTS.has(path));
    const gap = gapOf(series, patches);
    const outcome: SeriesOutcome =
      gap !== null
        ? { kind: 'incomplete', reason: gap }
        : inputs.length > 0
          ? await apply(specs, series, patches, paths, scratch, options)
          : broken === null
            ? { kind: 'untouched' }
            : {
                kind: 'incomplete',
                reason: `git does not take the diff of part ${broken.part}, so what it touches is not known`,
              };
    return {
      series: identityOf(found),
      kernel: options.repository.name,
      touched: paths,
      inputs,
      outcome,
      notes: found.notes,
      command: options.command,
    };
  });
}

/** Why a series cannot be applied as a whole; `null` where every part is there with a diff. */
function gapOf(series: Series, patches: readonly Patch[]): string | null {
  const missing = missingOf(series);
  if (missing.length > 0) return `part ${missing.join(', ')} of ${series.total} is in no mail that was read`;
  const bare = series.complete.filter(({ part }) => !patches.some((patch) => patch.part === part));
  return bare.length === 0 ? null : `part ${bare.map(({ part }) => part).join(', ')} of ${series.total} has no diff`;
}

function missingOf(series: Series): readonly number[] {
  const have = new Set(series.complete.map(({ part }) => part));
  return series.missing.filter((part) => !have.has(part));
}

function identityOf({ series, archives }: FoundSeries): SeriesIdentity {
  const { id, title, version, rfc, resend, trees, author, date, total, changeId, before, newest } = series;
  return {
    id,
    title,
    version,
    rfc,
    resend,
    trees,
    author,
    date,
    total,
    cover: series.cover?.id ?? null,
    patches: series.complete.map((patch) => ({
      part: patch.part,
      title: patch.title,
      id: patch.mail.id,
      from: patch.from,
    })),
    missing: missingOf(series),
    lists: listsOf(series),
    archives,
    changeId,
    before,
    newer: isNewest(series) ? null : newest,
  };
}

async function apply(
  specs: Specs,
  series: Series,
  patches: readonly Patch[],
  paths: readonly string[],
  scratch: Scratch,
  options: WeighOptions,
): Promise<SeriesOutcome> {
  const { repository } = options;
  const mails = [...(series.cover === null ? [] : [series.cover]), ...series.patches.map(({ mail }) => mail)];
  const asked = {
    given: options.given,
    named: series.baseCommit,
    prerequisites: mails.reduce((sum, mail) => sum + countPrerequisites(bodyText(mail)), 0),
  };
  const blobs = openBlobs(repository, options.blobs);
  // The files that the series leaves alone are parsed once for both sides.
  const units: UnitCache = new Map();
  try {
    const prepare = (commit: string): Promise<void> => needBlobs(blobs, commit, paths);
    const base = await findBase(repository, scratch, patches, asked, prepare);
    if (base === null) throw new NoInputError(`${repository.name}: the clone has no commit to apply a series to`);
    const before = await readSide('before', base, () => readBefore(repository, scratch, blobs, base.commit, units));
    if (before.kind === 'unreadable') return before;
    await prepare(base.commit);
    const result = await applyPatches(scratch, base.commit, patches);
    if (result.kind === 'rejected') return { kind: 'rejected', base, rejection: result.rejection };
    const after = await readSide('after', base, () => readAfter(repository, scratch, result.tree, units));
    if (after.kind === 'unreadable') return after;
    return judged(specs, base, result.offsets, before.policy, after.policy);
  } finally {
    await blobs.close();
  }
}

/** Asks for the files that the diffs change, so that one which the clone lacks is fetched or named, not taken for another base. */
async function needBlobs(blobs: ReturnType<typeof openBlobs>, commit: string, paths: readonly string[]): Promise<void> {
  await Promise.all(
    paths
      .filter((path) => !/[\n\r\0]/.test(path) && path !== '')
      .map(async (path) => {
        try {
          await blobs.read(`${commit}:${path}`);
        } catch (error) {
          // A folder or a submodule is no preimage: git refuses the diff and says so.
          if (!(error instanceof DataError)) throw error;
        }
      }),
  );
}

type Side<T> = { readonly kind: 'read'; readonly policy: T } | Extract<SeriesOutcome, { readonly kind: 'unreadable' }>;

/** A policy that cannot be read is an outcome; a source that cannot be reached is not. */
async function readSide<T>(side: 'before' | 'after', base: SeriesBase, read: () => Promise<T>): Promise<Side<T>> {
  try {
    return { kind: 'read', policy: await read() };
  } catch (error) {
    if (!(error instanceof KnownError) || error instanceof UnavailableError) throw error;
    return { kind: 'unreadable', base, side, reason: error.message };
  }
}

async function readBefore(
  repository: Repository,
  scratch: Scratch,
  blobs: ReturnType<typeof openBlobs>,
  commit: string,
  units: UnitCache,
): Promise<Policy | null> {
  await checkModes(scratch, commit);
  if ((await blobs.read(`${commit}:arch/x86/kvm/vmx/tdx.c`)) === null) return null;
  return readPolicyRevision(repository, blobs, commit, units);
}

async function readAfter(repository: Repository, scratch: Scratch, tree: string, units: UnitCache): Promise<Policy> {
  await checkModes(scratch, tree);
  const blobs = openBlobs(scratch);
  try {
    const policy = await readPolicyRevision(repository, blobs, tree, units);
    return { ...policy, version: `${policy.version} with the series` };
  } finally {
    await blobs.close();
  }
}

/** A link in the place of a file would be read as a file that holds its target. */
async function checkModes(scratch: Scratch, tree: string): Promise<void> {
  for (const [path, mode] of await modesOf(scratch, tree, KVM_PATHS))
    if (mode !== '100644' && mode !== '100755')
      throw new DataError({ where: { file: path }, expected: 'a regular file', found: `mode ${mode}` });
}

function judged(specs: Specs, base: SeriesBase, offsets: number, before: Policy | null, after: Policy): SeriesOutcome {
  const ground = groundOf(specs);
  return {
    kind: 'applied',
    base,
    offsets,
    before,
    after,
    changes: diffPolicies(before, after, specs.knowledge.names),
    findings: before === null ? [] : judgePolicyStep(before, after, ground).findings,
    effects: releaseEffects(before, after, ground),
    open: openAfter(newestOfLines(specs), after, ground),
  };
}

/** The newest release of each of the last two lines: those that hosts run today. */
function newestOfLines(specs: Specs): readonly string[] {
  const names = specs.releases.map(({ module }) => module.release).sort(compareVersions);
  const lines = new Map(names.map((name) => [lineOf(name), name]));
  return [...lines.values()].slice(-2);
}
