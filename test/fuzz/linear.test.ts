import { describe, expect, test } from 'vitest';
import { bareMentions } from '../../pipeline/extract/mail/bare-names.ts';
import { allText, bodyText, readMail } from '../../pipeline/extract/mail/mail.ts';
import { formatMboxrd, splitMbox, unquoteMboxrd } from '../../pipeline/extract/mail/mbox.ts';
import { mentionsOf } from '../../pipeline/extract/mail/mentions.ts';
import { patchBytes, patchFiles } from '../../pipeline/extract/mail/patch.ts';
import { seriesOf } from '../../pipeline/extract/mail/rerolls.ts';
import { scanMail } from '../../pipeline/extract/mail/row.ts';
import { readSubject } from '../../pipeline/extract/mail/subject.ts';
import { threadsOf } from '../../pipeline/extract/mail/threads.ts';
import { countPrerequisites, readTrailers } from '../../pipeline/extract/mail/trailers.ts';
import { transferEncoding } from '../../pipeline/extract/mail/transfer.ts';
import { readDocument } from '../../pipeline/extract/markdown/document.ts';
import { readBinariesTable } from '../../pipeline/extract/module/binaries-table.ts';
import { readFeatures0 } from '../../pipeline/extract/module/features0.ts';
import { readControlStructures, readFeatureNames } from '../../pipeline/extract/module/headers.ts';
import { readMappingFile } from '../../pipeline/extract/module/mapping-file.ts';
import { makefileVersion, releaseNameOf } from '../../pipeline/extract/module/release-name.ts';
import { readReleaseTable } from '../../pipeline/extract/module/release-table.ts';
import { readTables } from '../../pipeline/extract/module/tables.ts';
import { readVirtualization } from '../../pipeline/extract/module/virtualization.ts';
import { KnownError } from '../../pipeline/model/errors.ts';
import { readNamesFile } from '../../pipeline/specs/lists-file.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import { baseTree, clobbersOf } from '../extract/module/clobbers/tree.ts';

const MEGABYTE = 1 << 20;
const SMALL = MEGABYTE / 8;
/** What a megabyte may cost, in milliseconds, whatever the curve. */
const ENOUGH = 1500;

