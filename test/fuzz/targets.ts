import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parsePart } from '../../pipeline/archive/state-file.ts';
import { readOutgoing } from '../../pipeline/deliver/mail/outgoing.ts';
import { readPosted } from '../../pipeline/deliver/posted.ts';
import { openTree } from '../../pipeline/extract/kvm/open-tree.ts';
import { readPolicy } from '../../pipeline/extract/kvm/policy.ts';
import { bareMentions } from '../../pipeline/extract/mail/bare-names.ts';
import { allText, bodyText, type Mail, readMail } from '../../pipeline/extract/mail/mail.ts';
import { formatMboxrd, splitMbox, unquoteMboxrd } from '../../pipeline/extract/mail/mbox.ts';
import { mentionsOf } from '../../pipeline/extract/mail/mentions.ts';
import { patchBytes, patchFiles } from '../../pipeline/extract/mail/patch.ts';
import { seriesOf } from '../../pipeline/extract/mail/rerolls.ts';
import { scanMail } from '../../pipeline/extract/mail/row.ts';
import { threadsOf } from '../../pipeline/extract/mail/threads.ts';
import { readTrailers } from '../../pipeline/extract/mail/trailers.ts';
import { readDocument } from '../../pipeline/extract/markdown/document.ts';
import { readBinariesTable } from '../../pipeline/extract/module/binaries-table.ts';
import { extractClobbers } from '../../pipeline/extract/module/clobbers/extract.ts';
import { readFeatures0 } from '../../pipeline/extract/module/features0.ts';
import { readControlStructures, readFeatureNames } from '../../pipeline/extract/module/headers.ts';
import { readMappingFile } from '../../pipeline/extract/module/mapping-file.ts';
import { readReleaseTable } from '../../pipeline/extract/module/release-table.ts';
import { readTables } from '../../pipeline/extract/module/tables.ts';
import { readVirtualization } from '../../pipeline/extract/module/virtualization.ts';
import { type Answer, batchParser } from '../../pipeline/git/batch-answers.ts';
import { classify } from '../../pipeline/model/class.ts';
import { readClobbersFile } from '../../pipeline/specs/clobbers-file.ts';
import { readDeciderFile } from '../../pipeline/specs/decider-file.ts';
import { readLevelsFile, readNamesFile, readPlainWaivers, readReleasesFile } from '../../pipeline/specs/lists-file.ts';
import { readModuleFile } from '../../pipeline/specs/module-file.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import { readPolicyFile } from '../../pipeline/specs/policy-file.ts';
import { readQemuFile } from '../../pipeline/specs/qemu-file.ts';
import { kernelFiles } from '../helpers/kernel-tree.ts';
import { definesSource, moduleFiles, tablesSource } from '../helpers/module-source.ts';
import { canonical } from './canonical.ts';
import { sameC, sameEntries, sameJson, sameMail, sameMarkdown, sameYaml } from './mutate.ts';
import type { Random } from './random.ts';

/** An input as one character per byte; `kind` says which reader of the target it is for, where there are several. */
export type Seed = { readonly kind: string; readonly text: string };
type Same = (random: Random, text: string) => string;

export type Target = {
  readonly name: string;
  readonly seeds: readonly Seed[];
  /** What the reader makes of an input; throws a KnownError for what is none. */
  readonly run: (seed: Seed) => unknown;
  /** Words of the format. */
  readonly words: readonly string[];
  /** Changes that keep the meaning: the same facts are expected. */
  readonly same: readonly Same[];
  /** Of the inputs of a run, so many parts are this target's: what costs more gets fewer. */
  readonly weight: number;
};

/** The folder of the package: the program that fuzzes is run from there. */
const folder = process.cwd();
const file = (...path: string[]): string => readFileSync(join(folder, ...path), 'latin1');
const text = (content: string): Buffer => Buffer.from(content, 'latin1');
const utf8 = (content: string): string => text(content).toString('utf8');

function filesIn(path: string): readonly string[] {
  return readdirSync(path)
    .sort()
    .flatMap((name) => {
      const inner = join(path, name);
      return statSync(inner).isDirectory() ? filesIn(inner) : [inner];
    });
}

