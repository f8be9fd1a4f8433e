import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { makeInbox } from '../archive/inbox.ts';
import { kernelFiles, MASKING } from '../helpers/kernel-tree.ts';
import { CLI, program } from '../helpers/machine.ts';
import { git, gitEnv, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch, type RunResult } from '../helpers/run.ts';
import {
  BASE_FILES,
  diffsOf,
  type Edit,
  edited,
  inBoth,
  kernelClone,
  mailOf,
  mboxFile,
  ownKernelClone,
  postingOf,
  TDX,
} from '../helpers/series.ts';
import { FEW, fewSpecs, smallSpecs } from '../helpers/specs.ts';

const MORE = 'feature_bit(X86_FEATURE_HLE)';
/** Denies QUINCE, 7.0.EBX[19], beside the two that are denied already. */
const DENIES: Edit = {
  title: 'Deny QUINCE',
  files: edited(TDX, MORE, `${MORE} | __feature_bit(X86_FEATURE_QUINCE)`),
};
const DOCUMENTS: Edit = { title: 'Say so', files: { 'Documentation/list.rst': 'A list.\n' } };

type Printed = ReturnType<typeof SCHEMAS.series.parse>;
const jsonOf = ({ stdout }: RunResult): Printed => SCHEMAS.series.parse(JSON.parse(stdout));
const weighBy = (
  specs: string,
  mails: readonly string[],
  kernel: string,
  ...args: readonly string[]
): Promise<RunResult> => bitwatch(['series', mboxFile(mails), '--kernel', kernel, '--specs', specs, ...args]);
const weigh = (mails: readonly string[], kernel: string, ...args: readonly string[]): Promise<RunResult> =>
  weighBy(fewSpecs(), mails, kernel, ...args);

/** All that a repository holds, to tell that nothing was written. */
const contents = (path: string): readonly string[] => readdirSync(path, { recursive: true, encoding: 'utf8' }).sort();

test('a series on its base-commit: the policy, and each release that it changes', async () => {
  const { path, base } = kernelClone();
  const before = contents(path);
  const mails = postingOf([DENIES, DOCUMENTS], { trailers: `base-commit: ${base}` });
  const { status, stderr, text, json } = await inBoth((args) => weigh(mails, path, ...args));
  expect([status, stderr]).toEqual([0, '']);
  expect(text).toContain(`base:       ${base.slice(0, 12)} (v7.2.1), the series’ base-commit`);
  expect(text).toContain('* KVM denies 7.0.EBX ADX[19]');
  expect(text).toContain('* 7.0.EBX ADX[19]: passed through -> denied');
  expect(text).toMatch(/^Open after the series: TDX module 1\.5\.\d+$/m);
  expect(contents(path)).toEqual(before);
  const { series, outcome, inputs, touched } = json;
  expect(series).toMatchObject({ id: 'v1.0@example.org', version: 1, total: 2, missing: [], newer: null });
  expect(series.lists).toEqual(['kvm@vger.kernel.org', 'linux-coco@lists.linux.dev']);
  expect([inputs, touched]).toEqual([[TDX], ['Documentation/list.rst', TDX]]);
  expect(outcome.base).toMatchObject({ commit: base, by: 'base-commit', preimages: { matched: 1, of: 1 } });
  expect(outcome.changes?.deny.added).toMatchObject([{ leaf: '0x7', register: 'ebx', mask: '0x00080000' }]);
  expect(outcome.before?.deny[0]?.mask).toBe('0x00000810');
  expect(outcome.effects?.find(({ release }) => release === '1.5.06')?.verdicts).toMatchObject([
    { register: 'ebx', mask: '0x00080000', from: 'passed', to: 'denied' },
  ]);
  expect(outcome.findings?.map(({ rule }) => rule)).toEqual(['policy-deny-added']);
});

