import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject } from 'vitest';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { kernelFiles } from './kernel-tree.ts';
import { buildRepository, git, gitEnv, temporaryFolder } from './repository.ts';
import type { RunResult } from './run.ts';

export const TDX = 'arch/x86/kvm/vmx/tdx.c';
export const BASE_FILES = kernelFiles();

/** One change of an author: title, and the files after it. */
export type Edit = { readonly title: string; readonly files: Readonly<Record<string, string | null>> };

/** What git makes of the same files is made once for all test files of a worker. */
const diffs = new Map<string, readonly string[]>();
const clones = new Map<string, { readonly path: string; readonly base: string }>();

/** Edits as diffs, each against the one before; made by git from trees, so nothing is checked out. */
export function diffsOf(
  edits: readonly Edit[],
  files: Readonly<Record<string, string>> = BASE_FILES,
): readonly string[] {
  const key = JSON.stringify([edits, files]);
  const known = diffs.get(key) ?? makeDiffs(edits, files);
  diffs.set(key, known);
  return known;
}

function makeDiffs(edits: readonly Edit[], files: Readonly<Record<string, string>>): readonly string[] {
  const commits = [
    { subject: 'base', files },
    ...edits.map(({ title, files: own }) => ({ subject: title, files: own })),
  ];
  const folder = buildRepository(commits);
  return edits.map((_, at) => {
    const range = [`main~${edits.length - at}`, `main~${edits.length - at - 1}`];
    return execFileSync('git', ['diff', '-M', ...range], { cwd: folder, env: gitEnv, encoding: 'utf8' });
  });
}

/** A clone of the kernel that has only the base, to be read alone; its path and the base's commit. */
export function kernelClone(files: Readonly<Record<string, string>> = BASE_FILES): { path: string; base: string } {
  const key = JSON.stringify(files);
  const known = clones.get(key) ?? ownKernelClone(files, mkdtempSync(join(inject('sharedFolder'), 'kernel-')));
  clones.set(key, known);
  return known;
}

/** A clone that its test may change. */
export function ownKernelClone(
  files: Readonly<Record<string, string>> = BASE_FILES,
  folder = temporaryFolder(),
): { path: string; base: string } {
  const path = buildRepository([{ subject: 'base', files, tags: ['v7.2.1'] }], folder);
  return { path, base: git(path, 'rev-parse', 'main') };
}

export type MailDraft = {
  readonly id: string;
  readonly subject: string;
  readonly body: string;
  readonly parent?: string;
  readonly day?: number;
};

/** One mail of the list. */
export const mailOf = ({ id, subject, body, parent, day = 1 }: MailDraft): string =>
  [
    `Message-ID: <${id}>`,
    'From: Jane Doe <jane@example.org>',
    'To: kvm@vger.kernel.org',
    'Cc: Joe <joe@example.org>, linux-coco@lists.linux.dev',
    `Subject: ${subject}`,
    `Date: ${day} Jun 2026 12:00:00 +0000`,
    ...(parent === undefined ? [] : [`In-Reply-To: <${parent}>`]),
    '',
    body,
  ].join('\n');

/** The mails of a series with a cover letter that carries the trailers. */
export function postingOf(
  edits: readonly Edit[],
  { version = 1, trailers = '', day = 1, files = BASE_FILES }: PostingOptions = {},
): readonly string[] {
  const prefix = version === 1 ? 'PATCH' : `PATCH v${version}`;
  const id = (part: number): string => `v${version}.${part}@example.org`;
  const total = edits.length;
  const cover = mailOf({
    id: id(0),
    subject: `[${prefix} 0/${total}] A better list`,
    body: `Why.\n\n${trailers}\n`,
    day,
  });
  return [
    cover,
    ...diffsOf(edits, files).map((diff, at) =>
      mailOf({
        id: id(at + 1),
        subject: `[${prefix} ${at + 1}/${total}] ${edits[at]?.title}`,
        body: `Because.\n---\n${diff}-- \n2.39.5\n`,
        parent: id(0),
        day,
      }),
    ),
  ];
}

type PostingOptions = {
  readonly version?: number;
  readonly trailers?: string;
  readonly day?: number;
  readonly files?: Readonly<Record<string, string>>;
};

/** Mails as an mbox file. */
export function mboxFile(mails: readonly string[]): string {
  const path = join(temporaryFolder(), 'series.mbox');
  writeFileSync(path, mails.map((mail) => `From a@b Thu Jan  1 00:00:00 1970\n${mail}\n\n`).join(''));
  return path;
}

/** The kernel's file with some text of it replaced; fails where the text is not there. */
export function edited(path: string, from: string, to: string, files = BASE_FILES): Record<string, string> {
  const text = files[path] ?? '';
  if (!text.includes(from)) throw new Error(`${path} has no ${from}`);
  return { [path]: text.replace(from, to) };
}

/** One run of `series` that prints two formats: its text and its JSON. */
export async function inBoth(
  run: (out: readonly string[]) => Promise<RunResult>,
): Promise<RunResult & { readonly text: string; readonly json: ReturnType<typeof SCHEMAS.series.parse> }> {
  const folder = temporaryFolder();
  const [text, json] = [join(folder, 'text'), join(folder, 'json')];
  const result = await run(['--out', `text=${text}`, '--out', `json=${json}`]);
  expect(result.stdout).toBe('');
  return {
    ...result,
    text: readFileSync(text, 'utf8'),
    json: SCHEMAS.series.parse(JSON.parse(readFileSync(json, 'utf8'))),
  };
}