const C_WORDS = [
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ';',
  ',',
  '#if',
  '#else',
  '#endif',
  '#define A B',
  '/*',
  '*/',
  '//',
  '\\\n',
  '"',
  "'",
  '->',
  '|',
  '&',
  '~',
  '<<',
  '= {',
  '.eax = ',
  '? :',
  'if (x)',
  'for (;;)',
  'switch (x) {',
  'case 1:',
  'return;',
  'goto a;',
  'do {',
  'sizeof(',
  '(u32)',
  '0xffffffffffffffffff',
  '__attribute__((x))',
];
const MAIL_WORDS = [
  '\n\n',
  'Content-Type: multipart/mixed; boundary="b"\n',
  '\n--b\n',
  '--b--',
  'Content-Transfer-Encoding: base64\n',
  'Content-Transfer-Encoding: quoted-printable\n',
  '=?utf-8?B?',
  '=?utf-8?q?',
  '?=',
  'Subject: [PATCH v2 1/2] ',
  'In-Reply-To: <',
  'References: <',
  '>',
  'diff --git a/b b/b\n',
  '--- a/b\n+++ b/b\n',
  '@@ -1,2 +1,2 @@\n',
  '\nFrom a Thu Jan  1 00:00:00 1970\n',
  'charset=',
  'CPUID.7.1:EAX[19]',
  'X86_FEATURE_HLE',
  'base-commit: ',
  'change-id: ',
  'https://lore.kernel.org/kvm/a@b/',
  '\n-- \n',
  'GIT binary patch\n',
];
const MARKS = [
  '|',
  '| - |',
  '|-|-|\n',
  '\n\n',
  '# ',
  '- ',
  '> ',
  '`',
  '*',
  '_',
  '[',
  '](',
  '<br>',
  '\\|',
  '1.5.06',
  '[^a]:',
  '&amp;',
];
const YAML_WORDS = [
  '- ',
  ': ',
  '{',
  '}',
  '[',
  ']',
  '&a ',
  '*a',
  '!!binary ',
  '|\n',
  '>\n',
  '# ',
  '? ',
  '"',
  "'",
  '---\n',
  '...\n',
  '%YAML 1.3\n',
  '~',
  'null',
  'yes',
  '2.0',
  '0x7',
  '"0x7"',
  '<<: ',
];
const JSON_WORDS = ['{', '}', '[', ']', ',', ':', '"', '\\u0000', '\\', 'null', 'true', '1e999', '-0', '"a":'];

const TABLES = tablesSource({
  lookup: [
    {
      leaf: '0x7',
      subleaf: '0x0',
      fields: { verify_mask: { eax: '0xff' }, verify_value: { eax: '0x0f' }, fixed1: { ebx: '0x1' } },
      config: '0',
    },
    { leaf: '0x3', flags: ['faulting'] },
    { leaf: '0x1', fields: { fixed0_or_dynamic: { ecx: '(0x1 | 0x2)', edx: '~0xff' } }, config: '1' },
  ],
  configurable: [
    { leaf: '0x7', subleaf: '0x0', direct: { eax: '0x100' }, allow: { ebx: '0x30' }, lookup: '0' },
    { leaf: '0x1', allow: { ecx: '0x80000000' }, lookup: '2' },
  ],
  xfam: { xfam_mask_0x7_0x0: '    [2]={ .ebx = 0x20  } ,\n    [9]={ .ecx = 0x8  } ,' },
});
const DEFINES = { path: 'defines.h', text: definesSource(3, 2) };

