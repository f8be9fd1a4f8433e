/** One epoch of a list's archive: a public-inbox git repository. */
export type Epoch = {
  /** `kvm/0`. */
  readonly archive: string;
  readonly url: string;
  /** What the source's HEAD names; null where the run fetches nothing. */
  readonly tip: string | null;
  /** The tip of the last scan, null where there was none. */
  readonly known: string | null;
};

/** A job of a workflow's matrix: one share of what is new in one epoch. */
export type Job = {
  readonly archive: string;
  /** The commit that every share of the epoch reads up to, or empty: then the newest. */
  readonly tip: string;
  /** `2/4`. */
  readonly shard: string;
  /** A file name for the share. */
  readonly part: string;
};

/**
 * The jobs that read what is new, in the order of the epochs: `shards` of an epoch that was never read, one of an epoch of which
 * only the newest mails are new, none of one without news. The shares of an epoch end at one commit, whatever arrives meanwhile.
 */
export function planJobs(epochs: readonly Epoch[], shards: number): readonly Job[] {
  return epochs.flatMap(({ archive, tip, known }) => {
    if (tip !== null && tip === known) return [];
    const of = known === null ? shards : 1;
    return Array.from({ length: of }, (_, index) => ({
      archive,
      tip: tip ?? '',
      shard: `${index + 1}/${of}`,
      part: `${archive.replaceAll('/', '-')}-${index + 1}-of-${of}`,
    }));
  });
}