test('a denial that goes names what is clobbered, and a restore that comes settles it', async () => {
  const files = {
    ...BASE_FILES,
    ...edited(
      TDX,
      'entry->index == 0 && (entry->ebx & DENIED_TSX)',
      'entry->index == 0 && ((entry->ebx & DENIED_TSX) || (entry->ecx & 0x20))',
    ),
  };
  const text = `${files[TDX]}`.replace(
    'entry->ebx &= ~DENIED_TSX;',
    'entry->ebx &= ~DENIED_TSX;\n\tentry->ecx &= ~0x20;',
  );
  const denying = { ...files, [TDX]: text };
  const { path } = kernelClone(denying);
  const allowing =
    edited(TDX, ' || (entry->ecx & 0x20)', '', denying)[TDX]?.replace('\n\tentry->ecx &= ~0x20;', '') ?? '';
  const restoring = allowing.replace('{.msr = MSR_BETA,}', '{.msr = MSR_BETA,},\n\t{.msr = MSR_IA32_UMWAIT_CONTROL,}');
  const allow = await weigh(postingOf([{ title: 'Allow it', files: { [TDX]: allowing } }], { files: denying }), path);
  expect(allow.stdout).toContain('* KVM no longer denies 7.0.ECX WAITPKG[5]');
  expect(allow.stdout).toMatch(
    /WAITPKG\[5\]: denied -> passed through; clobbers UMWAIT_CONTROL,\s+which\s+KVM does not restore/,
  );
  expect(allow.stdout).toContain('* new: error exposed-clobbers-host 7.0.ECX WAITPKG[5]');
  const both = await weigh(postingOf([{ title: 'Restore it', files: { [TDX]: restoring } }], { files: denying }), path);
  expect(both.stdout).toContain('* KVM restores UMWAIT_CONTROL after TDH.VP.ENTER');
  expect(both.stdout).not.toContain('exposed-clobbers-host');
});

test('a series that touches no input of the policy stops with 0 and says so', async () => {
  const result = await weigh(postingOf([DOCUMENTS]), kernelClone().path);
  expect(result.status).toBe(0);
  expect(result.stdout).toMatch(
    /It touches none of the files that KVM’s policy for TDs is\s+read from \(1 paths in all\)/,
  );
});

test('a series without its parts, or with a part that has no diff, is not weighed', async () => {
  const mails = postingOf([DENIES, DOCUMENTS]);
  const gap = await weigh([...mails.slice(0, 2)], kernelClone().path);
  expect([gap.status, gap.stdout.includes('Not weighed: part 2 of 2 is in no mail that was read.')]).toEqual([
    75,
    true,
  ]);
  const bare = [
    ...mails.slice(0, 2),
    mailOf({ id: 'v1.2@example.org', subject: '[PATCH 2/2] Say so', body: 'Later.\n', parent: 'v1.0@example.org' }),
  ];
  expect(jsonOf(await weigh(bare, kernelClone().path, '--json')).outcome).toMatchObject({
    kind: 'incomplete',
    reason: 'part 2 of 2 has no diff',
  });
});

test('a patch that does not apply names patch, file, hunk and reason', async () => {
  const moved = { ...BASE_FILES, ...edited(TDX, 'X86_FEATURE_RTM', 'X86_FEATURE_WAITPKG') };
  const { path, base } = kernelClone(moved);
  const mails = postingOf([DOCUMENTS, DENIES], { trailers: `base-commit: ${base}` });
  const { status, text, json } = await inBoth((args) => weigh(mails, path, ...args));
  expect(status).toBe(65);
  expect(text.replace(/\s+/g, ' ')).toContain(
    `It does not apply: part 2 “Deny QUINCE”, ${TDX}, hunk 1 (@@ -1,7 +1,7 @@): the lines that the hunk expects are not at the base.`,
  );
  expect(json.outcome.rejection).toMatchObject({ part: 2, id: 'v1.2@example.org', path: TDX, hunk: { number: 1 } });
  // Without a base that is named, nobody knows that the series is at fault.
  expect((await weigh(postingOf([DOCUMENTS, DENIES]), path)).status).toBe(75);
  expect((await weigh(mails, path, '--base', 'nope')).status).toBe(66);
});