const tables: Target = {
  name: 'tables',
  weight: 20,
  seeds: [
    { kind: 'small', text: TABLES },
    { kind: 'other', text: Object.values(moduleFiles('0x00880080'))[0] ?? '' },
  ],
  run: ({ kind, text: source }) => {
    const read = readTables(
      { path: 'tables.c', text: utf8(source) },
      kind === 'small' ? DEFINES : { path: 'd.h', text: definesSource(2, 1) },
    );
    const bySlot = <T extends { readonly slot: number }>(entries: readonly T[]): readonly T[] =>
      [...entries].sort((a, b) => a.slot - b.slot);
    const { lookup, configurable, ...rest } = read.tables;
    const registers = classify(read.tables).map((register) => canonical(register));
    return [bySlot(lookup), bySlot(configurable), rest, read.notes, registers.sort()];
  },
  words: [
    ...C_WORDS,
    '.leaf_subleaf',
    '.valid_entry = true,',
    '.fixed1 = {',
    '[0] = {',
    'XCR0_MAX_VALID_BIT',
    'CPUID_CONFIG_NULL_IDX',
  ],
  same: [sameC, sameEntries],
};

const CONTROL = `#define TDX_ATTRIBUTES_FIXED0 (BIT(0) | BIT(28) | \\\n  BIT(63))\n#define TDX_ATTRIBUTES_FIXED1 0\n#define TDX_XFAM_FIXED0 0x0006DBE7\n#define TDX_XFAM_FIXED1 (0x1 | 0x2)\ntypedef struct cpuid_flags_s {\n  uint64_t tsx_supported : 1;\n  uint64_t waitpkg_supported : 1;\n  uint64_t reserved : 62;\n} cpuid_flags_t;\n`;
const API = `typedef struct other_s { int a; } other_t;\ntypedef union tdx_features_enum0_u {\n  struct {\n    uint64_t td_migration : 1;\n    uint64_t reserved_0 : 3;\n    uint64_t service_td : 1;\n  };\n  uint64_t raw;\n} tdx_features_enum0_t;\n`;
const SYSTEM = `void answer(uint64_t* out)\n{\n  switch (x) {\n  case 1:\n    if (y) {\n      tdx_features_enum0_t f;\n      f.raw = 0;\n      f.td_migration = 1;\n      if (z) f.service_td = 0x1;\n      f.service_td = g->available;\n      *out = f.raw;\n    }\n  }\n}\n`;
const headers: Target = {
  name: 'headers',
  weight: 30,
  seeds: [
    { kind: 'control', text: CONTROL },
    { kind: 'api', text: API },
    { kind: 'system', text: SYSTEM },
  ],
  run: ({ kind, text: source }) => {
    const header = { path: 'a.h', text: utf8(source) };
    if (kind === 'control') return readControlStructures(header);
    if (kind === 'api') return readFeatureNames(header);
    return readFeatures0(
      header,
      new Map([
        [0, 'td_migration'],
        [4, 'service_td'],
      ]),
    );
  },
  words: [...C_WORDS, 'tdx_features_enum0_t', ': 1;', 'f.raw', 'f.td_migration = 0;', '|= 1', '&f', 'uint64_t'],
  same: [sameC],
};

const CLOBBERS = join(folder, 'fixtures', 'clobbers', 'base');
const clobberTree = new Map(
  filesIn(CLOBBERS).map((path) => [path.slice(CLOBBERS.length + 1), { text: readFileSync(path, 'utf8'), blob: null }]),
);
const SOURCE = { repository: 'example/module', revision: 'a'.repeat(40), path: 'src', blob: null };
const clobbers: Target = {
  name: 'clobbers',
  weight: 4,
  seeds: [...clobberTree].map(([kind, { text: source }]) => ({ kind, text: Buffer.from(source).toString('latin1') })),
  run: ({ kind, text: source }) =>
    extractClobbers({
      release: '9.0',
      source: SOURCE,
      files: new Map([...clobberTree, [kind, { text: utf8(source), blob: null }]]),
    }),
  words: [...C_WORDS, 'ia32_wrmsr(', 'ia32_rdmsr(', 'tdcs->', 'cpuid_flags.', 'tdh_vp_enter(', 'x = x + x;', 'f(f(f('],
  same: [sameC],
};

