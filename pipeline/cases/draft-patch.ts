import { type FeatureTable, readFeatures } from '../extract/kvm/features.ts';
import { openTree } from '../extract/kvm/open-tree.ts';
import { optInPlaces } from '../extract/kvm/opt-in.ts';
import { KVM_PATHS, TDX_PATH } from '../extract/kvm/paths.ts';
import { findDenialPlaces } from '../extract/kvm/places.ts';
import { filterOf } from '../extract/kvm/policy.ts';
import type { KernelFile, KernelTree } from '../extract/kvm/tree.ts';
import { filePatch } from '../git/file-patch.ts';
import { baseOf } from '../judge/judge.ts';
import { configurableBits } from '../judge/lookup.ts';
import { verdictsOf } from '../judge/verdict.ts';
import { namesText } from '../model/bit-names.ts';
import { DataError, KnownError, NoInputError, UsageError } from '../model/errors.ts';
import { bitsOf, or, without } from '../model/mask.ts';
import { namedBits } from '../model/names.ts';
import { formatPlace, placeId, samePlace, subleafOf } from '../model/place.ts';
import type { Policy, PolicyMask } from '../model/policy.ts';
import { type Context, specsOf } from './context.ts';
import { type Undecided, withDenial, withOptIn } from './draft-text.ts';
import { readPolicyRevision } from './kvm-revision.ts';
import { readFiles } from './module-revision.ts';
import { findRelease } from './operand.ts';
import { groundOf } from './reviews.ts';
import { readAt } from './sources.ts';

/**
 * `bitwatch review RELEASE --suggest GITDIR@REV`: a draft patch against that tree which denies each bit that it lets
 * through undecided or, of an allowlist, opts in each bit that it hides. The draft is read back: what the patched tree
 * does must be what it says.
 */
export async function draftPatch(
  context: Context,
  name: string,
  operand: string,
  since: string | null,
): Promise<string> {
  const at = operand.lastIndexOf('@');
  if (at < 1) throw new UsageError(`--suggest ${JSON.stringify(operand)}: expected GITDIR@REV`);
  const specs = await specsOf(context);
  const release = findRelease(specs, name);
  return readAt(
    context,
    { path: operand.slice(0, at), revision: operand.slice(at + 1) },
    async (repository, blobs, commit) => {
      const policy = await readPolicyRevision(repository, blobs, commit);
      const ground = groundOf(specs);
      const base = baseOf(policy, ground);
      const before = since === null ? new Map<string, number>() : configurableBits(findRelease(specs, since));
      const bits = verdictsOf(release, policy, base, specs.knowledge)
        .filter(({ verdict }) => verdict === 'exposed' || verdict === 'needs-optin')
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
        return policy.generation === 'allowlist'
          ? `nothing to decide: ${operand} allows every bit of ${name} that is configurable\n`
          : `nothing to decide: ${operand} lets no feature of ${name} through that nobody stands behind\n`;
      }
      const { files } = await readFiles(blobs, commit, KVM_PATHS);
      const text = files.get(TDX_PATH)?.text;
      if (text === undefined) throw new NoInputError(`${operand}: no ${TDX_PATH}`);
      const draft: Draft = {
        repository: repository.name,
        commit,
        files,
        text,
        policy,
        bits,
        why: `TDX module ${name}`,
      };
      const after = policy.generation === 'allowlist' ? optInDraft(draft) : denialDraft(draft);
      return await filePatch(repository, {
        path: TDX_PATH,
        blob: files.get(TDX_PATH)?.blob ?? '',
        after: Buffer.from(after),
      });
    },
  );
}

/** What a draft is made for and from: the tree's files, the text of tdx.c and what nobody decided on. */
type Draft = {
  readonly repository: string;
  readonly commit: string;
  readonly files: ReadonlyMap<string, KernelFile>;
  readonly text: string;
  readonly policy: Policy;
  readonly bits: readonly Undecided[];
  readonly why: string;
};

/** The tree with another text of tdx.c. */
const treeWith = ({ repository, commit, files }: Draft, text: string): KernelTree =>
  openTree(repository, commit, new Map([...files, [TDX_PATH, { text, blob: 'draft' }]]));

