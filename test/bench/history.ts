import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KVM_PATHS } from '../../pipeline/extract/kvm/paths.ts';
import { bestOfEach, command } from './measure.ts';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'pipeline', 'cli.js');
const REVISIONS = 200;
/** Milliseconds that each distinct blob may cost beside reading it. */
const EACH_BLOB = 10;

/** The files that real commits touch most, in turn; in each a function or a macro is added that nothing asks for. */
const TOUCHED = [
  'arch/x86/kvm/vmx/tdx.c',
  'arch/x86/kvm/x86.c',
  'arch/x86/kvm/cpuid.c',
  'arch/x86/kvm/vmx/vmx.c',
  'arch/x86/include/asm/kvm_host.h',
  'arch/x86/include/asm/cpufeatures.h',
];

/** A history of 200 revisions made of a kernel's own files, against reading its blobs with git. */
export function benchHistory(print: (line: string) => void, repository: string, revision: string): void {
  const made = mkdtempSync(join(tmpdir(), 'bitwatch-history-'));
  try {
    const git = [`--git-dir=${join(made, 'kernel.git')}`];
    command('git', ['init', '--quiet', '--bare', '--initial-branch=main', join(made, 'kernel.git')]);
    feed(git, madeHistory(filesOf(repository, revision)));
    const ids = command('git', [...git, 'rev-list', '--objects', '--all', '--', ...KVM_PATHS]);
    const blobs = command('git', [...git, 'cat-file', '--batch-check=%(objecttype) %(objectname)'], idsOf(ids));
    const names = blobs.split('\n').flatMap((line) => (line.startsWith('blob ') ? [line.slice(5)] : []));
    const [read, start, all] = bestOfEach(4, [
      () => command('git', [...git, 'cat-file', '--batch'], `${names.join('\n')}\n`),
      () => command(process.execPath, [cli, '--version']),
      () => command(process.execPath, [cli, 'extract', 'kvm', join(made, 'kernel.git'), '--history', 'main']),
    ]);
    const limit = 2 * read + EACH_BLOB * names.length;
    const took = all - start;
    print(
      `${REVISIONS} revisions of a kernel after start: ${took.toFixed(0)} ms (limit ${limit.toFixed(0)} ms: 2 x git cat-file, ${read.toFixed(0)} ms, and ${EACH_BLOB} ms for each of ${names.length} blobs) ${took <= limit ? 'ok' : 'OVER'}`,
    );
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

const idsOf = (listing: string): string =>
  listing
    .split('\n')
    .map((line) => line.slice(0, line.indexOf(' ') === -1 ? undefined : line.indexOf(' ')))
    .join('\n');

const filesOf = (repository: string, revision: string): ReadonlyMap<string, string> =>
  new Map(
    KVM_PATHS.map(
      (path) => [path, command('git', [`--git-dir=${repository}`, 'show', `${revision}:${path}`])] as const,
    ),
  );

const data = (text: string): string => `data ${text.length}\n${text}\n`;
const inline = (path: string, text: string): string => `M 100644 inline ${path}\n${data(text)}`;

function madeHistory(files: ReadonlyMap<string, string>): string {
  const now = new Map(files);
  return Array.from({ length: REVISIONS }, (_, index) => {
    const head = `commit refs/heads/main\ncommitter A <a@example.org> ${1_700_000_000 + index} +0000\n${data(`${index}`)}`;
    if (index === 0) return head + [...now].map(([path, text]) => inline(path, text)).join('');
    const path = TOUCHED[index % TOUCHED.length] ?? '';
    const text = changed(path, now.get(path) ?? '', index);
    now.set(path, text);
    return head + inline(path, text);
  }).join('');
}

const changed = (path: string, text: string, index: number): string =>
  path.endsWith('.c')
    ? `${text}static int bench_${index}(void)\n{\n\treturn ${index};\n}\n`
    : text.replace('#endif', `#define BENCH_${index} ${index}\n#endif`);

function feed(git: readonly string[], stream: string): void {
  const result = spawnSync('git', [...git, 'fast-import', '--quiet'], { input: Buffer.from(stream, 'latin1') });
  if (result.status !== 0) throw new Error(`git fast-import: ${result.stderr.toString()}`);
}
