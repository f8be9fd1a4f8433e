import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch, type RunResult } from '../helpers/run.ts';
import {
  BASE_FILES,
  type Edit,
  edited,
  inBoth,
  kernelClone,
  mailOf,
  mboxFile,
  postingOf,
  TDX,
} from '../helpers/series.ts';
import { fewSpecs } from '../helpers/specs.ts';

const QUINCE = '__feature_bit(X86_FEATURE_QUINCE)';
const AT = 'entry->function == 7 && entry->index == 0';
const hides = (files = BASE_FILES): Edit => ({
  title: 'Hide QUINCE',
  files: edited(
    TDX,
    '\t\tdrop_tsx(entry);\n',
    `\t\tdrop_tsx(entry);\n\tif (${AT})\n\t\tentry->ebx &= ~${QUINCE};\n`,
    files,
  ),
});
const refuses = (files = BASE_FILES): Edit => ({
  title: 'Refuse QUINCE',
  files: edited(
    TDX,
    'return uses_tsx(entry);',
    `return uses_tsx(entry) || (${AT} && (entry->ebx & ${QUINCE}));`,
    files,
  ),
});
const after = (edit: Edit, files = BASE_FILES): Readonly<Record<string, string>> => ({
  ...files,
  [TDX]: edit.files[TDX] ?? '',
});
const COMMENTS: Edit = {
  title: 'Say why',
  files: edited(TDX, '#define DENIED_TSX', '/* Because. */\n#define  DENIED_TSX'),
};
/** 7.0.EBX[19], by its number in a tree and by the leaf in another. */
const PLACED = { leaf: '0x7', subleaf: '0x0', register: 'ebx', mask: '0x00080000' };

const jsonOf = ({ stdout }: RunResult): ReturnType<typeof SCHEMAS.series.parse> =>
  SCHEMAS.series.parse(JSON.parse(stdout));
const weigh = (mails: readonly string[], kernel: string, ...args: readonly string[]): Promise<RunResult> =>
  bitwatch(['series', mboxFile(mails), '--kernel', kernel, '--specs', fewSpecs(), ...args]);

test('a patch that hides before the next refuses leaves a state where the bit is hidden and taken', async () => {
  const { path } = kernelClone();
  const [first, second] = [hides(), refuses(after(hides()))];
  const result = await weigh(postingOf([first, second]), path, '--json', '--fail-on', 'error');
  const { outcome } = jsonOf(result);
  expect(result.status).toBe(100);
  expect(outcome.between).toMatchObject([
    { after: 1, until: 2, kind: 'hidden-not-refused', level: 'error', isUnnamed: false, places: [PLACED] },
  ]);
  expect(outcome.steps?.map(({ kind }) => kind)).toEqual(['changes', 'changes']);
  expect(outcome.steps?.[0]).toMatchObject({
    changes: { deny: { added: [] } },
    splits: { added: [{ kind: 'hidden-not-refused', place: PLACED }], removed: [] },
  });
  expect(outcome.steps?.[1]).toMatchObject({
    changes: { deny: { added: [PLACED] } },
    splits: { added: [], removed: [{ kind: 'hidden-not-refused', place: PLACED }] },
  });
  // The whole series is sound: nothing of it is an error but the way.
  expect(outcome.findings?.map(({ rule, level }) => [rule, level])).toEqual([['policy-deny-added', 'warning']]);
  // The other way round the state between shows a bit that it refuses: user space is told something that fails.
  const [one, two] = [refuses(), hides(after(refuses()))];
  const other = await weigh(postingOf([one, two]), path, '--json', '--fail-on', 'error');
  expect([other.status, jsonOf(other).outcome.between]).toMatchObject([
    0,
    [{ after: 1, until: 2, kind: 'shown-but-refused', level: 'warning', places: [PLACED] }],
  ]);
  // Both at once: every state is safe.
  const both: Edit = { title: 'Deny QUINCE', files: refuses(after(hides())).files };
  const sound = await weigh(postingOf([both, { title: 'Docs', files: { 'Documentation/x.rst': 'x\n' } }]), path);
  expect(sound.stdout).toMatch(/^\* Safe after every patch:/m);
  expect(sound.stdout).toContain('2/2 “Docs”: touches no file that the policy is read from');
});