const kernel = kernelFiles();
const kvm: Target = {
  name: 'kvm',
  weight: 1,
  seeds: Object.entries(kernel)
    .filter(([path]) => path !== 'Makefile')
    .map(([kind, source]) => ({ kind, text: source })),
  run: ({ kind, text: source }) => {
    const files = Object.entries({ ...kernel, [kind]: utf8(source) }).map(
      ([path, content]) => [path, { text: content, blob: path }] as const,
    );
    return readPolicy(openTree('example/linux', 'a'.repeat(40), new Map(files)), '7.2.1');
  },
  words: [
    ...C_WORDS,
    'entry->ebx',
    '__feature_bit(X86_FEATURE_HLE)',
    'return -EINVAL;',
    'F(PEAR)',
    'denied(entry)',
    'entry->function == 7',
    '0x',
    'continue;',
  ],
  same: [sameC],
};

const LETTER = `From: "A, B" <a@example.org>\nTo: kvm@vger.kernel.org, C <c@example.org>\nCc: (x) d@example.org\nSubject: [PATCH v2 1/2] KVM: x86: tdx: Deny WAITPKG\nDate: Tue, 3 Mar 2026 10:00:00 +0100\nMessage-ID: <2@example.org>\nIn-Reply-To: <1@example.org>\nReferences: <0@example.org> <1@example.org>\nContent-Type: text/plain; charset=utf-8\n\nCPUID.7.0:ECX[5] and X86_FEATURE_RTM are WAITPKG's.\n\nbase-commit: 0123456789abcdef0123\nv1: https://lore.kernel.org/kvm/9@example.org/\n---\ndiff --git a/arch/x86/kvm/vmx/tdx.c b/arch/x86/kvm/vmx/tdx.c\nindex 0123456..89abcde 100644\n--- a/arch/x86/kvm/vmx/tdx.c\n+++ b/arch/x86/kvm/vmx/tdx.c\n@@ -1,2 +1,3 @@\n a\n+b\n c\n-- \n2.4\n`;
const MULTIPART = `From: =?utf-8?q?J=C3=A4ne?= <j@example.org>\nSubject: =?utf-8?B?dGR4?= =?utf-8?q?_x?=\nMessage-ID: <3@example.org>\nDate: 4 Mar 2026 10:00:00 GMT\nContent-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nT=44X =\nx\n\n--b\nContent-Type: text/x-patch\nContent-Transfer-Encoding: base64\n\nZGlmZiAtLWdpdCBhL2IgYi9iCi0tLSBhL2IKKysrIGIvYgpAQCAtMSArMSBAQAo=\n--b\nContent-Type: message/rfc822\n\nSubject: inner\n\nbody\n--b--\n`;
const mailSeeds: readonly Seed[] = [
  { kind: 'plain', text: LETTER },
  { kind: 'multipart', text: MULTIPART },
];
const aboutMail = (mail: Mail): unknown => {
  const { bytes: _, content: __, leaves, ...head } = mail;
  const words = allText(mail);
  return [
    head,
    leaves.map(({ type, charset, encoding }) => [type, charset, encoding]),
    bodyText(mail),
    mentionsOf(words),
    bareMentions(words, new Set(['WAITPKG'])),
    readTrailers(words),
    patchFiles(patchBytes(mail) ?? Buffer.alloc(0)),
    scanMail(mail.bytes).names,
  ];
};
const mail: Target = {
  name: 'mail',
  weight: 40,
  seeds: mailSeeds,
  run: ({ text: bytes }) => aboutMail(readMail(text(bytes))),
  words: MAIL_WORDS,
  same: [sameMail],
};

const THREAD = formatMboxrd([
  text(
    LETTER.replace('1/2] KVM: x86: tdx: Deny WAITPKG', '0/2] KVM: x86: tdx')
      .replace('<2@', '<1@')
      .replace('<1@example.org>\nRef', '<0@example.org>\nRef')
      .split('diff --git')[0] ?? '',
  ),
  text(LETTER),
  text(LETTER.replace('1/2', '2/2').replace('<2@', '<4@')),
  text(LETTER.replace('v2 1/2', 'v1 1/2').replace('<2@', '<9@').replace('Tue, 3', 'Mon, 2')),
  text(MULTIPART),
]).toString('latin1');
const mailsIn = (bytes: Buffer): readonly Buffer[] =>
  splitMbox(bytes).map(({ offset, length }) => unquoteMboxrd(bytes.subarray(offset, offset + length)));