test('the best base known: all files as they were, else where it applies', async () => {
  const other = { ...BASE_FILES, [TDX]: `${BASE_FILES[TDX]}// later\n` };
  const { path } = ownKernelClone();
  execFileSync('git', ['fast-import', '--quiet', '--force'], {
    cwd: path,
    env: gitEnv,
    input: `commit refs/heads/later\ncommitter A <a@b> 1800000000 +0000\ndata 5\nlater\nfrom refs/heads/main^0\nM 100644 inline ${TDX}\ndata ${Buffer.byteLength(other[TDX] ?? '')}\n${other[TDX]}\n`,
  });
  const mails = postingOf([DENIES], { trailers: `base-commit: ${'1'.repeat(40)}` });
  const exact = jsonOf(await weigh(mails, path, '--json')).outcome;
  expect(exact.base).toMatchObject({ by: 'preimages', name: 'v7.2.1', named: '1'.repeat(40), tried: 2 });
  const elsewhere = postingOf(
    [
      {
        title: 'Deny QUINCE',
        files: edited(TDX, MORE, `${MORE} | __feature_bit(X86_FEATURE_QUINCE)`, {
          ...BASE_FILES,
          [TDX]: `${BASE_FILES[TDX]}// unknown\n`,
        }),
      },
    ],
    {
      files: { ...BASE_FILES, [TDX]: `${BASE_FILES[TDX]}// unknown\n` },
    },
  );
  const near = jsonOf(await weigh(elsewhere, path, '--json')).outcome;
  expect(near.base).toMatchObject({ by: 'applies', name: 'later', named: null, preimages: { matched: 0, of: 1 } });
  const asked = jsonOf(await weigh(mails, path, '--json', '--base', 'later')).outcome;
  expect(asked.base).toMatchObject({ by: 'given', name: 'later', named: '1'.repeat(40) });
});

test('a policy that cannot be read after the series is said, not guessed', async () => {
  const broken = edited(TDX, 'return uses_tsx(entry);', 'return __builtin_magic(entry);');
  const result = await weigh(postingOf([{ title: 'Magic', files: broken }]), kernelClone().path);
  expect(result.status).toBe(65);
  expect(result.stdout.replace(/\s+/g, ' ')).toContain('It applies, but the policy after it cannot be read');
  const dropped = postingOf([{ title: 'Drop it', files: { [TDX]: null } }]);
  const gone = await weigh(dropped, kernelClone().path, '--json');
  expect([gone.status, jsonOf(gone).outcome.kind]).toEqual([65, 'unreadable']);
});

test('a Message-ID of any of its mails finds a series in archives; re-rolls are completed and newer ones said', async () => {
  const root = temporaryFolder();
  const { path, base } = kernelClone();
  const v1 = postingOf([DENIES, DOCUMENTS], { trailers: `base-commit: ${base}` });
  const again = mailOf({
    id: 'v2.1@example.org',
    subject: '[PATCH v2 1/2] Deny QUINCE',
    body: `Because.\n---\n${diffsOf([DENIES])[0]}`,
    day: 3,
  });
  const inboxes = [
    makeInbox(
      root,
      'kvm.git',
      v1.map((mail) => ({ mail })),
    ),
    makeInbox(
      root,
      'coco.git',
      [...v1.slice(0, 1), again].map((mail) => ({ mail })),
    ),
  ];
  const args = [
    '--kernel',
    path,
    '--specs',
    fewSpecs(),
    '--cache',
    join(root, 'cache'),
    '--state',
    join(root, 'state.json'),
    ...inboxes.flatMap((inbox) => ['--archive', inbox]),
  ];
  const first = await inBoth((more) => bitwatch(['series', '<v1.2@example.org>', ...args, ...more]));
  expect(first.json.series).toMatchObject({
    id: 'v1.0@example.org',
    newer: { id: 'v2.1@example.org', version: 2 },
    archives: inboxes,
  });
  expect(first.text).toContain('A newer version exists: v2.');
  const second = jsonOf(await bitwatch(['series', 'https://lore.kernel.org/kvm/v2.1@example.org/', ...args, '--json']));
  expect(second.outcome.kind).toBe('applied');
  expect(second.series.patches.map(({ from }) => from)).toEqual(['v2.1@example.org', 'v1.0@example.org']);
  expect(second.notes.join(' ')).toContain(
    'Part 2 was not sent again with this version and was taken from <v1.0@example.org>.',
  );
  expect((await bitwatch(['series', 'v9@example.org', ...args])).status).toBe(66);
});

test('mails without Message-ID, as git format-patch writes them, are one series', async () => {
  const mails = postingOf([DENIES, DOCUMENTS]).map((mail) =>
    mail.replace(/^Message-ID: .*\n/, '').replace(/^In-Reply-To: .*\n/m, ''),
  );
  const { series, outcome } = jsonOf(await weigh(mails, kernelClone().path, '--json'));
  expect([series.total, series.missing, outcome.kind]).toEqual([2, [], 'applied']);
});

test('a file of several series asks for one', async () => {
  const other = mailOf({ id: 'o@example.org', subject: '[PATCH] Another', body: diffsOf([DOCUMENTS])[0] ?? '' });
  const result = await weigh([...postingOf([DENIES]), other], kernelClone().path);
  expect(result.status).toBe(64);
  expect(result.stderr).toContain('<v1.0@example.org> (v1 A better list)');
});

