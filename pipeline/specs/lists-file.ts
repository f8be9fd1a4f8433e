import type { BitName } from '../model/field.ts';
import type { LevelOverride } from '../model/knowledge.ts';
import { hex } from '../model/mask.ts';
import type { Source } from '../model/source.ts';
import type { PlainDecisions, PlainLevels, PlainNames, PlainReleases, PlainWaivers } from './lists-shape.ts';
import { type PlainReader, readPlain } from './plain.ts';
import { yamlText } from './yaml-text.ts';

/** A release that is known, whether or not its tables could be read. */
export type KnownRelease = {
  readonly release: string;
  readonly mrseam: string | null;
  readonly link: string | null;
  /** False where the README marks it as a release without source yet; null where no README lists it. */
  readonly sourceReleased: boolean | null;
  readonly features0: bigint | null;
  /** The oldest running release that can be updated to this one with TDs preserved. */
  readonly updatesFrom: string | null;
  /** SEAMLDR versions that load it; empty where nobody publishes them. */
  readonly seamldr: readonly string[];
  /** Where the name was seen. */
  readonly seen: readonly string[];
};

/** A release of which only the name is known. */
export const unknownRelease = (release: string): KnownRelease => ({
  release,
  mrseam: null,
  link: null,
  sourceReleased: null,
  features0: null,
  updatesFrom: null,
  seamldr: [],
  seen: [],
});

export async function readReleasesFile(
  file: string,
  text: string,
  reader: PlainReader,
): Promise<readonly KnownRelease[]> {
  const plain = await readPlain<PlainReleases>(
    'releases',
    file,
    text,
    reader,
    async () => (await import('./lists-shape.ts')).checkReleases,
  );
  return plain.releases.map((entry) => ({
    release: entry.release,
    mrseam: entry.mrseam ?? null,
    link: entry.link ?? null,
    sourceReleased: entry.sourceReleased ?? null,
    features0: entry.features0 === undefined ? null : BigInt(entry.features0),
    updatesFrom: entry.updatesFrom ?? null,
    seamldr: entry.seamldr ?? [],
    seen: entry.seen,
  }));
}

/** `specs/releases.yaml`: releases that are known, with what is published beside their source. */
export const releasesToYaml = (releases: readonly KnownRelease[]): Promise<string> =>
  yamlText({ releases: releases.map(plainRelease) } satisfies PlainReleases, {
    comment:
      'Releases that are known, whether or not their tables could be read, with what is published beside the source.',
    blocks: ['releases'],
  });

const plainRelease = (entry: KnownRelease): PlainReleases['releases'][number] => ({
  release: entry.release,
  ...(entry.mrseam === null ? {} : { mrseam: entry.mrseam }),
  ...(entry.link === null ? {} : { link: entry.link }),
  ...(entry.sourceReleased === null ? {} : { sourceReleased: entry.sourceReleased }),
  ...(entry.features0 === null ? {} : { features0: hex(entry.features0) }),
  ...(entry.updatesFrom === null ? {} : { updatesFrom: entry.updatesFrom }),
  ...(entry.seamldr.length === 0 ? {} : { seamldr: [...entry.seamldr] }),
  seen: [...entry.seen],
});

export async function readNamesFile(file: string, text: string, reader: PlainReader): Promise<readonly BitName[]> {
  const plain = await readPlain<PlainNames>(
    'names',
    file,
    text,
    reader,
    async () => (await import('./lists-shape.ts')).checkNames,
  );
  return plain.names.flatMap(({ leaf, subleaf, lastSubleaf, ...name }) => {
    const first = subleaf === null ? null : Number(subleaf);
    const more = first === null || lastSubleaf === undefined ? 0 : Math.max(0, Number(lastSubleaf) - first);
    return Array.from({ length: more + 1 }, (_, step) => ({
      ...name,
      leaf: Number(leaf),
      subleaf: first === null ? null : first + step,
    }));
  });
}

/** `specs/names.yaml`: names of CPUID bits and fields with the files that they were read from. */
export const namesToYaml = (names: readonly BitName[], sources: readonly Source[]): Promise<string> =>
  yamlText(
    {
      source: sources.map(({ repository, revision, path, blob }) => ({ repository, revision, path, blob })),
      names: runsOf(names).map(({ last, leaf, subleaf, register, high, low, name }) => ({
        leaf: hex(leaf),
        subleaf: subleaf === null ? null : hex(subleaf),
        ...(last === null || last === subleaf ? {} : { lastSubleaf: hex(last) }),
        register,
        high,
        low,
        name,
      })),
    } satisfies PlainNames,
    {
      comment:
        'Names of CPUID bits and fields, read by the program: features by the kernel’s names, fields by those of kcpuid.',
      words: ['register'],
    },
  );

type Run = BitName & { readonly last: number | null };

/** Names that successive sub-leaves share, as one with its last sub-leaf: one layout is one row. */
function runsOf(names: readonly BitName[]): readonly Run[] {
  const open = new Map<string, number>();
  const runs: Run[] = [];
  for (const name of names) {
    const key = `${name.leaf} ${name.register} ${name.high}:${name.low} ${name.name}`;
    const at = open.get(key);
    const run = at === undefined ? undefined : runs[at];
    if (at !== undefined && run !== undefined && name.subleaf !== null && run.last === name.subleaf - 1)
      runs[at] = { ...run, last: name.subleaf };
    else {
      open.set(key, runs.length);
      runs.push({ ...name, last: name.subleaf });
    }
  }
  return runs;
}

export async function readLevelsFile(
  file: string,
  text: string,
  reader: PlainReader,
): Promise<readonly LevelOverride[]> {
  const plain = await readPlain<PlainLevels>(
    'levels',
    file,
    text,
    reader,
    async () => (await import('./lists-shape.ts')).checkLevels,
  );
  return plain.levels.map(({ rule, leaf, subleaf, level, reason }) => ({
    rule,
    leaf:
      leaf === undefined
        ? null
        : { leaf: Number(leaf), subleaf: subleaf === undefined || subleaf === null ? null : Number(subleaf) },
    level,
    reason,
  }));
}

export async function readPlainWaivers(
  file: string,
  text: string,
  reader: PlainReader,
): Promise<PlainWaivers['waivers']> {
  const plain = await readPlain<PlainWaivers>(
    'waivers',
    file,
    text,
    reader,
    async () => (await import('./lists-shape.ts')).checkWaivers,
  );
  return plain.waivers;
}

export async function readPlainDecisions(
  file: string,
  text: string,
  reader: PlainReader,
): Promise<PlainDecisions['decisions']> {
  const plain = await readPlain<PlainDecisions>(
    'decisions',
    file,
    text,
    reader,
    async () => (await import('./lists-shape.ts')).checkDecisions,
  );
  return plain.decisions;
}
