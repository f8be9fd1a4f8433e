/** What the subject of a patch mail says. */
export type PatchSubject = {
  /** `Re:` or the like stands before the prefix: an answer, not a patch. */
  readonly reply: boolean;
  /** The prefix names a patch, an RFC or a part of a series. */
  readonly patch: boolean;
  readonly version: number;
  /** 0 is the cover letter; `null` for a patch outside a numbered series. */
  readonly part: number | null;
  readonly total: number | null;
  readonly rfc: boolean;
  readonly resend: boolean;
  /** Everything else in the prefix, such as `net-next`, `AUTOSEL`, `5.4`. */
  readonly trees: readonly string[];
  readonly title: string;
};

const REPLY = /^(?:(?:re|fwd?|aw|sv|antw)(?:\[\d+\])?\s*:\s*)+/i;
const GROUP = /^\s*\[([^[\]]*)\]/;

type Draft = { -readonly [K in keyof PatchSubject]: PatchSubject[K] } & { trees: string[] };

function takeToken(draft: Draft, token: string): void {
  const [, word = '', version] = /^(patch|rfc|rft|resend|repost)?[-_]?(?:v(\d{1,3}))?$/i.exec(token) ?? [];
  const part = /^(?:patch)?(\d{1,4})\/(\d{1,4})$/i.exec(token);
  if (part !== null) {
    draft.part = Number(part[1]);
    draft.total = Number(part[2]);
    draft.patch = true;
    return;
  }
  if (word === '' && version === undefined) {
    draft.trees.push(token);
    return;
  }
  if (version !== undefined) draft.version = Number(version);
  const name = word.toLowerCase();
  if (name === 'patch' || name === 'rfc') draft.patch = true;
  if (name === 'rfc') draft.rfc = true;
  if (name === 'resend' || name === 'repost') draft.resend = true;
}

/**
 * Reads `[PATCH v2 3/4] title` in all the forms that are in use: several groups, `PATCHv3`, commas, tree names. A number with a
 * dot (`5.4`, `v5.10.y`) is the name of a tree, never a version.
 */
export function readSubject(subject: string): PatchSubject {
  const plain = subject.replace(REPLY, '');
  const draft: Draft = {
    reply: plain.length !== subject.length,
    patch: false,
    version: 1,
    part: null,
    total: null,
    rfc: false,
    resend: false,
    trees: [],
    title: '',
  };
  let rest = plain;
  for (let group = GROUP.exec(rest); group !== null; group = GROUP.exec(rest)) {
    for (const token of (group[1] ?? '').split(/[\s,]+/)) if (token !== '') takeToken(draft, token);
    rest = rest.slice(group[0].length);
  }
  draft.title = rest.trim();
  return draft;
}
