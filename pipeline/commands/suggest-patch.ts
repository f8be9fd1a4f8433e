import { readFeatures } from '../extract/kvm/features.ts';
import { readFilter } from '../extract/kvm/filter.ts';
import { findDenialPlaces } from '../extract/kvm/places.ts';
import { KVM_PATHS, openTree, TDX_PATH } from '../extract/kvm/tree.ts';
import { configurableBits } from '../judge/lookup.ts';
import { verdictsOf } from '../judge/verdict.ts';
import { NoInputError, UsageError } from '../model/errors.ts';
import { or, without } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import { placeId } from '../model/place.ts';
import type { PolicyMask } from '../model/policy.ts';
import { namesText } from '../report/bits.ts';
import { applyInsertions, draftDenial, type Undecided } from '../report/draft.ts';
import { openBlobs } from '../sources/blobs.ts';
import { openRepository, resolveCommit } from '../sources/repository.ts';
import { type Context, specsOf } from './context.ts';
import { readPolicyRevision } from './kvm-revision.ts';
import { readFiles } from './module-revision.ts';
import { findRelease } from './operand.ts';
import { baseOf } from './steps.ts';

/**
 * `bitwatch review RELEASE --suggest GITDIR@REV`: a draft patch against that tree which denies each bit that it lets
 * through undecided. The draft is read back: what the patched tree denies must be what it says.
 */
export async function suggestCommand(
  context: Context,
  name: string,
  operand: string,
  since: string | null,
): Promise<void> {
  const at = operand.lastIndexOf('@');
  if (at < 1) throw new UsageError(`--suggest ${JSON.stringify(operand)}: expected GITDIR@REV`);
  const specs = await specsOf(context);
  const release = findRelease(specs, name);
  const repository = openRepository(operand.slice(0, at), context.env);
  const commit = await resolveCommit(repository, operand.slice(at + 1));
  const blobs = openBlobs(repository.gitDir, context.env, !context.options.offline);
  try {
    const policy = await readPolicyRevision(repository, blobs, commit);
    if (policy.generation !== 'denylist' && policy.generation !== 'none')
      throw new UsageError(
        `${operand} is of the ${policy.generation} generation: a bit is opted in where the listed masks stand (${policy.allow.map(({ path, line }) => `${path}:${line}`).join(', ') || 'no place found'}); its form is not settled, so no patch is drafted`,
      );
    const base = { release: baseOf(specs).module.release, configurable: configurableBits(baseOf(specs)) };
    const before = since === null ? new Map<string, number>() : configurableBits(findRelease(specs, since));
    const bits = verdictsOf(release, policy, base, specs.knowledge)
      .filter(({ verdict }) => verdict === 'exposed')
      .flatMap((judged): readonly Undecided[] => {
        const mask = without(judged.mask, before.get(placeId(judged)) ?? 0);
        return mask === 0
          ? []
          : [
              {
                leaf: judged.leaf,
                subleaf: judged.subleaf,
                register: judged.register,
                mask,
                names: namesText(namedBits(specs.knowledge.names, judged, mask)) || 'no name',
              },
            ];
      });
    if (bits.length === 0) {
      context.stdout.write(
        `nothing to decide: ${operand} lets no bit of ${name} through that is newer than ${base.release}\n`,
      );
      return;
    }
    const { files } = await readFiles(blobs, commit, KVM_PATHS);
    const text = files.get(TDX_PATH)?.text;
    if (text === undefined) throw new NoInputError(`${operand}: no ${TDX_PATH}`);
    const tree = openTree(repository.name, commit, files);
    const patch = draftDenial(
      TDX_PATH,
      text,
      findDenialPlaces(tree),
      bits,
      `bits of TDX module ${name} that this KVM lets through undecided`,
    );
    const patched = openTree(
      repository.name,
      commit,
      new Map([...files, [TDX_PATH, { text: applyInsertions(text, patch), blob: 'draft' }]]),
    );
    const filter = readFilter({
      unit: patched.unit(TDX_PATH),
      scope: patched.scope(TDX_PATH),
      features: readFeatures(patched),
      path: TDX_PATH,
    });
    checkDraft(policy.deny, bits, filter.deny);
    context.stdout.write(patch);
  } finally {
    await blobs.close();
  }
}

/** The patched tree must deny what it denied before and the new bits, no more and no less. */
function checkDraft(before: readonly PolicyMask[], bits: readonly Undecided[], after: readonly PolicyMask[]): void {
  const sum = (
    list: readonly (Pick<PolicyMask, 'leaf' | 'register' | 'mask'> & { readonly subleaf: number | null })[],
  ): string => {
    const masks = new Map<string, number>();
    for (const entry of list) {
      const key = placeId({ ...entry, subleaf: entry.subleaf ?? 0 });
      masks.set(key, or(masks.get(key) ?? 0, entry.mask));
    }
    return JSON.stringify([...masks].sort());
  };
  if (sum([...before, ...bits]) !== sum(after))
    throw new Error(`the draft denies ${sum(after)} instead of ${sum([...before, ...bits])}`);
}
