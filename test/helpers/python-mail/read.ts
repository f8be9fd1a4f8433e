import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** What Python gives, or the name of the exception that it raises. */
export type Attempt<T> = { readonly value: T } | { readonly error: string };

export type PythonLeaf = {
  readonly type: string;
  readonly attachment: boolean;
  /** Of text and of patches only, all four: the charset's label, the decoded payload in base64, and its text. */
  readonly label?: string;
  readonly bytes?: string;
  /** `null` where Python does not know the label. */
  readonly text?: string | null;
  /** The text under the rules that explained differences go by. */
  readonly other?: string | null;
  /** The payload under such a rule, where quoted-printable has `==` or `=` and a blank at a line's end. */
  readonly otherBytes?: string;
};

export type PythonAuthor = { readonly name: string; readonly email: string };

/** What `read_mails.py` prints of a mail. */
export type PythonMail = {
  readonly raw: { readonly subject: string; readonly from: string };
  readonly subject: Attempt<string>;
  readonly author: Attempt<PythonAuthor>;
  /** In the order of the MIME tree; the parts of an enclosed mail are among them. */
  readonly leaves: Attempt<readonly PythonLeaf[]>;
  /** The same under the rules that explained differences go by. */
  readonly other: { readonly subject: Attempt<string>; readonly author: Attempt<PythonAuthor> };
};

const PROGRAM = join(import.meta.dirname, 'read_mails.py');

/** Whether there is a `python3` to compare with. */
export function hasPython(): boolean {
  return spawnSync('python3', ['--version']).status === 0;
}

/** Reads mails with Python's email package, in their order. Throws where it cannot be run. */
export function readWithPython(mails: readonly Buffer[]): readonly Attempt<PythonMail>[] {
  const input = Buffer.concat(mails.flatMap((mail) => [Buffer.from(`${mail.length}\n`), mail]));
  // -I: neither the environment nor the caller's folder says which modules are taken.
  const result = spawnSync('python3', ['-I', PROGRAM], { input, maxBuffer: 1 << 30 });
  if (result.status !== 0) throw new Error(`python3 failed: ${String(result.stderr)}`);
  const lines = result.stdout.toString('latin1').trimEnd().split('\n');
  if (lines.length !== mails.length) throw new Error(`python3 read ${lines.length} of ${mails.length} mails`);
  return lines.map((line) => JSON.parse(line) as Attempt<PythonMail>);
}
