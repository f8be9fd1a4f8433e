/** Where a release's name comes from, the most trusted first. */
const NAME_SOURCES = ['tag', 'subject', 'makefile'] as const;
type NameSource = (typeof NAME_SOURCES)[number];

const PATTERNS: readonly { readonly form: RegExp; readonly name: (parts: RegExpExecArray) => string }[] = [
  // TDX_1.5.01, TDX 1.5.05, TDX_MODULE_1.5.05, V1.0.01.01 (the fourth number is a build), V1.0.3.
  {
    form: /^(?:TDX(?:[_ ]MODULE)?[_ ]|V|TDX_V)?(\d+)\.(\d+)\.(\d{1,2})(?:\.\d+)*$/i,
    name: ([, major, minor, update = '']) => `${major}.${minor}.${update.padStart(2, '0')}`,
  },
  // TDX_1.0_V1.00: the line, then the version within it.
  { form: /^TDX_(\d+)\.(\d+)_V\d+\.(\d{2})$/i, name: ([, major, minor, update]) => `${major}.${minor}.${update}` },
  { form: /^(?:TDX[_ ])?V?(\d+)\.(\d+)[ _-]Beta$/i, name: ([, major, minor]) => `${major}.${minor} Beta` },
];

/** The release that a tag or a commit's subject names as a whole, or null. */
export function releaseNameOf(text: string): string | null {
  for (const { form, name } of PATTERNS) {
    const match = form.exec(text.trim());
    if (match !== null) return name(match);
  }
  return null;
}

/**
 * The version that `proj_defs.mk` builds by default, or null where it states none. The make file's number is a default of
 * the build, not a release: 0 in the tree of 1.5.01.
 */
export function makefileVersion(text: string): string | null {
  const number = (name: string): string | null =>
    [...text.matchAll(new RegExp(`-D${name}=(\\d+)`, 'g'))].at(-1)?.[1] ?? null;
  const [major, minor, update] = ['TDX_MODULE_MAJOR_VER', 'TDX_MODULE_MINOR_VER', 'TDX_MODULE_UPDATE_VER'].map(number);
  if (major == null || minor == null || update == null) return null;
  return `${major}.${minor}.${update.padStart(2, '0')}`;
}

export type NamedRevision = { readonly release: string; readonly by: NameSource; readonly from: string };

/** The release of a revision by tag, then subject, then make file, with a note for each source that disagrees. */
export function nameRevision(
  tags: readonly string[],
  subject: string,
  makefile: string | null,
): { readonly name: NamedRevision | null; readonly notes: readonly string[] } {
  const candidates: NamedRevision[] = [];
  for (const tag of [...tags].sort()) {
    const release = releaseNameOf(tag);
    if (release !== null) candidates.push({ release, by: 'tag', from: tag });
  }
  const named = releaseNameOf(subject);
  if (named !== null) candidates.push({ release: named, by: 'subject', from: subject.trim() });
  const made = makefile === null ? null : makefileVersion(makefile);
  if (made !== null) candidates.push({ release: made, by: 'makefile', from: 'proj_defs.mk' });
  const [name, ...others] = candidates;
  if (name === undefined) return { name: null, notes: [] };
  const notes = others
    .filter((other) => other.release !== name.release)
    .map(
      (other) =>
        `the ${other.by} (${other.from}) says ${other.release}, the ${name.by} (${name.from}) says ${name.release}`,
    );
  return { name, notes };
}
