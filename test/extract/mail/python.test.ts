import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { locateArchives } from '../../../pipeline/archive/locate.ts';
import { openRepository } from '../../../pipeline/git/repository.ts';
import { CLASSES, classOf } from '../../helpers/python-mail/classes.ts';
import { compareMail, type Difference } from '../../helpers/python-mail/compare.ts';
import { type Attempt, hasPython, type PythonMail, readWithPython } from '../../helpers/python-mail/read.ts';
import { readBlobs, sampleBlobs } from '../../helpers/python-mail/sample.ts';
import { ROOT } from '../../helpers/run.ts';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const QUOTED = 'Content-Transfer-Encoding: quoted-printable\n';
const TEXT = (charset: string): string => `Content-Type: text/plain; charset=${charset}\n`;

/** A mail of each class, and what the project reads where Python reads something else. */
const OF_CLASS: readonly (readonly [name: string, mail: string, read: string])[] = [
  ['name in a comment', 'From: j@x.org (Jane Q. Doe)\n\n', 'Jane Q. Doe'],
  ['quotes in an encoded word', 'From: =?UTF-8?Q? "J=C3=A4ne_Doe" ?=\n  <j@x.org>\n\n', 'Jäne Doe'],
  ['character split between encoded words', 'From: =?utf-8?B?SsM=?= =?utf-8?B?pG5l?= <j@x.org>\n\n', 'Jäne'],
  ['label of a smaller charset, in a field', 'Subject: =?gb2312?B?kk8=?= a\n\n', '扥 a'],
  ['label of a smaller charset, in a body', `${TEXT('GB2312')}\na \x92\x4f\n`, 'a 扥\n'],
  ['label that names no charset', `${TEXT('"y"')}\nGr\xc3\xbc\n`, 'Grü\n'],
  ['label that names no charset', `${TEXT('unknown-8bit')}\nGr\xfc\n`, 'Grü\n'],
  ['8-bit bytes in us-ascii', `${TEXT('us-ascii')}\nGr\xc3\xbc\n`, 'Grü\n'],
  ['8-bit bytes in us-ascii', 'Subject: no label\n\nGr\xfc\n', 'Grü\n'],
  ['C1 bytes in iso-8859-1', `${TEXT('ISO-8859-1')}\n\x93said\x94 \x81\n`, '“said” \x81\n'],
  ['broken escape in quoted-printable', `${TEXT('utf-8')}${QUOTED}\nend==\nnext =3D=\n.\n`, 'end=next =.\n'],
  ['broken escape in quoted-printable', `${QUOTED}\nend= \nnext=\t\r\n.\n`, 'endnext.\n'],
];

const PART = (type: string, body: string, more = ''): string => `--B\nContent-Type: ${type}\n${more}\n${body}\n`;
const DIFF = 'diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a \n+b  \n';

/** What both read alike. */
const ALIKE: readonly (readonly [title: string, mail: string])[] = [
  ['folds', 'Subject: a\n b\n\tc\nFrom: "Doe,\n Jane" <J@X.org>\n\nbody\n'],
  ['CRLF lines', `Subject: a\r\n b\r\n\r\n${DIFF.replaceAll('\n', '\r\n')}`],
  ['encoded words', 'Subject: =?utf-8?Q?Gr=C3=BC=C3?=\n =?UTF-8?Q?=9Fe?= to\n =?iso-8859-1?q?all_=E4?=\n\n'],
  ['raw UTF-8 in a body', `${TEXT('utf-8')}Content-Transfer-Encoding: 8-bit\n\nGr\xc3\xbc \xff\0\n`],
  ['flowed lines', `${TEXT('utf-8; format=flowed')}\nwords \n${DIFF}-- \n2.43.0\n`],
  ['a patch in base64', `Content-Transfer-Encoding: base64\n\n${Buffer.from(DIFF).toString('base64')}\n`],
  ['a patch in quoted-printable', `${QUOTED}\n${DIFF.replaceAll(' \n', '=20\n')}soft=\n break odd=zz\n`],
  [
    'a signed mail with an attached patch',
    `Content-Type: multipart/signed; boundary="B"\n\nprologue\n${PART('text/plain', 'see\n')}` +
      `${PART('text/x-patch', DIFF, 'Content-Disposition: attachment; filename=x\n')}` +
      `${PART('application/pgp-signature', 'c2ln')}--B--\nepilogue\n`,
  ],
  [
    'an enclosed mail',
    `Content-Type: multipart/mixed; boundary=B\n\n${PART('message/rfc822', 'Subject: in\n\nin\n')}--B--\n`,
  ],
];

type BothRead = { readonly differences: readonly Difference[]; readonly python: PythonMail };

