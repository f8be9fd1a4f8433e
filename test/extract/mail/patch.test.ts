import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readMail } from '../../../pipeline/extract/mail/mail.ts';
import { patchBytes, patchFiles, pathsOf } from '../../../pipeline/extract/mail/patch.ts';
import { offsetsIn, readRefusal } from '../../../pipeline/extract/mail/rejection.ts';

const files = (text: string) => patchFiles(Buffer.from(text, 'utf8'));
const HUNK = '@@ -10,3 +10,4 @@ int f(void)\n one\n--- two\n+++ zwei\n+more\n three\n';

test('paths, blob, hunks: content that looks like a header is content', () => {
  const head = 'diff --git a/x/y.c b/x/y.c\nindex 0123456789ab..fedcba987654 100644\n--- a/x/y.c\n+++ b/x/y.c\n';
  expect(files(`${head}${HUNK}@@ -30 +31 @@\n-a\n+b\n`)).toEqual([
    {
      oldPath: 'x/y.c',
      newPath: 'x/y.c',
      preimage: '0123456789ab',
      binary: false,
      hunks: [
        { header: '@@ -10,3 +10,4 @@ int f(void)', oldStart: 10 },
        { header: '@@ -30 +31 @@', oldStart: 30 },
      ],
    },
  ]);
});

test.each<[string, string, readonly (string | null)[]]>([
  [
    'a new file',
    'diff --git a/n b/n\nnew file mode 100644\nindex 0000000..1234567\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 @@\n+x\n',
    [null, 'n', null],
  ],
  ['a removed file', 'diff --git a/n b/n\ndeleted file mode 100644\nindex 1234567..0000000\n', ['n', null, '1234567']],
  [
    'a rename',
    'diff --git a/one b/two\nsimilarity index 90%\nrename from one\nrename to two\nindex 1234567..89abcde 100644\n',
    ['one', 'two', '1234567'],
  ],
  ['a mode alone', 'diff --git a/s h b/s h\nold mode 100644\nnew mode 100755\n', ['s h', 's h', null]],
  [
    'quoted paths',
    'diff --git "a/\\303\\244\\t\\"b" "b/\\303\\244\\t\\"b"\n--- "a/\\303\\244\\t\\"b"\n+++ "b/\\303\\244\\t\\"b"\n',
    ['ä\t"b', 'ä\t"b', null],
  ],
  [
    'not by git',
    '--- linux.orig/x.c\t2026-01-01\n+++ linux/x.c\t2026-01-02\n@@ -1 +1 @@\n-a\n+b\n',
    ['x.c', 'x.c', null],
  ],
])('%s', (_, text, [oldPath, newPath, preimage]) => {
  expect(files(text)).toMatchObject([{ oldPath, newPath, preimage }]);
});

test('a second file that git did not write is a file of its own', () => {
  const text = `diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-a\n+b\n`;
  expect(pathsOf(files(text))).toEqual(['x', 'x', 'y', 'y']);
});

test('carriage returns of the mail are taken off, those of the file are kept', () => {
  const diff = 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n';
  const mail = (body: string) => readMail(Buffer.from(`Subject: [PATCH] x\n\n${body}`));
  expect(patchBytes(mail(diff.replaceAll('\n', '\r\n')))?.toString()).toBe(diff);
  const own = diff.replace('+b\n', '+b\r\n');
  expect(patchBytes(mail(own))?.toString()).toBe(own);
  expect(patchBytes(mail('no diff\n'))).toBeNull();
});

test('reading never throws and names no path that is not in the text', () => {
  const line = fc.constantFrom(
    'diff --git a/x b/x',
    '--- a/x',
    '+++ b/x',
    '@@ -1,2 +1,2 @@',
    '@@ -9999999999 +1 @@',
    ' c',
    '-o',
    '+n',
    'GIT binary patch',
    'index 123..',
    'rename from "a\\',
    '\\ No newline',
    '"',
    '',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(line, fc.string()), { maxLength: 40 }), (lines) => {
      for (const path of pathsOf(files(lines.join('\n')))) expect(typeof path).toBe('string');
    }),
  );
  fc.assert(
    fc.property(fc.string(), (output) => {
      expect(readRefusal(output, []).reason.length).toBeGreaterThan(0);
      expect(offsetsIn(output)).toBeGreaterThanOrEqual(0);
    }),
  );
});