test('a denial that comes back only later is open between', async () => {
  const open: Edit = {
    title: 'Drop the denial',
    files: edited(TDX, 'entry->index == 0 && (entry->ebx', 'entry->index == 9 && (entry->ebx'),
  };
  const back: Edit = { title: 'Bring it back', files: { [TDX]: BASE_FILES[TDX] ?? '' } };
  const { outcome } = jsonOf(await weigh(postingOf([open, back]), kernelClone().path, '--json'));
  expect(outcome.between).toMatchObject([
    {
      after: 1,
      until: 2,
      kind: 'open',
      level: 'error',
      places: [{ leaf: '0x7', register: 'ebx', mask: '0x00000810' }],
    },
  ]);
  expect(outcome.findings).toEqual([]);
});

test('what is hidden and taken after the whole series is its first point, with both lines', async () => {
  const { path } = kernelClone();
  const result = await weigh(postingOf([hides()]), path, '--fail-on', 'error');
  expect(result.status).toBe(100);
  expect(result.stdout.replace(/\s+/g, ' ')).toMatch(
    /What a reviewer must know \* error: 7\.0\.EBX ADX\[19\]: hidden by KVM_TDX_CAPABILITIES, and KVM_TDX_INIT_VM takes it \(KVM 7\.2\.1 with the series\) \(tdx\.c:\d+, tdx\.c:\d+\)/,
  );
});

test('a patch of comments says so in one line, and the report has no more', async () => {
  const result = await weigh(postingOf([COMMENTS]), kernelClone().path, '--fail-on', 'info');
  expect(result.status).toBe(0);
  expect(result.stdout.replace(/\s+/g, ' ')).toContain(
    'It changes comments and white space alone in what the policy is read from: the policy stays as it is',
  );
  expect(result.stdout).not.toMatch(/^TDs of|^Open after/m);
  const code: Edit = { title: 'Rename', files: { [TDX]: (BASE_FILES[TDX] ?? '').replaceAll('uses_tsx', 'has_tsx') } };
  const { outcome } = jsonOf(
    await weigh(postingOf([COMMENTS, { ...code, files: after(code, after(COMMENTS)) }]), kernelClone().path, '--json'),
  );
  expect(outcome.steps?.map(({ kind }) => kind)).toEqual(['comments', 'same']);
});

test('a bit that was let through and is refused now is an ABI break; one that was refused before is none', async () => {
  const both: Edit = { title: 'Deny QUINCE', files: refuses(after(hides())).files };
  const text = (await weigh(postingOf([both]), kernelClone().path)).stdout.replace(/\s+/g, ' ');
  expect(text).toMatch(
    /\* warning: ABI break for user space that sets 7\.0\.EBX ADX\[19\]: KVM_TDX_INIT_VM took it and fails with -EINVAL now \(TDX module 1\.0\.00\.\.2\.0\.18\)/,
  );
  const back: Edit = { title: 'Let it through', files: { [TDX]: BASE_FILES[TDX] ?? '' } };
  const opened = await weigh(postingOf([back], { files: after(both) }), kernelClone(after(both)).path);
  expect(opened.stdout).not.toContain('ABI break');
});

test('a version is held against the one before', async () => {
  const { path } = kernelClone();
  const both: Edit = { title: 'Deny QUINCE', files: refuses(after(hides())).files };
  const [v1, v2] = [postingOf([hides()]), postingOf([both], { version: 2, day: 4 })];
  const { outcome, series } = jsonOf(await weigh([...v1, ...v2], path, '--json'));
  expect(series.before).toMatchObject({ version: 1 });
  expect(outcome.since).toMatchObject({
    id: 'v1.0@example.org',
    version: 1,
    isSameStart: true,
    changes: { deny: { added: [PLACED], removed: [] } },
    splits: { added: [], removed: [{ kind: 'hidden-not-refused', place: PLACED }] },
  });
});