/** Mails of which the project is given another one. */
const CHANGED = `Subject: a\nFrom: A <a@x>\n\n${DIFF}`;
const WITH_DIFF = `Subject: a\n\n${DIFF}`;
const MAILS = [...OF_CLASS.map(([, mail]) => mail), ...ALIKE.map(([, mail]) => mail), CHANGED, WITH_DIFF];

describe.skipIf(!hasPython())("beside Python's email package (skipped where there is no python3)", () => {
  let answers: readonly Attempt<PythonMail>[] = [];
  beforeAll(() => {
    // All at once: Python takes longer to start than to read them.
    answers = readWithPython(MAILS.map(latin1));
  });
  /** The readings of a mail, compared; another mail may be given to the project's reader. */
  function compared(mail: string, ours = mail): BothRead {
    const answer = answers[MAILS.indexOf(mail)] ?? { error: 'no answer' };
    if ('error' in answer) throw new Error(answer.error);
    return { differences: compareMail(latin1(ours), answer).differences, python: answer.value };
  }

  test.each(OF_CLASS)('%s: explained, %j', (name, text, read) => {
    const { differences, python } = compared(text);
    expect(new Set(differences.map((each) => classOf(each, python)))).toEqual(new Set([name]));
    const texts = differences.filter(({ part }) => part !== 'bytes');
    expect(texts.map(({ ours }) => ours)).toEqual(texts.map(() => read));
    // The same mail read in another way than the rule says is not explained by its class.
    for (const each of differences) expect(classOf({ ...each, ours: `${each.ours}!` }, python)).toBeNull();
  });

  test('every class has a mail that shows it', () => {
    expect([...new Set(OF_CLASS.map(([name]) => name))]).toEqual(CLASSES.map(({ name }) => name));
  });

  test('the page on differences has a row for each class', () => {
    const page = readFileSync(join(ROOT, 'docs', 'mail-differences.md'), 'utf8');
    const rows = [...page.matchAll(/^\| (.+?) \|/gm)].map(([, name]) => name);
    expect(rows).toEqual(['class', ...CLASSES.map(({ name }) => name), 'read alike', expect.stringContaining('diff')]);
  });

  test.each(ALIKE)('%s are read alike', (_, text) => {
    expect(compared(text).differences).toEqual([]);
  });

  test('what the two read differently is found, and explained by no class that it is not of', () => {
    const changed = `Subject: b\nFrom: B <b@x>\n\n${DIFF.replace('+b', '+c')}`;
    const { differences, python } = compared(CHANGED, changed);
    expect(differences.map(({ part }) => part)).toEqual(['subject', 'name', 'email', 'bytes', 'body', 'diff']);
    expect(new Set(differences.map((each) => classOf(each, python)))).toEqual(new Set([null]));
  });

  test('a diff that the project passes over is found', () => {
    const { differences } = compared(WITH_DIFF, 'Subject: a\n\nno diff\n');
    expect(differences.map(({ part }) => part)).toContain('diff');
  });
});

const archive = process.env.BITWATCH_ARCHIVE ?? '';
/** 5,000 mails of an archive, or as many as BITWATCH_SAMPLE says. */
const SAMPLE = Number(process.env.BITWATCH_SAMPLE ?? 5000);
const BATCH = 500;

test.skipIf(archive === '' || !hasPython())(
  `a real archive (skipped where BITWATCH_ARCHIVE names none, or there is no python3): ${SAMPLE} mails read as Python reads them`,
  async ({ annotate }) => {
    for (const { path, kind, env } of await locateArchives(archive, process.env)) {
      if (kind !== 'git') continue;
      const place = openRepository(path, env);
      const blobs = await sampleBlobs(place, SAMPLE);
      const unexplained: string[] = [];
      const mails = new Map<string, number>();
      const count = (name: string): unknown => mails.set(name, (mails.get(name) ?? 0) + 1);
      for (let from = 0; from < blobs.length; from += BATCH) {
        const batch = await readBlobs(place, blobs.slice(from, from + BATCH));
        for (const [at, answer] of readWithPython(batch).entries()) {
          const { differences, hasDiff } = compareMail(batch[at] ?? Buffer.alloc(0), answer);
          const python = 'value' in answer ? answer.value : null;
          const named = differences.map((each) => ({ part: each.part, of: classOf(each, python) }));
          for (const name of new Set(named.flatMap(({ of }) => of ?? []))) count(name);
          if (hasDiff) count('with a diff');
          for (const { part, of } of named) if (of === null) unexplained.push(`${blobs[from + at] ?? ''} ${part}`);
        }
      }
      await annotate(`${blobs.length} mails: ${JSON.stringify(Object.fromEntries([...mails].sort()))}`);
      expect(blobs.length).toBeGreaterThan(0);
      expect(unexplained).toEqual([]);
    }
  },
  900_000,
);
