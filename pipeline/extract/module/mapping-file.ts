import { z } from 'zod';
import { DataError } from '../../model/errors.ts';
import { checkJson, type Json, parseJson } from '../json.ts';
import { decodeText, encodingNotes } from '../text.ts';
import { isVersion } from './version.ts';

/** What both descriptions of a binary release say: which modules and loaders it can replace or be loaded by. */
export type BinaryRelease = {
  readonly release: string;
  /** The oldest running module that a TD-preserving update may start from. */
  readonly minModule: string;
  /** SEAMLDR versions that can load it, in the order of the source. */
  readonly seamldr: readonly string[];
};

/** An entry of mapping_file.json; TDX_FEATURES0 is 64 bits wide. */
type MappedRelease = BinaryRelease & { readonly features0: bigint; readonly at: string };

export type MappingFile = { readonly releases: readonly MappedRelease[]; readonly notes: readonly string[] };

const version = z.string({ error: 'a version in quotes' }).refine(isVersion, { error: 'a version such as 1.5.06' });
const features = z
  .string({ error: 'a hex string' })
  .regex(/^0x[0-9a-f]{1,16}$/i, { error: 'a 64-bit hex string such as 0x61f0fbf' });

const entrySchema = z.looseObject(
  {
    version,
    min_module_version_for_td_preserving: version,
    min_seamldr_versions: z.array(version, { error: 'an array of versions' }).min(1, { error: 'at least one version' }),
    tdx_feature0: features,
  },
  { error: 'an object for each release' },
);
const schema = z.looseObject(
  { tdx_module_releases: z.array(z.custom<Json>(), { error: 'an array of releases' }) },
  { error: 'an object' },
);

const KNOWN_KEYS = new Set(Object.keys(entrySchema.shape));
const KNOWN_TOP = new Set(['Header', 'tdx_module_releases']);

function unknownKeys(file: string, value: object, known: ReadonlySet<string>, at: string): readonly string[] {
  const keys = Object.keys(value).filter((key) => !known.has(key));
  return keys.map((key) => `${file}: ${at === '' ? '' : `${at}.`}${key} is not known and was not read.`);
}

/**
 * mapping_file.json of the binaries repository: per release TDX_FEATURES0 and the limits of a TD-preserving update.
 * A value of another shape, or a release listed twice, is a DataError with its JSON path; unknown keys become notes.
 */
export function readMappingFile(file: string, bytes: Uint8Array): MappingFile {
  const text = decodeText(bytes);
  const json: Json = parseJson(file, text.text);
  const document = checkJson(file, schema, json);
  const notes = [...encodingNotes(file, text), ...unknownKeys(file, document, KNOWN_TOP, '')];
  const seen = new Set<string>();
  // One after the other: a list of what is no release is told by its first.
  const releases = document.tdx_module_releases.map((given, index): MappedRelease => {
    const at = `tdx_module_releases[${index}]`;
    const entry = checkJson(file, entrySchema, given, ['tdx_module_releases', index]);
    if (seen.has(entry.version)) {
      throw new DataError({
        where: { file, at: `${at}.version` },
        expected: `${entry.version} once`,
        found: 'it again',
      });
    }
    seen.add(entry.version);
    notes.push(...unknownKeys(file, entry, KNOWN_KEYS, at));
    return {
      release: entry.version,
      minModule: entry.min_module_version_for_td_preserving,
      seamldr: entry.min_seamldr_versions,
      features0: BigInt(entry.tdx_feature0),
      at,
    };
  });
  return { releases, notes };
}