test('a version is held against the one that is named, and one with a part missing is not compared', async () => {
  const { path } = kernelClone();
  const both: Edit = { title: 'Deny QUINCE', files: refuses(after(hides())).files };
  const [v1, v2] = [postingOf([hides()]), postingOf([both], { version: 2, day: 4 })];
  expect(jsonOf(await weigh(v2, path, '--json')).outcome.since).toBeNull();
  const named = jsonOf(await weigh(v2, path, '--json', '--from', mboxFile(v1))).outcome.since;
  expect(named).toMatchObject({ id: 'v1.0@example.org', isSameStart: true });
  // Of a version with a part missing nothing is said.
  const half = postingOf([hides(), refuses(after(hides()))]).slice(0, 2);
  const text = (await weigh(v2, path, '--from', mboxFile(half))).stdout.replace(/\s+/g, ' ');
  expect(text).toContain('Not compared with v1: part 2 of 2 is in no mail that was read.');
});

test('an answer with a diff of its own is named and not applied', async () => {
  const mails = postingOf([hides()]);
  const fix = mailOf({
    id: 'fix@example.org',
    subject: 'Re: [PATCH 1/1] Hide QUINCE',
    parent: 'v1.1@example.org',
    day: 2,
    body: `I squash this:\n\ndiff --git a/${TDX} b/${TDX}\n--- a/${TDX}\n+++ b/${TDX}\n@@ -1 +1 @@\n-a\n+b\n`,
  });
  const talk = mailOf({
    id: 'talk@example.org',
    subject: 'Re: [PATCH 1/1] Hide QUINCE',
    parent: 'v1.1@example.org',
    day: 2,
    body: `> diff --git a/${TDX} b/${TDX}\nLooks good.\n`,
  });
  const { status, text, json } = await inBoth((args) => weigh([...mails, fix, talk], kernelClone().path, ...args));
  const { fixups, outcome } = json;
  expect(fixups).toMatchObject([{ id: 'fix@example.org', paths: [TDX], author: { name: 'Jane Doe' } }]);
  // Without --fail-on a finding, also an error, ends with 0.
  expect([status, outcome.findings?.map(({ rule, level }) => [rule, level])]).toEqual([
    0,
    [['hidden-not-refused', 'error']],
  ]);
  expect(text.replace(/\s+/g, ' ')).toContain(
    '<fix@example.org> by Jane Doe, “Re: [PATCH 1/1] Hide QUINCE”: arch/x86/kvm/vmx/tdx.c. It was not applied.',
  );
});

test('a base that no ref stands at is found by the blobs that the diffs name', async () => {
  const later = { ...BASE_FILES, [TDX]: `${BASE_FILES[TDX]}// later\n` };
  const path = buildRepository([
    { subject: 'base', files: BASE_FILES },
    { subject: 'later', files: later, tags: ['v7.3'] },
  ]);
  const { outcome } = jsonOf(await weigh(postingOf([hides()]), path, '--json'));
  expect(outcome.base).toMatchObject({ commit: git(path, 'rev-parse', 'main~1'), by: 'preimages', name: null });
});

test('a file without a blank line before its From lines, as git format-patch --no-signature writes it', async () => {
  const file = join(temporaryFolder(), 'x.mbox');
  const mails = postingOf([hides(), refuses(after(hides()))]);
  writeFileSync(
    file,
    mails.map((mail) => `From ${'a'.repeat(40)} Mon Sep 17 00:00:00 2001\n${mail.replace(/\n+$/, '\n')}`).join(''),
  );
  const { series } = jsonOf(
    await bitwatch(['series', file, '--kernel', kernelClone().path, '--specs', fewSpecs(), '--json']),
  );
  expect([series.total, series.missing]).toEqual([2, []]);
});
