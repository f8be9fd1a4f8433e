import { unfold } from './head.ts';
import { decodeWords } from './words.ts';

/** A person on the list: a name, empty where none is given, and an address in lower case. */
export type Address = { readonly name: string; readonly email: string };

/** Quoted strings, comments (in them others, as get_maintainer writes), angle addresses, separators, and runs of anything else. */
const TOKEN = /"((?:[^"\\]|\\.)*)"?|\(((?:[^()]|\([^()]*\))*)\)?|<([^<>]*)>?|([,;])|([^"(<,;]+)/g;

type Draft = { phrase: string; comment: string; angle: string | null; quoted: boolean };

const fresh = (): Draft => ({ phrase: '', comment: '', angle: null, quoted: false });

function finish(draft: Draft): Address | null {
  const phrase = draft.phrase.trim();
  const bare = draft.angle === null;
  const email = (draft.angle ?? phrase.replace(/^[^:@]*:/, '')).replace(/\s+/g, '').toLowerCase();
  if (!email.includes('@')) return null;
  const name = bare ? draft.comment : phrase === '' ? draft.comment : phrase;
  return { name: decodeWords(name).replace(/\s+/g, ' ').trim(), email };
}

/** Reads From, To and Cc: `Name <a@b>`, `"Name, X" <a@b>`, `a@b (Name)`, `a@b`; what holds no address is left out. */
export function readAddresses(raw: string | undefined): readonly Address[] {
  if (raw === undefined) return [];
  const found: Address[] = [];
  let draft = fresh();
  const close = (): void => {
    const address = finish(draft);
    if (address !== null) found.push(address);
    draft = fresh();
  };
  for (const [, quoted, comment, angle, separator, run] of unfold(raw).matchAll(TOKEN)) {
    if (separator !== undefined) close();
    else if (quoted !== undefined) draft.phrase += quoted.replace(/\\(.)/g, '$1');
    else if (comment !== undefined) draft.comment = comment;
    else if (angle !== undefined) draft.angle ??= angle;
    else if (run !== undefined) draft.phrase += run;
  }
  close();
  return found;
}
