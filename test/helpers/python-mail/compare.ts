import { diffOf } from '../../../pipeline/extract/mail/diff.ts';
import { leafBytes, leafText } from '../../../pipeline/extract/mail/leaves.ts';
import { bodyText, type Mail, readMail } from '../../../pipeline/extract/mail/mail.ts';
import type { Attempt, PythonLeaf, PythonMail } from './read.ts';

/** One thing that the two read differently; `leaf` is Python's where the thing is the text of a part. */
export type Difference = {
  readonly part: 'subject' | 'name' | 'email' | 'tree' | 'bytes' | 'text' | 'body' | 'diff';
  readonly ours: string;
  readonly python: string | null;
  readonly leaf?: PythonLeaf;
};

/** Header text as the project keeps it: blanks run together. Python keeps those of the fold. */
export const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** What Python gives; an exception as text that no mail holds. */
export const resultOf = <T>(attempt: Attempt<T>, failed: (error: string) => T): T =>
  'value' in attempt ? attempt.value : failed(attempt.error);

const raised = (error: string): string => `\0raised ${error}`;

/** The project's choice of a body, made on Python's parts. */
function pythonBody(leaves: readonly PythonLeaf[]): PythonLeaf | undefined {
  const inline = leaves.filter(({ attachment, type }) => !attachment && type.startsWith('text/'));
  return inline.find(({ type }) => type === 'text/plain') ?? inline[0];
}

const shape = (leaves: readonly { readonly type: string; readonly attachment: boolean }[]): string =>
  leaves.map(({ type, attachment }) => (attachment ? `${type} attached` : type)).join(', ');

const payload = (leaf: PythonLeaf | undefined): Buffer => Buffer.from(leaf?.bytes ?? '', 'base64');

function compareParts(mail: Mail, leaves: readonly PythonLeaf[]): readonly Difference[] {
  const [ours, python] = [shape(mail.leaves), shape(leaves)];
  if (ours !== python) return [{ part: 'tree', ours, python }];
  const found: Difference[] = [];
  for (const [at, leaf] of mail.leaves.entries()) {
    const other = leaves[at];
    if (other?.bytes === undefined) continue;
    const bytes = leafBytes(mail.bytes, leaf);
    if (!bytes.equals(payload(other))) {
      const python = payload(other).toString('latin1');
      found.push({ part: 'bytes', ours: bytes.toString('latin1'), python, leaf: other });
    } else if (leafText(mail.bytes, leaf) !== other.text) {
      found.push({ part: 'text', ours: leafText(mail.bytes, leaf), python: other.text ?? null, leaf: other });
    }
  }
  return found;
}

/** The body is the part that the same rule selects among Python's; its text is compared with all parts' texts. */
function compareBody(mail: Mail, leaves: readonly PythonLeaf[]): readonly Difference[] {
  const leaf = pythonBody(leaves);
  const [ours, python] = [bodyText(mail), leaf === undefined ? '' : (leaf.text ?? null)];
  return ours === python ? [] : [{ part: 'body', ours, python, ...(leaf === undefined ? {} : { leaf }) }];
}

/** Whether the bytes stand in a payload as whole lines. */
function standsIn(bytes: Buffer, lines: Buffer): boolean {
  const at = bytes.indexOf(lines);
  const end = at + lines.length;
  const ends = lines.at(-1) === 0x0a || end === bytes.length;
  return at >= 0 && (at === 0 || bytes[at - 1] === 0x0a) && ends;
}

/** The lines of a diff stand in a payload as Python decodes it; where such a payload has a diff of git, the mail has one. */
function compareDiff(mail: Mail, leaves: readonly PythonLeaf[]): readonly Difference[] {
  const diff = diffOf(mail);
  const payloads = leaves.filter(({ bytes }) => bytes !== undefined).map(payload);
  const missed = diff === null && payloads.some((bytes) => /^diff --git /m.test(bytes.toString('latin1')));
  const changed = diff !== null && !payloads.some((bytes) => standsIn(bytes, diff));
  if (!missed && !changed) return [];
  return [{ part: 'diff', ours: diff?.toString('latin1') ?? '', python: null }];
}

function compareHead(mail: Mail, python: PythonMail): readonly Difference[] {
  const author = resultOf(python.author, (error) => ({ name: raised(error), email: raised(error) }));
  const pairs: readonly Difference[] = [
    { part: 'subject', ours: mail.subject, python: oneLine(resultOf(python.subject, raised)) },
    { part: 'name', ours: mail.author.name, python: oneLine(author.name) },
    // Addresses are compared in lower case, in which the project keeps them.
    { part: 'email', ours: mail.author.email, python: author.email.toLowerCase() },
  ];
  return pairs.filter(({ ours, python }) => ours !== python);
}

export type Compared = { readonly differences: readonly Difference[]; readonly hasDiff: boolean };

/** Everything that the project's reader and Python read differently in a mail. */
export function compareMail(bytes: Buffer, answer: Attempt<PythonMail>): Compared {
  const mail = readMail(bytes);
  const hasDiff = diffOf(mail) !== null;
  if ('error' in answer) return { differences: [{ part: 'tree', ours: '', python: raised(answer.error) }], hasDiff };
  const python = answer.value;
  const leaves = resultOf(python.leaves, (error) => [{ type: raised(error), attachment: false }]);
  const parts = [...compareParts(mail, leaves), ...compareBody(mail, leaves), ...compareDiff(mail, leaves)];
  return { differences: [...compareHead(mail, python), ...parts], hasDiff };
}