/** The text of tdx.c that denies the bits. */
function denialDraft(draft: Draft): string {
  const { text, bits, policy, why } = draft;
  const places = findDenialPlaces(treeWith(draft, text));
  const after = withDenial(text, places, bits, `bits of ${why} that this KVM lets through undecided`);
  const { deny } = filterOf(treeWith(draft, after));
  if (sumOf(deny) !== sumOf([...policy.deny, ...bits]))
    throw new Error(`the draft denies ${sumOf(deny)} instead of ${sumOf([...policy.deny, ...bits])}`);
  return after;
}

/**
 * Lets bits through where the tree's own code would: each place is tried, and the one counts with which the filter lets
 * through what it did before and these bits, no more and no less. A DataError for a register without such a place.
 */
function optInDraft(draft: Draft): string {
  let { text } = draft;
  let allowed: readonly Counted[] = draft.policy.allow;
  for (const bits of draft.bits) {
    const wanted = sumOf(matters([...allowed, bits], bits));
    const found = firstOf(optInsOf({ ...draft, text }, bits), ({ allow }) => sumOf(matters(allow, bits)) === wanted);
    if (found === null)
      throw new DataError({
        where: { file: TDX_PATH, line: draft.policy.allow[0]?.line ?? 1 },
        expected: `a mask to which ${formatPlace(bits)} can be added`,
        found: 'none that lets through these bits and nothing else',
        hint: 'the code needs a new case or word for this register; write it by hand, then ask again for the rest',
      });
    // Not these bits alone: of a leaf without sub-leaves the code may let other sub-leaves through too.
    ({ text, allow: allowed } = found);
  }
  return text;
}

/** The text with the bits at each place that could take them, and what the filter lets through then. */
function* optInsOf(
  draft: Draft,
  bits: Undecided,
): Generator<{ readonly text: string; readonly allow: readonly Counted[] }> {
  const tree = treeWith(draft, draft.text);
  const features = readFeatures(tree);
  for (const place of optInPlaces(tree.unit(TDX_PATH), features, bits)) {
    const names = place.macro === null ? [null] : featureNames(features, bits);
    const text = withOptIn(draft.text, place, bits, { names, why: draft.why });
    const allow = allowedBy(treeWith(draft, text));
    if (allow !== null) yield { text, allow };
  }
}

/** The tree's name of each bit, null where it has none. */
const featureNames = (features: FeatureTable, undecided: Undecided): readonly (string | null)[] =>
  bitsOf(undecided.mask).map((bit) => {
    const hit = [...features.bits].find(([, at]) => samePlace(at, undecided) && at.bit === bit);
    return hit === undefined ? null : hit[0];
  });

function firstOf<T>(items: Iterable<T>, holds: (item: T) => boolean): T | null {
  for (const item of items) if (holds(item)) return item;
  return null;
}

/** A leaf without sub-leaves is only asked for with sub-leaf 0: what the code would do with others is no matter. */
const matters = (list: readonly Counted[], { leaf, subleaf }: Undecided): readonly Counted[] =>
  subleaf !== null
    ? list
    : list.flatMap((entry): readonly Counted[] => {
        if (entry.leaf !== leaf) return [entry];
        const { everySubleafBut: _, ...own } = entry;
        return subleafOf(own) === 0 ? [own] : [];
      });

function allowedBy(tree: KernelTree): readonly Counted[] | null {
  try {
    return filterOf(tree).allow;
  } catch (error) {
    // A change that makes the code unreadable, or its two halves disagree, is not the one.
    if (error instanceof KnownError) return null;
    throw error;
  }
}

type Counted = Pick<PolicyMask, 'leaf' | 'register' | 'mask' | 'everySubleafBut'> & {
  readonly subleaf: number | null;
};

/** Masks by place, joined, as a text that is the same for the same bits. */
function sumOf(list: readonly Counted[]): string {
  const masks = new Map<string, number>();
  for (const entry of list) {
    const every = entry.everySubleafBut === undefined ? '' : ` but ${entry.everySubleafBut.join()}`;
    const key = `${placeId(entry)}${every}`;
    masks.set(key, or(masks.get(key) ?? 0, entry.mask));
  }
  return JSON.stringify([...masks].sort());
}
