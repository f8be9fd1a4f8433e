import { diffOf } from './diff.ts';
import type { Mail } from './mail.ts';

/** A hunk by its header line and the first line that it expects in the old file. */
type Hunk = { readonly header: string; readonly oldStart: number };

/** One file of a diff, as the diff says; git decides what is applied. */
export type PatchFile = {
  /** `null` where the diff creates the file, or removes it. */
  readonly oldPath: string | null;
  readonly newPath: string | null;
  /** The blob id that the diff was made against, abbreviated as written; `null` where it is new or not said. */
  readonly preimage: string | null;
  /** It holds a `GIT binary patch`. */
  readonly binary: boolean;
  readonly hunks: readonly Hunk[];
};

const HUNK = /^@@ -(\d{1,9})(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@/;
const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, '"': 34, '\\': 92 };

/**
 * The diff of a mail as `git am` takes it: of a body whose lines end in CRLF the carriage returns are mail's, not the file's.
 * `null` where the mail has no diff.
 */
export function patchBytes(mail: Mail): Buffer | null {
  const diff = diffOf(mail);
  if (diff === null) return null;
  const eol = diff.indexOf(0x0a);
  if (eol < 1 || diff[eol - 1] !== 0x0d) return diff;
  return Buffer.from(diff.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}

/** A path in git's quotes, or bare up to a tab; UTF-8 decoded. */
function readPath(text: string): string {
  if (!text.startsWith('"')) return Buffer.from(text.split('\t')[0] ?? '', 'latin1').toString('utf8');
  const bytes: number[] = [];
  for (const [, octal, escaped, bare] of text
    .slice(1)
    .replace(/"[^"]*$/, '')
    .matchAll(/\\([0-3][0-7]{2})|\\(.)|([^\\])/g)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else if (escaped !== undefined) bytes.push(ESCAPES[escaped] ?? escaped.charCodeAt(0));
    else if (bare !== undefined) bytes.push(bare.charCodeAt(0));
  }
  return Buffer.from(bytes).toString('utf8');
}

/** A path of `---` and `+++`: without its first folder; `/dev/null` is none. */
function stripped(text: string): string | null {
  const path = readPath(text.trimEnd());
  return path === '/dev/null' ? null : path.slice(path.indexOf('/') + 1);
}

/**
 * Both paths of `diff --git a/X b/X`; where they are bare and differ, the lines below say them. The blank between them is where
 * both sides behind their first `/` have one length: there is at most one, for on its way the left grows and the right does not.
 */
function gitPaths(rest: string): string {
  if (rest.startsWith('"')) return stripped(rest) ?? '';
  const left = rest.indexOf('/') + 1;
  if (left === 0) return '';
  let slash = left;
  for (let blank = rest.indexOf(' ', left); blank >= 0; blank = rest.indexOf(' ', blank + 1)) {
    if (slash < blank) slash = rest.indexOf('/', blank);
    if (slash < 0) return '';
    const length = blank - left;
    if (length === 0 || rest.length - slash - 1 !== length) continue;
    const path = rest.slice(left, blank);
    return rest.endsWith(path) ? readPath(path) : '';
  }
  return '';
}

type Draft = { -readonly [K in keyof PatchFile]: PatchFile[K] } & { hunks: Hunk[] };

const fresh = (path: string | null): Draft => ({
  oldPath: path,
  newPath: path,
  preimage: null,
  binary: false,
  hunks: [],
});

/** Whether `---` begins another file: not below the `diff --git` line that it belongs to. */
const beginsFile = (draft: Draft | null): boolean => draft === null || draft.hunks.length > 0;

/** Takes one line between the hunks of a file. */
function takeHeader(draft: Draft, line: string): void {
  const [, key = '', rest = ''] =
    /^(--- |\+\+\+ |index |rename from |rename to |copy from |copy to |GIT binary patch|new file mode |deleted file mode )(.*)$/.exec(
      line,
    ) ?? [];
  if (key === '--- ') draft.oldPath = stripped(rest);
  else if (key === '+++ ') draft.newPath = stripped(rest);
  else if (key === 'new file mode ') draft.oldPath = null;
  else if (key === 'deleted file mode ') draft.newPath = null;
  else if (key.endsWith(' from ')) draft.oldPath = readPath(rest);
  else if (key.endsWith(' to ')) draft.newPath = readPath(rest);
  else if (key === 'GIT binary patch') draft.binary = true;
  else if (key === 'index ') {
    const id = /^([0-9a-f]{4,64})\.\./.exec(rest)?.[1] ?? null;
    draft.preimage = id === null || /^0+$/.test(id) ? null : id;
  }
}

/** The files of a diff with their hunks, in its order. Never throws: what is no diff gives no files. */
export function patchFiles(diff: Buffer): readonly PatchFile[] {
  const files: Draft[] = [];
  let draft: Draft | null = null;
  let [oldLeft, newLeft] = [0, 0];
  const lines = diff.toString('latin1').split('\n');
  for (const [at, line] of lines.entries()) {
    // Inside a hunk a line that begins with `--- ` is a removed one.
    if (oldLeft > 0 || newLeft > 0) {
      if (!line.startsWith('+') && !line.startsWith('\\')) oldLeft -= 1;
      if (!line.startsWith('-') && !line.startsWith('\\')) newLeft -= 1;
      continue;
    }
    const hunk = HUNK.exec(line);
    if (hunk !== null && draft !== null) {
      draft.hunks.push({ header: line.slice(0, 200), oldStart: Number(hunk[1]) });
      [oldLeft, newLeft] = [Number(hunk[2] ?? 1), Number(hunk[3] ?? 1)];
    } else if (line.startsWith('diff --git ')) {
      draft = fresh(gitPaths(line.slice(11)));
      files.push(draft);
    } else if (line.startsWith('--- ') && (lines[at + 1] ?? '').startsWith('+++ ') && beginsFile(draft)) {
      draft = fresh(null);
      files.push(draft);
      takeHeader(draft, line);
    } else if (draft !== null && draft.hunks.length === 0) takeHeader(draft, line);
  }
  return files;
}

/** All paths that a diff reads or writes. */
export const pathsOf = (files: readonly PatchFile[]): readonly string[] =>
  files.flatMap(({ oldPath, newPath }) =>
    [oldPath, newPath].flatMap((path) => (path === null || path === '' ? [] : [path])),
  );