const mbox: Target = {
  name: 'mbox',
  weight: 30,
  seeds: [{ kind: 'mbox', text: THREAD }],
  run: ({ text: content }) => {
    const mails = mailsIn(text(content));
    const again = mailsIn(formatMboxrd(mails));
    if (again.length !== mails.length)
      throw new Error(`${mails.length} mails are ${again.length} when they are written and read again`);
    return mails;
  },
  words: MAIL_WORDS,
  same: [],
};
const series: Target = {
  name: 'series',
  weight: 15,
  seeds: [{ kind: 'mbox', text: THREAD }],
  run: ({ text: content }) =>
    seriesOf(threadsOf(mailsIn(text(content)).map(readMail))).map(({ patches, complete, cover, ...rest }) => [
      rest,
      cover?.id,
      patches.map(({ mail: own, part, title }) => [own.id, part, title]),
      complete.map(({ from, part }) => [from, part]),
    ]),
  words: MAIL_WORDS,
  same: [],
};

const OBJECT = 'a'.repeat(40);
const ANSWERS = `${OBJECT} blob 5\nhello\n${'b'.repeat(40)} missing\n${OBJECT} tree 0\n\nHEAD:x y missing\n${OBJECT} commit 12\ntree x\n\nabc\n\n${OBJECT} blob 3\n\0\xff\n\n`;
const parsed = (content: string, sizes: (at: number) => number): readonly Answer[] => {
  const answers: Answer[] = [];
  const parse = batchParser(
    (answer) => answers.push(answer.kind === 'object' ? { ...answer, bytes: Buffer.from(answer.bytes) } : answer),
    1000,
  );
  for (let at = 0; at < content.length; ) {
    const size = sizes(at);
    parse(text(content.slice(at, at + size)));
    at += size;
  }
  return answers;
};
const objects: Target = {
  name: 'objects',
  weight: 20,
  seeds: [{ kind: 'batch', text: ANSWERS }],
  run: ({ text: content }) => {
    const whole = JSON.stringify(parsed(content, () => content.length));
    for (const step of content.length > 2000 ? [] : [1, 7])
      if (JSON.stringify(parsed(content, () => step)) !== whole)
        throw new Error(`chunks of ${step} bytes are read otherwise`);
    return whole;
  },
  words: [OBJECT, ' blob ', ' missing\n', ' ambiguous\n', ' submodule\n', '99999999999999999999', '\n', 'dangling'],
  same: [],
};

const markdown: Target = {
  name: 'markdown',
  weight: 4,
  seeds: [
    ...['plain', 'other-layout'].map((name) => ({
      kind: 'releases',
      text: file('fixtures', 'release-table', name, 'README.md'),
    })),
    { kind: 'binaries', text: file('fixtures', 'mapping', 'agree', 'README.md') },
    { kind: 'document', text: '# a\n\n| A | B |\n|---|---|\n| `x` | [y](https://example.org) |\n\n- > | a |\n' },
  ],
  run: ({ kind, text: content }) => {
    if (kind === 'releases') return readReleaseTable('a.md', text(content));
    return kind === 'binaries' ? readBinariesTable('a.md', text(content)) : readDocument('a.md', utf8(content));
  },
  words: MARKS,
  same: [sameMarkdown],
};
const mapping: Target = {
  name: 'mapping_file',
  weight: 40,
  seeds: ['agree', 'differ'].map((name) => ({
    kind: name,
    text: file('fixtures', 'mapping', name, 'mapping_file.json'),
  })),
  run: ({ text: content }) => readMappingFile('a.json', text(content)),
  words: [...JSON_WORDS, '"tdx_feature0"', '"1.5.06"', '"0xffffffffffffffff"'],
  same: [sameJson],
};
const virtualization: Target = {
  name: 'cpuid_virtualization',
  weight: 10,
  seeds: ['early', 'late'].map((name) => ({
    kind: name,
    text: file('fixtures', 'virtualization', name, 'cpuid_virtualization.json'),
  })),
  run: ({ text: content }) => readVirtualization('a.json', text(content)),
  words: [...JSON_WORDS, '"MSB"', '"LSB"', '"Leaf"', 'XFAM[2]', '0x7 / Sub-Leaf 0x1', 'ALLOW_DIRECT', 'Fixed'],
  same: [sameJson],
};

