/** What a cover letter or patch says of where it belongs. */
export type Trailers = {
  /** The commit that the series applies to, as written: 7 to 64 hex digits. */
  readonly baseCommit: string | null;
  readonly changeId: string | null;
  /**
   * Message-IDs that the text links to, each with the line that names it and the line before, links cut out. Of a line that is
   * longer than `MAX_CONTEXT`, what stands around the link.
   */
  readonly links: readonly { readonly id: string; readonly context: string }[];
};

const LINK =
  /https?:\/\/(?:lore\.kernel\.org|lkml\.kernel\.org|(?:patch\.)?msgid\.link|marc\.info)\/[^\s<>()[\]"']{3,400}/g;

/** No cover letter has more; a body of links only would be compared with each posting of its author. */
const MAX_LINKS = 1000;
const MAX_CONTEXT = 2000;

/** What stands around a link of a line, by the link's place in it. */
function contextOf(before: string, line: string): (index: number) => string {
  if (before.length + line.length <= MAX_CONTEXT) {
    const whole = `${before}\n${line}`.replace(LINK, '');
    return () => whole;
  }
  const half = MAX_CONTEXT / 2;
  return (index) => line.slice(Math.max(0, index - half), index + half).replace(LINK, '');
}

/** The Message-ID that a link of an archive ends in. */
function linkedId(url: string): string | null {
  const segments = url.split(/[?#]/)[0]?.split('/').slice(3) ?? [];
  const segment = segments.find((text) => text.includes('@') || text.includes('%40'));
  if (segment === undefined) return null;
  try {
    return decodeURIComponent(segment).replace(/[.,;:]+$/, '');
  } catch {
    return segment;
  }
}

/** How many `prerequisite-patch-id:` lines a text has: patches that the series builds on. */
export const countPrerequisites = (text: string): number =>
  text.split('\n').filter((line) => /^prerequisite-patch-id:\s*[0-9a-f]{7,64}\s*$/i.test(line)).length;

/** Reads `base-commit:`, `change-id:` and links to mails. Quoted lines say what another mail said and are passed over. */
export function readTrailers(text: string): Trailers {
  let baseCommit: string | null = null;
  let changeId: string | null = null;
  const links: { id: string; context: string }[] = [];
  let before = '';
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('>')) continue;
    baseCommit ??= /^base-commit:\s*([0-9a-f]{7,64})\s*$/i.exec(line)?.[1]?.toLowerCase() ?? null;
    changeId ??= /^change-id:\s*(\S{1,200})\s*$/i.exec(line)?.[1] ?? null;
    if (line.includes('://')) {
      const context = contextOf(before, line);
      for (const { 0: url, index } of line.matchAll(LINK)) {
        const id = linkedId(url);
        if (id !== null) links.push({ id, context: context(index) });
        if (links.length === MAX_LINKS) return { baseCommit, changeId, links };
      }
    }
    before = line;
  }
  return { baseCommit, changeId, links };
}