/** Processor time in milliseconds: what else the machine does is not in it. */
async function cost(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  try {
    await work();
  } catch (error) {
    if (!(error instanceof KnownError)) throw error;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * Eight times the input may cost 24 times as much, for caches and collections; its square would be 64. Where even the square of what
 * an eighth costs is enough for a megabyte, that is not read. The first reading warms the compiler up; the second is of another text,
 * for what readers remember.
 */
async function expectLinear(make: (length: number) => string, read: (text: string) => unknown): Promise<void> {
  const costOf = async (length: number): Promise<number> => {
    const text = make(length);
    return cost(() => read(text));
  };
  for (const length of [SMALL, SMALL - 1024]) if ((await costOf(length)) < ENOUGH / 64) return;
  const all = await costOf(MEGABYTE);
  if (all > ENOUGH) expect(all).toBeLessThan(24 * (await costOf(SMALL + 1024)));
}

const repeated =
  (text: string, before = '', after = '') =>
  (length: number): string =>
    before + text.repeat(Math.ceil(length / text.length)) + after;

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
function mail(text: string): void {
  const read = readMail(bytes(text));
  bodyText(read);
  mentionsOf(allText(read));
  bareMentions(allText(read), new Set(['WAITPKG']));
  readTrailers(bodyText(read));
  patchFiles(patchBytes(read) ?? Buffer.alloc(0));
  scanMail(bytes(text));
}

const READERS: readonly (readonly [
  name: string,
  read: (text: string) => unknown,
  inputs: readonly ((length: number) => string)[],
])[] = [
  ['transfer encoding', transferEncoding, [repeated('('), repeated('(a)'), repeated('(a'), repeated(' ')]],
  [
    'mail headers',
    mail,
    ['(', '<', '"', '\\"', '=?a?q?', '=?a?q?_', '<a@b>,', ' ', '\n ', '(a', ':', ';a="', '<a', 'a@'].flatMap((part) =>
      ['From: ', 'References: ', 'Content-Type: text/plain; ', 'Subject: [', 'Date: '].map((field) =>
        repeated(part, field, '\nMessage-ID: <a@b>\n\nbody\n'),
      ),
    ),
  ],
  [
    'mail bodies',
    mail,
    [
      'a\n',
      ' ',
      'https://lore.kernel.org/kvm/a@b/ ',
      '--- \n',
      '--- a\n+++ ',
      'CPUID.7.1.EAX ',
      '7.1.EAX[',
      'CPUID ',
      'X86_FEATURE_A ',
      'WAITPKG ',
      '{A',
      'base-commit: ',
      '\n\nFrom ',
      '=',
      '= ',
      '@@ -1,1 +1,1 @@\n',
      '\nGIT binary patch\n',
    ].map((part) => repeated(part, 'Subject: [PATCH] tdx\nContent-Transfer-Encoding: quoted-printable\n\n')),
  ],
  [
    'mail parts',
    mail,
    [
      repeated('\n--b\n\nx', 'Content-Type: multipart/mixed; boundary="b"\n\n'),
      repeated('-', 'Content-Type: multipart/mixed; boundary="-"\n\n'),
      repeated(
        '\n--b\nContent-Type: multipart/mixed; boundary="c"\n\n',
        'Content-Type: multipart/mixed; boundary="b"\n\n',
      ),
      repeated('\n--b\nContent-Type: message/rfc822\n\n', 'Content-Type: multipart/mixed; boundary="b"\n\n'),
    ],
  ],
  [
    'patches',
    (text) => patchFiles(bytes(text)),
    [
      repeated('a/b ', 'diff --git '),
      repeated(' ', 'diff --git a/'),
      repeated('a', 'diff --git a/', ' b/'),
      repeated('/', 'diff --git '),
      repeated('"', 'diff --git "'),
      repeated('\\', '--- "'),
      repeated('diff --git a/b b/b\n'),
      repeated('@@ -1 +1 @@\n', 'diff --git a/b b/b\n'),
    ],
  ],
  [
    'trailers',
    (text) => [readTrailers(text), countPrerequisites(text)],
    [
      repeated('https://lore.kernel.org/kvm/a@b/ '),
      repeated('https://lore.kernel.org/'),
      repeated(' ', 'base-commit:'),
      repeated(' ', 'prerequisite-patch-id:'),
    ],
  ],
  [
    'subjects',
    readSubject,
    [repeated('re:'), repeated('['), repeated('[a]'), repeated('[ '), repeated('v2 ', '[', ']')],
  ],
  [
    'mboxes',
    (text) => {
      const mbox = unquoteMboxrd(bytes(text));
      formatMboxrd(splitMbox(mbox).map(({ offset, length }) => mbox.subarray(offset, offset + length)));
    },
    [
      repeated('\n\nFrom '),
      repeated('>'),
      repeated('From a '),
      repeated('From mboxrd@z Thu Jan  1 00:00:00 1970\nA: b\n\nx\n\n'),
      repeated('\r\n'),
    ],
  ],
  [
    'Markdown',
    (text) => readDocument('a.md', text),
    [' ', '|', '| ', '> ', '* ', '[', '_', '`', '<', '&', '\\', '#', '- [^a]:', '\t'].map(
      (part) => (length) => repeated(part)(length / 8),
    ),
  ],
  [
    'release tables',
    (text) => [readReleaseTable('a.md', bytes(text)), readBinariesTable('a.md', bytes(text))],
    [(length) => repeated('| 1.5.06 | a |\n', '| Version | MRSEAM |\n|-|-|\n')(length / 8), repeated('|')],
  ],
  [
    'mapping_file.json',
    (text) => readMappingFile('a.json', bytes(text)),
    [
      repeated('['),
      repeated('{"a":'),
      repeated('"'),
      repeated('\\"', '"'),
      repeated('1'),
      repeated(' '),
      repeated('{},', '{"tdx_module_releases": [', '{}]}'),
    ],
  ],
  [
    'cpuid_virtualization.json',
    (text) => readVirtualization('a.json', bytes(text)),
    [
      repeated('{"Leaf": "0x1"},', '{"x": [', '{}]}'),
      repeated(' ', '{"x": [{"Leaf": "0x1 /', '"}]}'),
      repeated(
        'XFAM[',
        '{"x": [{"Leaf": "0x1", "EAX": [{"MSB": "0", "LSB": "0", "Bit or Field Virtualization Type": "',
        '"}]}]}',
      ),
    ],
  ],
  [
    'module tables',
    (text) => readTables({ path: 'a.c', text: `// Spreadsheet Format Version - '8'\n${text}` }, null),
    ['(', '/*', '\\\n', '"', '#if A\n', '#define A\n', '0x1 | ']
      .map((part) => repeated(part))
      .concat(['{', '[1] = {', '.a='].map((part) => repeated(part, 'const cpuid_lookup_t cpuid_lookup[4] = {', '};'))),
  ],
  [
    'module headers',
    (text) => [
      readControlStructures({ path: 'a.h', text }),
      readFeatureNames({ path: 'a.h', text: `typedef union {${text}} tdx_features_enum0_t;` }),
    ],
    ['uint64_t a : 1;', 'a', 'tdx_features_enum0_t ', 'struct {', ' ', '#define TDX_XFAM_FIXED0 1\n', '1 | '].flatMap(
      (part) => [repeated(part), repeated(part, '#define TDX_ATTRIBUTES_FIXED0 ')],
    ),
  ],
  [
    'TDX_FEATURES0',
    (text) =>
      readFeatures0({ path: 'a.c', text: `void a(void) { tdx_features_enum0_t f; ${text} }` }, new Map([[0, 'a']])),
    [
      repeated('f.a = 1;'),
      repeated('if (x) '),
      repeated('1 | ', 'f.a = ', '1;'),
      repeated('{'),
      repeated('tdx_features_enum0_t f;'),
    ],
  ],
  [
    // All of them are read by one parser of YAML; what is longer than a megabyte is refused. Each mark is an error of its own.
    'specifications',
    (text) => readNamesFile('names.yaml', text, NO_CACHE),
    [(length) => repeated('"')(length / 4)],
  ],
  [
    'release names',
    (text) => [releaseNameOf(text), makefileVersion(text)],
    [repeated('1.'), repeated(' '), repeated('V1.0.'), repeated('-DTDX_MODULE_MAJOR_VER=1')],
  ],
];

describe('no reader takes more than its share of a megabyte', () => {
  test.each(READERS)('%s', async (_, read, inputs) => {
    for (const make of inputs) await expectLinear(make, read);
  });

  test.each([
    ['identifiers', 'a'],
    ['words that look local', 'local'],
    ['access paths', 'a.b().'],
    ['early returns', 'if (x) return;'],
  ])('clobbers: %s', async (_, part) => {
    const path = 'src/paths/vp_enter.c';
    const base = baseTree();
    const known = [...base].find(([name, { text }]) => name.endsWith('.c') && text.includes('tdh_vp_enter(')) ?? [
      path,
      { text: '' },
    ];
    await expectLinear(
      (length) => part.repeat(length / part.length),
      (text) =>
        clobbersOf(new Map([...base, [known[0], { text: known[1].text.replace('{', `{\n${text} ;`), blob: null }]])),
    );
  });
});

describe('threads of more mails than a function takes arguments', () => {
  const COUNT = 130_000;
  const mails = (of: (at: number) => Partial<{ id: string; links: readonly string[]; date: number }>) =>
    Array.from({ length: COUNT }, (_, at) => ({ id: `${at}@x`, content: `${at}`, links: [], date: at, ...of(at) }));

  test.each([
    ['one answered by all', (at: number) => ({ links: at === 0 ? [] : ['0@x'] })],
    ['each answers the one before', (at: number) => ({ links: at === 0 ? [] : [`${at - 1}@x`] })],
    ['each answers the one behind', (at: number) => ({ links: [`${at + 1}@x`] })],
    ['all of one Message-ID', () => ({ id: 'same@x' })],
    ['all answer a ghost of their own', (at: number) => ({ links: [`ghost${at}@x`, 'ghost@x'] })],
    ['the chain stands twice', (at: number) => ({ links: at === 0 ? [] : [`${Math.floor(at / 2)}@x`, `${at - 1}@x`] })],
  ])('%s', async (_, of) => {
    const took = await cost(() => {
      const threads = threadsOf(mails(of));
      expect(threads.reduce((sum, thread) => sum + thread.mails.length, 0)).toBe(COUNT);
    });
    expect(took).toBeLessThan(20_000);
  });

  test('series of one author and one title, and bodies of 200,000 lines', async () => {
    const patch = (at: number): Buffer =>
      bytes(
        `Message-ID: <${at}@x>\nFrom: a@b\nDate: 1 Jan 2026 00:00:${at % 60}\nSubject: [PATCH v${at % 90}] tdx: same\n\ndiff --git a/b b/b\n`,
      );
    const read = Array.from({ length: 5000 }, (_, at) => readMail(patch(at)));
    expect(await cost(() => expect(seriesOf(threadsOf(read))).toHaveLength(5000))).toBeLessThan(20_000);
    const long = bytes(`Message-ID: <a@b>\nSubject: [PATCH] tdx\n\n${'+line\n'.repeat(200_000)}`);
    expect(await cost(() => mail(long.toString('latin1')))).toBeLessThan(5000);
  });

  test('a Message-ID or a header of a megabyte is left out, and the mail says so', () => {
    const id = readMail(bytes(`Message-ID: <${'a'.repeat(5000)}@b>\nSubject: x\n\n`));
    expect([id.id, id.notes]).toEqual(['', ['its Message-ID is longer than 998 characters and was not read']]);
    const head = readMail(bytes(`Subject: x\nX: ${'a'.repeat(MEGABYTE)}\nMessage-ID: <a@b>\n\nbody\n`));
    expect([head.id, bodyText(head), head.notes]).toEqual([
      '',
      'body\n',
      ['of its header only the first 262144 characters were read'],
    ]);
  });
});