test.each([
  [['series', 'x@y'], 64, '--kernel'],
  [['series', 'x@y', '--kernel', '/nonexistent'], 66, 'not a git repository'],
  [['series', '/nonexistent.mbox', '--kernel', 'KERNEL'], 66, 'no such file'],
  [['series', 'x@y', '--kernel', 'KERNEL'], 64, '--archive'],
  [['series', 'https://lore.kernel.org/kvm/%E0@x/', '--kernel', 'KERNEL'], 64, '--archive'],
  [['series', 'x@y', '--kernel', 'KERNEL', '--archive', '/nonexistent'], 66, 'no such archive'],
  [['series', 'x@y', '--kernel', 'KERNEL', '--out', 'sarif=x'], 64, 'text, markdown, json, mboxrd'],
])('%j is refused with %i', async (args, status, words) => {
  const { path } = kernelClone();
  const result = await bitwatch(args.map((arg) => (arg === 'KERNEL' ? path : arg)));
  expect([result.status, result.stdout]).toEqual([status, '']);
  expect(result.stderr).toContain(words);
});

test('several formats in one run, among them mails that git am takes', async () => {
  const folder = temporaryFolder();
  const out = (format: string): string => join(folder, format);
  const { path, base } = kernelClone();
  const mails = postingOf([DENIES, DOCUMENTS], { trailers: `base-commit: ${base}` });
  const formats = ['text', 'markdown', 'json', 'mboxrd'];
  const result = await weigh(mails, path, ...formats.flatMap((format) => ['--out', `${format}=${out(format)}`]));
  expect([result.status, result.stdout]).toEqual([0, '']);
  expect(readFileSync(out('markdown'), 'utf8')).toContain('- KVM denies 7.0.EBX ADX[19]'.replace('[', '\\['));
  const tree = SCHEMAS.series.parse(JSON.parse(readFileSync(out('json'), 'utf8'))).outcome.after?.source.revision;
  const work = temporaryFolder();
  git(work, 'clone', '-q', path, '.');
  git(work, 'am', '-q', '--patch-format=mboxrd', out('mboxrd'));
  expect(git(work, 'rev-parse', 'HEAD^{tree}')).toBe(tree);
});

test('the same input gives the same bytes', async () => {
  const { path } = kernelClone();
  const file = mboxFile(postingOf([DENIES]));
  const runs = [1, 2].map(() => bitwatch(['series', file, '--kernel', path, '--specs', fewSpecs(), '--json']));
  const [a, b] = await Promise.all(runs);
  expect(a?.stdout).toBe(b?.stdout);
});

test('a blobless clone: what is not there is fetched from the source of that clone alone, else named', async () => {
  const { path, base } = ownKernelClone();
  git(path, 'config', 'uploadpack.allowFilter', 'true');
  git(path, 'config', 'uploadpack.allowAnySHA1InWant', 'true');
  const cache = temporaryFolder();
  const clone = join(cache, 'linux.git');
  git('.', 'clone', '-q', '--bare', '--filter=blob:none', `file://${path}`, clone);
  const mails = postingOf([DENIES], { trailers: `base-commit: ${base}` });
  const specs = smallSpecs(temporaryFolder(), FEW);
  writeFileSync(
    join(specs, 'sources.yaml'),
    JSON.stringify({
      sources: [{ name: 'linux', kind: 'kernel', repository: 'torvalds/linux', licence: 'x', url: path }],
    }),
  );
  // Offline; a clone of nobody's cache, which names a remote of its own; a source of another name.
  for (const more of [['--offline', '--cache', cache], [], ['--cache', temporaryFolder()]]) {
    const { status, stdout, stderr } = await weighBy(specs, mails, clone, ...more);
    expect([status, stdout, stderr]).toEqual([69, '', expect.stringContaining('which this clone does not have')]);
  }
  expect(await weighBy(specs, mails, clone, '--cache', cache)).toMatchObject({ status: 0, stderr: '' });
});

/** A kernel that lists what TDs may have: QUINCE, and with `more` other features of that register. */
const allowing = (more = ''): Readonly<Record<string, string>> =>
  kernelFiles({
    filter: `static void keep(struct kvm_cpuid_entry2 *entry)
{
	u32 eax = 0, ebx = 0, ecx = 0, edx = 0;

	if (entry->function == 7 && entry->index == 0)
		ebx = feature_bit(QUINCE)${more};
	entry->eax &= eax;
	entry->ebx &= ebx;
	entry->ecx &= ecx;
	entry->edx &= edx;
}
`,
    init: 'keep(entry);',
    refusal: '',
    values: MASKING,
  });