const SPECS: Readonly<Record<string, (content: string) => unknown>> = {
  modules: (content) => readModuleFile('m.yaml', content, NO_CACHE),
  clobbers: (content) => readClobbersFile('c.yaml', content, NO_CACHE),
  kvm: (content) => readPolicyFile('k.yaml', content, NO_CACHE),
  'releases.yaml': (content) => readReleasesFile('r.yaml', content, NO_CACHE),
  'names.yaml': (content) => readNamesFile('n.yaml', content, NO_CACHE),
  'levels.yaml': (content) => readLevelsFile('l.yaml', content, NO_CACHE),
  deciders: (content) => readDeciderFile('d.yaml', content, NO_CACHE),
  qemu: (content) => readQemuFile('q.yaml', content, NO_CACHE),
  'waivers.yaml': (content) => readPlainWaivers('w.yaml', content, NO_CACHE),
};
/** The head of a specification is enough of it: a list of thousands is the same line over and over. */
const short = (content: string): string => content.split('\n').slice(0, 60).join('\n');
const specs: Target = {
  name: 'specs',
  weight: 4,
  seeds: Object.keys(SPECS).flatMap((kind) => {
    // The older file of decisions is read where somebody still has one; none is shipped.
    if (kind === 'waivers.yaml') return [{ kind, text: 'waivers: []\n' }];
    if (kind.endsWith('.yaml')) return [{ kind, text: short(file('specs', kind)) }];
    return readdirSync(join(folder, 'specs', kind))
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .slice(-2)
      .map((name) => ({ kind, text: file('specs', kind, name) }))
      .filter(({ text: content }) => content.length < 12_000);
  }),
  run: ({ kind, text: content }) => SPECS[kind]?.(utf8(content)),
  words: YAML_WORDS,
  same: [sameYaml],
};
const state: Target = {
  name: 'state',
  weight: 60,
  seeds: [
    {
      kind: 'part',
      text: JSON.stringify(
        {
          schema: 'bitwatch.archive-part/1',
          archive: 'x',
          kind: 'git',
          after: null,
          tip: OBJECT,
          index: 1,
          of: 2,
          events: [`+${OBJECT}`],
        },
        null,
        1,
      ),
    },
  ],
  run: ({ text: content }) => parsePart('state.json', utf8(content)),
  words: JSON_WORDS,
  same: [sameJson],
};
const outbox: Target = {
  name: 'outbox',
  weight: 60,
  seeds: readdirSync(join(folder, 'fixtures', 'reply')).flatMap((name) =>
    filesIn(join(folder, 'fixtures', 'reply', name))
      .filter((path) => /\.(eml|txt)$/.test(path))
      .map((path) => ({ kind: name, text: readFileSync(path, 'latin1') })),
  ),
  run: ({ text: content }) => readOutgoing('a.eml', text(content)).id,
  words: [...MAIL_WORDS, 'Bcc: x@y\n', '\r\n', 'Reported-by: x\n'],
  same: [],
};
const posted: Target = {
  name: 'posted',
  weight: 10,
  seeds: [
    {
      kind: 'posted',
      text: `posted:\n  - repository: "a/b"\n    kind: release\n    key: "1.5.06"\n    number: 3\n    hash: "${'a'.repeat(64)}"\n    url: "https://example.org/3"\n    at: "2026-03-03"\n`,
    },
  ],
  run: ({ text: content }) => readPosted('posted.yaml', utf8(content)),
  words: YAML_WORDS,
  same: [sameYaml],
};

export const TARGETS: readonly Target[] = [
  tables,
  headers,
  clobbers,
  kvm,
  mail,
  mbox,
  series,
  objects,
  markdown,
  mapping,
  virtualization,
  specs,
  state,
  outbox,
  posted,
];
