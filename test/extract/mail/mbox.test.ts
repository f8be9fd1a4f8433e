import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatMboxrd, splitMbox, unquoteMboxrd } from '../../../pipeline/extract/mail/mbox.ts';

const read = (box: Buffer): readonly string[] =>
  splitMbox(box).map(({ offset, length }) => unquoteMboxrd(box.subarray(offset, offset + length)).toString('latin1'));

test('what is written as mboxrd is read back byte for byte', () => {
  const line = fc.constantFrom(
    'From ',
    'From x Fri Jan  2 10:00:00 2026',
    '>From a',
    '>>From b',
    '',
    'text',
    'a: b',
    '\r',
    '-- ',
  );
  const mail = fc.array(line, { maxLength: 8 }).map((lines) => `Subject: s\n\n${lines.join('\n')}\n`);
  fc.assert(
    fc.property(fc.array(mail, { maxLength: 4 }), (mails) => {
      expect(read(formatMboxrd(mails.map((text) => Buffer.from(text))))).toEqual(mails);
    }),
  );
});

test('an unquoted From line in the body of a plain mbox does not split it', () => {
  const box = 'From a@x Fri Jan  2 10:00:00 2026\nSubject: s\n\nbefore\n\nFrom here on it works\nbody: x\n\n';
  expect(splitMbox(Buffer.from(box))).toHaveLength(1);
});

test('git am reads it', () => {
  const dir = mkdtempSync(join(tmpdir(), 'bitwatch-am-'));
  try {
    const git = (args: readonly string[], input?: Buffer): Buffer =>
      execFileSync('git', ['-C', dir, '-c', 'user.name=J', '-c', 'user.email=j@x.org', ...args], {
        input: input ?? '',
      });
    git(['init', '--quiet']);
    const patch = (id: number): Buffer =>
      Buffer.from(
        `From: Jane <jane@x.org>\nSubject: [PATCH ${id}/2] Add ${id}\nDate: Fri, 2 Jan 2026 10:00:00 +0000\n\n` +
          `From time to time\n---\n f${id} | 1 +\n\ndiff --git a/f${id} b/f${id}\nnew file mode 100644\n` +
          `--- /dev/null\n+++ b/f${id}\n@@ -0,0 +1 @@\n+From ${id}\n-- \n2.43.0\n`,
      );
    git(['am', '--quiet', '--patch-format=mboxrd'], formatMboxrd([patch(1), patch(2)]));
    expect(git(['log', '--format=%s|%b']).toString()).toBe('Add 2|From time to time\n\nAdd 1|From time to time\n\n');
    expect(readFileSync(join(dir, 'f2'), 'utf8')).toBe('From 2\n');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
