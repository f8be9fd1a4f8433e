import { diffPolicies } from '../../diff/policy.ts';
import type { UnitCache } from '../../extract/kvm/open-tree.ts';
import { bodyText } from '../../extract/mail/mail.ts';
import { patchBytes, patchFiles, pathsOf } from '../../extract/mail/patch.ts';
import type { Series } from '../../extract/mail/rerolls.ts';
import { mailsOf } from '../../extract/mail/series.ts';
import { countPrerequisites } from '../../extract/mail/trailers.ts';
import { applyPatches, findBase, type Patch, touchedPaths } from '../../git/apply-series.ts';
import { type BlobOptions, type BlobReader, openBlobs } from '../../git/blobs.ts';
import type { Repository } from '../../git/repository.ts';
import { type Scratch, withScratch } from '../../git/scratch.ts';
import { betweenOf, splitsGained } from '../../judge/bisect.ts';
import { type Ground, judgePolicyStep } from '../../judge/judge.ts';
import { openAfter, releaseEffects } from '../../judge/series.ts';
import { DataError, KnownError, NoInputError, UnavailableError } from '../../model/errors.ts';
import { lineOf } from '../../model/lineage.ts';
import type { Policy } from '../../model/policy.ts';
import type {
  SeriesBase,
  SeriesEffect,
  SeriesIdentity,
  SeriesOutcome,
  SinceVersion,
} from '../../model/series-effect.ts';
import type { Specs } from '../../specs/store.ts';
import { readPolicyRevision } from '../kvm-revision.ts';
import { groundOf } from '../reviews.ts';
import { type FoundSeries, isNewest, listsOf } from './mails.ts';
import { checkModes, INPUTS, isChange, readSteps, readTree } from './steps.ts';

export type WeighOptions = {
  readonly repository: Repository;
  /** `--base`. */
  readonly given: string | null;
  /** The version that it is held against; `null` where none is known or asked for. */
  readonly previous: Series | null;
  /** How blobs that the clone lacks are had. */
  readonly blobs: BlobOptions;
  readonly command: string;
};

/** Applies a series and says what it does to KVM's policy and to the TDs of every release. */
export async function weighSeries(specs: Specs, found: FoundSeries, options: WeighOptions): Promise<SeriesEffect> {
  const { series } = found;
  const patches = patchesOf(series);
  return withScratch(options.repository, async (scratch) => {
    const { paths, broken } = await touchedPaths(scratch, patches);
    const inputs = paths.filter((path) => INPUTS.has(path));
    const gap = gapOf(series, patches);
    const outcome: SeriesOutcome =
      gap !== null
        ? { kind: 'incomplete', reason: gap }
        : inputs.length > 0
          ? await apply(specs, { series, patches, paths }, scratch, options)
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
      fixups: found.fixups.map((mail) => ({
        id: mail.id,
        author: mail.author,
        date: mail.date,
        subject: mail.subject,
        paths: [...new Set(pathsOf(patchFiles(patchBytes(mail) ?? Buffer.alloc(0))))],
      })),
      notes: found.notes,
      command: options.command,
    };
  });
}

const patchesOf = (series: Series): readonly Patch[] =>
  series.complete.flatMap(({ part, title, mail }): readonly Patch[] => {
    const diff = patchBytes(mail);
    return diff === null ? [] : [{ part, title, id: mail.id, diff, files: patchFiles(diff) }];
  });

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

/** What a version of a series makes of its base. */
type Read = {
  readonly kind: 'read';
  readonly base: SeriesBase;
  readonly before: Policy | null;
  readonly after: Policy;
  readonly trees: readonly string[];
  readonly offsets: number;
};
type Unread = Extract<SeriesOutcome, { readonly kind: 'rejected' | 'unreadable' }>;

/** Finds the base of a version, applies it there and reads both ends. */
async function readVersion(
  series: Series,
  patches: readonly Patch[],
  paths: readonly string[],
  reading: Reading,
): Promise<Read | Unread> {
  const { repository, scratch, blobs, made, units, given } = reading;
  const asked = {
    given,
    named: series.baseCommit,
    prerequisites: mailsOf(series).reduce((sum, mail) => sum + countPrerequisites(bodyText(mail)), 0),
  };
  const prepare = (commit: string): Promise<void> => needBlobs(blobs, commit, paths);
  const base = await findBase(repository, scratch, patches, { ...asked, prepare, blobs });
  if (base === null) throw new NoInputError(`${repository.name}: the clone has no commit to apply a series to`);
  const before = await readSide('before', base, () => readBefore(reading, base.commit));
  if (before.kind === 'unreadable') return before;
  await prepare(base.commit);
  const result = await applyPatches(scratch, base.commit, patches);
  if (result.kind === 'rejected') return { kind: 'rejected', base, rejection: result.rejection };
  const tree = result.trees.at(-1) ?? '';
  const after = await readSide('after', base, () => readTree({ repository, scratch, made, units }, tree));
  if (after.kind === 'unreadable') return after;
  return { ...result, kind: 'read', base, before: before.policy, after: after.policy };
}

