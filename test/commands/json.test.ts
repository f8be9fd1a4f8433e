import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { captureJson } from '../../pipeline/cases/capture.ts';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { mailText, makeInbox } from '../archive/inbox.ts';
import { baseTree } from '../extract/module/clobbers/tree.ts';
import { kernelFiles } from '../helpers/kernel-tree.ts';
import { CHECKED_REGISTERS, moduleFiles } from '../helpers/module-source.ts';
import { FILES as QEMU } from '../helpers/qemu-source.ts';
import { buildRepository, git, temporaryFolder } from '../helpers/repository.ts';
import { bitwatch, ROOT } from '../helpers/run.ts';
import { emptySpecs, fewSpecs, shippedSpecs, smallSpecs } from '../helpers/specs.ts';
import { hostFor } from '../helpers/td.ts';

/** Formats that a test of this file has seen a command print. */
const seen = new Set<string>();

/** What a command prints with --json, held against the schema that it names. */
async function checked(args: readonly string[], statuses: readonly number[] = [0, 100]): Promise<unknown> {
  const { status, stdout } = await bitwatch([...args, '--json']);
  expect(statuses).toContain(status);
  const json: unknown = JSON.parse(stdout);
  const { schema } = json as { readonly schema: string };
  const [, name = '', version = ''] = /^bitwatch\.([a-z0-9-]+)\/(\d)$/.exec(schema) ?? [];
  const shape = Object.entries(SCHEMAS).find(([each]) => each === name)?.[1];
  expect(shape, schema).toBeDefined();
  shape?.parse(json);
  const file = JSON.parse(readFileSync(join(ROOT, 'specs', 'schema', `${name}.json`), 'utf8')) as { title: string };
  expect(file.title).toBe(`bitwatch.${name}/${version}`);
  seen.add(name);
  return json;
}

describe('the JSON of a command follows the schema that it names', () => {
  test.each([
    ['list releases'],
    ['list kernels'],
    ['list rules'],
    ['status'],
    ['bits 2.0.18 --kvm 7.1.5'],
    ['explain 7.1.EAX[3]'],
    ['explain 1.5.20'],
    ['explain 2.0.18'],
    ['explain UMWAIT_CONTROL'],
    ['explain XFAM.LBR'],
    ['explain ATTRIBUTES.PERFMON'],
    ['explain TSX'],
    ['explain KVM_SET_CPUID2'],
    ['explain exposed-unreviewed'],
    ['explain qemu-no-name'],
    ['history 7.1.EAX[19]'],
    ['td 1.5.06 --status 0xc000010000000045'],
    ['stack --module 2.0.18 --kvm 7.1.5'],
    ['update 1.5.13 1.5.16'],
    ['review 2.0.08 --kvm 6.16.1'],
    ['diff 2.0.16 2.0.18'],
  ])('%s', async (line) => {
    await checked(line.split(' '));
  });

  test('a finding by its fingerprint', async () => {
    const { findings } = (await checked(['review', '2.0.08', '--kvm', '7.1.5'])) as {
      readonly findings: readonly { readonly fingerprint: string }[];
    };
    const fingerprint = findings[0]?.fingerprint ?? '';
    expect(await checked(['explain', fingerprint])).toMatchObject({ finding: { fingerprint } });
  });
});