test('an opt-in to an allowlist: from hidden to allowed, and what still waits', async () => {
  const optin = { title: 'Opt in', files: { [TDX]: allowing(' | feature_bit(HLE)')[TDX] ?? '' } };
  const result = await weigh(postingOf([optin], { files: allowing() }), kernelClone(allowing()).path);
  expect(result.status).toBe(0);
  expect(result.stdout).toContain('* KVM opts in to 7.0.EBX HLE[4]');
  expect(result.stdout).toContain('* 7.0.EBX HLE[4]: hidden until KVM opts in -> allowed');
  expect(result.stdout).toMatch(/^\* warning needs-optin \(before it too\): /m);
});

test('a change of generation is said, with every bit that it moves', async () => {
  const { outcome } = jsonOf(
    await weigh(
      postingOf([{ title: 'Allow only', files: { [TDX]: allowing()[TDX] ?? '' } }]),
      kernelClone().path,
      '--json',
    ),
  );
  expect(outcome.changes?.generation).toEqual({ from: 'denylist', to: 'allowlist' });
  const newest = outcome.effects?.find(({ release }) => release === '2.0.18');
  expect(newest?.verdicts.some(({ from, to }) => from === 'exposed' && to === 'needs-optin')).toBe(true);
  expect(newest?.verdicts.every(({ from, to }) => from !== to)).toBe(true);
});

test('text of a mail acts nowhere', async () => {
  const mails = postingOf([DENIES]).map((mail) =>
    mail
      .replace('A better list', 'A =?utf-8?B?4oCuG1szMW0=?= <script>@team #1')
      .replace('Deny QUINCE', '[x](javascript:1)'),
  );
  const { path } = kernelClone();
  const folder = temporaryFolder();
  const files = ['text=t', 'markdown=m', 'json=j'].map((file) => file.replace('=', `=${folder}/`));
  await weigh(mails, path, ...files.flatMap((file) => ['--out', file]));
  const text = readFileSync(join(folder, 't'), 'utf8');
  expect(text).toContain('<script>');
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  const markdown = readFileSync(join(folder, 'm'), 'utf8');
  expect(markdown).not.toMatch(/<script>|[^\\]\[x\]\(| @team/);
  expect(readFileSync(join(folder, 'j'), 'utf8')).not.toMatch(/[\u001b\u202e]/);
});

test('a Message-ID that was used again means the latest series, and that is said', async () => {
  const { path } = kernelClone();
  const root = temporaryFolder();
  const again = postingOf([DENIES], { version: 2, day: 5 }).map((mail) => mail.replaceAll('v2.', 'v1.'));
  const inbox = makeInbox(
    root,
    'kvm.git',
    [...postingOf([DENIES]), ...again].map((mail) => ({ mail })),
  );
  const args = ['--archive', inbox, '--state', join(root, 'state.json'), '--kernel', path];
  const { series, notes } = jsonOf(
    await bitwatch(['series', 'v1.1@example.org', ...args, '--specs', fewSpecs(), '--json']),
  );
  expect([series.version, series.newer, notes[0]]).toEqual([
    2,
    null,
    '2 series have a mail with this Message-ID; this is the latest of them.',
  ]);
});

test.skipIf(!existsSync(CLI))('a series comes through a pipe as from a file, and leaves nothing', async () => {
  const { path } = kernelClone();
  // What it says is short: the pipe is what is looked at.
  const file = mboxFile(postingOf([DOCUMENTS]));
  const input = readFileSync(file, 'utf8');
  const more = ['--kernel', path, '--specs', fewSpecs()];
  const ofFile = await bitwatch(['series', file, ...more]);
  expect(ofFile.status).toBe(0);
  for (const name of ['-', '/dev/stdin']) {
    const ofPipe = program(['series', name, ...more], { input });
    expect([ofPipe.status, ofPipe.stderr]).toEqual([0, '']);
    expect(ofPipe.stdout.replaceAll(`series ${name} `, `series ${file} `)).toBe(ofFile.stdout);
  }
  const none = program(['series', '-', ...more]);
  expect([none.status, none.stderr.split('\n').length]).toEqual([65, 2]);
  expect(none.stderr).not.toContain('a bug');
});