type Reading = {
  readonly repository: Repository;
  readonly scratch: Scratch;
  readonly blobs: BlobReader;
  /** Reads the trees that patches make, which the scratch repository alone has. */
  readonly made: BlobReader;
  /** The files that the series leaves alone are parsed once for all states. */
  readonly units: UnitCache;
  readonly given: string | null;
};

/** A series that has all its parts, and the paths that they touch. */
type Complete = { readonly series: Series; readonly patches: readonly Patch[]; readonly paths: readonly string[] };

async function apply(
  specs: Specs,
  { series, patches, paths }: Complete,
  scratch: Scratch,
  options: WeighOptions,
): Promise<SeriesOutcome> {
  const { repository, previous, given } = options;
  const blobs = openBlobs(repository, options.blobs);
  const made = openBlobs(scratch);
  const reading: Reading = { repository, scratch, blobs, made, units: new Map(), given };
  try {
    const read = await readVersion(series, patches, paths, reading);
    if (read.kind !== 'read') return read;
    const { base, before, trees } = read;
    const after: Policy = { ...read.after, version: `${read.after.version} with the series` };
    const ground = groundOf(specs);
    const { steps, mids } = await readSteps(
      { states: reading, base: base.commit, patches, trees, before, after },
      ground,
    );
    const last = { part: patches.at(-1)?.part ?? 1, policy: after };
    return {
      kind: 'applied',
      base,
      offsets: read.offsets,
      before,
      after,
      changes: diffPolicies(before, after, specs.knowledge.names),
      steps,
      between: betweenOf(before, mids, last, ground),
      since: previous === null ? null : await sinceVersion(previous, { before, after }, reading, ground),
      findings: before === null ? [] : judgePolicyStep(before, after, ground).findings,
      effects: releaseEffects(before, after, ground),
      open: openAfter(newestOfLines(specs), after, ground),
    };
  } finally {
    await Promise.all([blobs.close(), made.close()]);
  }
}

/** What the TDs get otherwise than with the version before, which is applied to its own base. */
async function sinceVersion(
  previous: Series,
  { before, after }: Pick<Read, 'before' | 'after'>,
  reading: Reading,
  ground: Ground,
): Promise<SinceVersion> {
  const { id, version, rfc } = previous;
  const patches = patchesOf(previous);
  const not = (reason: string): SinceVersion => ({ kind: 'not-compared', id, version, rfc, reason });
  const gap = gapOf(previous, patches);
  if (gap !== null) return not(gap);
  const { paths } = await touchedPaths(reading.scratch, patches);
  const old = await readVersion(previous, patches, paths, reading);
  if (old.kind === 'rejected') return not(`it does not apply: part ${old.rejection.part}: ${old.rejection.reason}`);
  if (old.kind === 'unreadable') return not(`the policy cannot be read: ${old.reason}`);
  const { names } = ground.knowledge;
  const isSameStart =
    before === null || old.before === null
      ? before === old.before
      : !isChange(diffPolicies(old.before, before, names)) &&
        splitsGained(before, old.before, ground).length + splitsGained(old.before, before, ground).length === 0;
  return {
    kind: 'compared',
    id,
    version,
    rfc,
    isSameStart,
    changes: diffPolicies(old.after, after, names),
    splits: { added: splitsGained(after, old.after, ground), removed: splitsGained(old.after, after, ground) },
    effects: releaseEffects(old.after, after, ground),
  };
}

/** Asks for the files that the diffs change, so that one which the clone lacks is fetched or named, not taken for another base. */
async function needBlobs(blobs: BlobReader, commit: string, paths: readonly string[]): Promise<void> {
  await Promise.all(
    paths.map(async (path) => {
      try {
        await blobs.read(`${commit}:${path}`);
      } catch (error) {
        // A folder, a submodule or a name with line breaks is no preimage: git refuses the diff and says so.
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

async function readBefore({ repository, scratch, blobs, units }: Reading, commit: string): Promise<Policy | null> {
  await checkModes(scratch, commit);
  if ((await blobs.read(`${commit}:arch/x86/kvm/vmx/tdx.c`)) === null) return null;
  return readPolicyRevision(repository, blobs, commit, units);
}

/** The newest release of each of the last two lines: those that hosts run today. */
function newestOfLines(specs: Specs): readonly string[] {
  const lines = new Map(specs.releases.map(({ module: { release } }) => [lineOf(release), release]));
  return [...lines.values()].slice(-2);
}