describe('of what somebody has on a disk', () => {
  const own = (args: readonly string[]): Promise<unknown> => checked([...args, '--specs', fewSpecs()]);

  test('a release of the module, its host state, and tables of the ABI', async () => {
    const module = buildRepository([{ subject: 'TDX 1.5.06', files: moduleFiles('0x1d30'), tags: ['TDX_1.5.06'] }]);
    expect(await own(['extract', 'module', module, 'TDX_1.5.06'])).toMatchObject({ release: '1.5.06' });
    const tree = Object.fromEntries([...baseTree()].map(([path, { text }]) => [path, text]));
    const files = { ...tree, ...CHECKED_REGISTERS };
    const host = (await own(['extract', 'clobbers', buildRepository([{ subject: 'TDX 1.5.06', files }])])) as {
      readonly msrs: readonly unknown[];
    };
    expect(host.msrs.length).toBeGreaterThan(3);
    const abi = join(ROOT, 'fixtures', 'virtualization', 'early', 'cpuid_virtualization.json');
    const against = (await own(['abi', '1.5.06', abi])) as { readonly differences: readonly { kind: string }[] };
    expect(new Set(against.differences.map(({ kind }) => kind)).size).toBeGreaterThan(1);
  });

  test('a kernel, what it asks of KVM_SET_CPUID2, and its history', async () => {
    const kernel = buildRepository([
      { subject: 'a kernel', files: kernelFiles(), tags: ['before'] },
      { subject: 'another', files: kernelFiles({ init: '', refusal: '' }) },
    ]);
    expect(await own(['extract', 'kvm', kernel])).toMatchObject({ version: '7.2.1' });
    expect(await own(['extract', 'cpuid2', kernel])).toMatchObject({ version: '7.2.1' });
    const { revisions } = (await own(['extract', 'kvm', kernel, '--history', 'before..main'])) as {
      readonly revisions: readonly { readonly changes: readonly unknown[] }[];
    };
    expect(revisions.map(({ changes }) => changes.length > 0)).toEqual([true]);
  });

  test('a QEMU', async () => {
    const qemu = buildRepository([{ subject: 'q', files: { ...Object.fromEntries(QEMU), VERSION: '11.9.1\n' } }]);
    expect(await own(['extract', 'qemu', qemu])).toMatchObject({ version: '11.9.1' });
  });

  test('a host, and several', async () => {
    const folder = temporaryFolder();
    expect(await own(['host', '--root', folder])).toMatchObject({ kernel: null, host: [] });
    const release = (await shippedSpecs()).releases.find(({ module }) => module.release === '2.0.18');
    if (release === undefined) throw new Error('not in specs/');
    const host = hostFor(release);
    const file = join(folder, 'capture.json');
    writeFileSync(
      file,
      JSON.stringify(
        captureJson({
          kernel: '7.1.5',
          module: { version: '2.0.18', from: 'sysfs' },
          host,
          capabilities: { attributes: 0n, xfam: 3n, configurable: host },
          missing: [],
        }),
      ),
    );
    // The whole host is more than the release lets a VMM set.
    expect(await own(['host', file])).toMatchObject({ agrees: false });
    expect(await own(['pool', file])).toMatchObject({ cpu: '-cpu host' });
    expect(await own(['explain', '7.1.EAX[3]', '--module', '2.0.18', '--host', file])).toMatchObject({
      bits: [{ onHost: true }],
    });
  });

  test('an archive of mails', async () => {
    const folder = temporaryFolder();
    const inbox = makeInbox(folder, '0.git', [{ mail: mailText('1@x', '[PATCH] x86/tdx: one') }, { file: 'readme' }]);
    expect(await own(['archive', 'scan', inbox, '--state', join(folder, 's.json')])).toMatchObject({
      new: true,
      mails: 1,
      matter: 1,
      skipped: [{ reason: 'not-a-mail' }],
    });
    const scan = ['archive', 'scan', inbox, '--state', join(folder, 'new.json'), '--shard', '1/1'];
    const path = join(folder, 'part.json');
    expect(await own([...scan, '--part', path])).toMatchObject({ path });
    // An archive names its commits by the subjects of their mails.
    const subject = '[PATCH 1/2] x86/tdx: one';
    const named = buildRepository([
      { subject, files: { m: mailText('1@x', subject) } },
      { subject: 'x', files: {} },
    ]);
    expect(await own(['archive', 'scan', named, '--subjects'])).toMatchObject({
      patches: [{ commit: git(named, 'rev-parse', 'HEAD~1'), subject }],
    });
  });

  test('what a sync wrote, and what it could not read', async () => {
    const folder = temporaryFolder();
    const specs = emptySpecs(join(folder, 'specs'));
    const module = buildRepository([{ subject: 'TDX 1.5.77', files: moduleFiles('0x10') }]);
    const source = (name: string, url: string): string =>
      `  - {name: ${name}, kind: module, url: ${JSON.stringify(url)}, repository: a/b, licence: MIT}\n`;
    writeFileSync(join(specs, 'sources.yaml'), `sources:\n${source('one', module)}${source('two', '/nowhere')}`);
    expect(await checked(['sync', '--specs', specs, '--cache', join(folder, 'cache')], [75])).toMatchObject({
      sources: [
        { name: 'one', written: 1, failed: false, lines: [expect.stringContaining('wrote specs/modules/1.5.77.yaml')] },
        { name: 'two', written: 0, failed: true, lines: [expect.stringContaining('two: ')] },
      ],
    });
  });

  test('what was decided, and what is removed', async () => {
    const specs = smallSpecs(join(temporaryFolder(), 'specs'), { releases: ['1.5.06', '2.0.08'], kernels: ['6.16.1'] });
    const decide = ['decide', '--specs', specs];
    const decided = ['exposed-unreviewed for >=2.0'];
    const person = ['--because', 'b', '--by', 'A. Name'];
    expect(await checked([...decide, 'exposed-unreviewed', '--release', '>=2.0', ...person])).toMatchObject({
      decided,
    });
    const file = join(specs, 'decisions.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('>=2.0', '>=3.0'));
    expect(await checked([...decide, '--prune'])).toMatchObject({ removed: ['exposed-unreviewed for >=3.0'] });
  });
});

/** Formats whose commands need a server or a series: the test that holds what they print against the schema. */
const ELSEWHERE = {
  mirror: 'plan.test.ts',
  plan: 'plan.test.ts',
  post: 'reply.test.ts',
  postings: 'publish.test.ts',
  publish: 'publish.test.ts',
  reply: 'reply.test.ts',
  series: 'series.test.ts',
};

test('no format is without a command that was seen to print it', () => {
  expect([...seen, ...Object.keys(ELSEWHERE)].sort()).toEqual(Object.keys(SCHEMAS).sort());
  for (const [name, file] of Object.entries(ELSEWHERE))
    expect(readFileSync(join(import.meta.dirname, file), 'utf8')).toContain(`SCHEMAS.${name}.parse(JSON.parse(`);
});

/** Formats of files that the program keeps for itself, and no command prints. */
const KEPT = ['archive', 'archive-part', 'folder', 'mark'];

test('no name of a format in the program is without a schema', () => {
  const names = readdirSync(join(ROOT, 'pipeline'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .flatMap((path) => [...readFileSync(join(ROOT, 'pipeline', path), 'utf8').matchAll(/bitwatch\.([a-z0-9-]+)\/\d/g)])
    .map(([, name = '']) => name);
  expect([...new Set([...names, 'plan'])].sort()).toEqual([...Object.keys(SCHEMAS), ...KEPT].sort());
});

test('the masks of a release are its bits by register, and what KVM keeps back is a part of them', async () => {
  type Row = { readonly leaf: string; readonly subleaf: string | null; readonly register: string };
  const { bits, masks, slots } = (await checked(['bits', '2.0.18', '--kvm', '7.1.5'])) as {
    readonly slots: number;
    readonly bits: readonly (Row & { readonly mask: string; readonly verdict: string | null })[];
    readonly masks: readonly (Row & { readonly configurable: string; readonly kept: string })[];
  };
  expect(slots).toBe(28);
  for (const { leaf, subleaf, register, configurable, kept } of masks) {
    const own = bits.filter((bit) => bit.leaf === leaf && bit.subleaf === subleaf && bit.register === register);
    const sum = (list: typeof own): number => list.reduce((total, { mask }) => total + Number(mask), 0);
    expect(sum(own)).toBe(Number(configurable));
    expect(sum(own.filter(({ verdict }) => ['denied', 'needs-optin', 'closed'].includes(verdict ?? '')))).toBe(
      Number(kept),
    );
  }
  const { stdout } = await bitwatch(['bits', '2.0.18', '--kvm', '7.1.5', '--masks']);
  expect(stdout).toContain('28 CPUID_CONFIG entries of the 128 that');
  // HLE, RTM and WAITPKG are kept back; RAO-INT is not.
  expect(stdout).toMatch(/^ {2}7\.0\.EBX +0xdc2b9b18 +0xdc2b9b18 +0x00000810$/m);
  expect(stdout).toMatch(/^ {2}7\.0\.ECX +0x02417f65 +0x02417f65 +0x00000020$/m);
  expect(stdout).toMatch(/^ {2}7\.1\.EAX +0x04a81dbf +0x04a81dbf$/m);
  expect(stdout.split('\n').filter((line) => line.length > 72)).toEqual([]);
});
