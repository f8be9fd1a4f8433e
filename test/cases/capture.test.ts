import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type CaptureSources, captureHost, captureJson, readCapture } from '../../pipeline/cases/capture.ts';
import { temporaryFolder } from '../helpers/repository.ts';

const NO_MODULE =
  'neither sysfs nor the kernel log names the version of the TDX module: no kernel from 6.16.1 to 7.1.5 has the file, and before 7.1 none prints it';
const NO_CPUID = 'as root after modprobe cpuid, or name the output of cpuid -r with --cpuid';
const NO_CAPABILITIES = 'compile docs/host/tdx-capabilities.c, run it, and name its output with --capabilities';

/** A root folder with these files. */
function rootWith(files: Readonly<Record<string, string>>): string {
  const root = temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}
const capture = (root: string, more: Partial<CaptureSources> = {}) =>
  captureHost({ root, cpuid: null, capabilities: null, leaves: [], ...more });

/** A file with text at places, with holes between them: the device's place is the leaf, and 2^32 for each sub-leaf. */
function device(root: string, at: readonly (readonly [place: number, bytes: readonly number[]])[]): string {
  const path = join(root, 'dev/cpu/0/cpuid');
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, 'w');
  for (const [place, bytes] of at) writeSync(fd, Buffer.from(bytes), 0, bytes.length, place);
  closeSync(fd);
  return path;
}
const bytesOf = (...registers: readonly number[]): readonly number[] => [
  ...new Uint8Array(Uint32Array.from(registers).buffer),
];

describe('the device of a processor', () => {
  test('is read leaf by leaf, as far as the processor says that its leaves go', () => {
    const root = temporaryFolder();
    device(root, [
      [0, bytesOf(0x20, 0x756e65a6, 0x6c65746e, 0x49656e69)],
      [0x20, bytesOf(1, 2, 3, 4)],
      [0x31, bytesOf(9, 9, 9, 9)],
      [0x80000000, bytesOf(0x80000010, 5, 6, 7)],
      [0x80000010, bytesOf(0x80000001, 0, 0, 0xffffffff)],
      [0x80000021, bytesOf(9, 9, 9, 9)],
      [2 ** 32 + 7, bytesOf(8, 0, 0, 8)],
      [2 * 2 ** 32, bytesOf(0, 0, 0, 0)],
    ]);
    const leaves = [
      { leaf: 1, subleaf: null },
      { leaf: 7, subleaf: 1 },
      { leaf: 0x20, subleaf: 0 },
      { leaf: 0x21, subleaf: 0 },
      { leaf: 0x80000010, subleaf: null },
      { leaf: 0x80000011, subleaf: null },
    ];
    const { host, missing } = capture(root, { leaves });
    expect(missing.map(({ what }) => what)).not.toContain('cpuid');
    expect([...(host?.leaves ?? [])]).toEqual([
      ['0.0', [0x20, 0x756e65a6, 0x6c65746e, 0x49656e69]],
      ['2147483648.0', [0x80000010, 5, 6, 7]],
      // A file has a byte at each place, where the device has a leaf: this one begins a byte behind leaf 0.
      ['1.0', [0xa6000000, 0x6e756e65, 0x696c6574, 0x0049656e]],
      ['7.1', [8, 0, 0, 8]],
      ['32.0', [1, 2, 3, 4]],
      ['2147483664.0', [0x80000001, 0, 0, 0xffffffff]],
    ]);
    expect(host?.sockets).toEqual([0xa6000000]);
    expect(capture(root).host?.sockets).toEqual([0]);
    const cpuid = join(root, 'cpuid.txt');
    writeFileSync(cpuid, 'CPU 0:\n   0x00000007 0x01: eax=0x1 ebx=0x0 ecx=0x0 edx=0x0\n');
    expect([...(capture(root, { leaves, cpuid }).host?.leaves ?? [])]).toEqual([['7.1', [1, 0, 0, 0]]]);
  });

  test('and the log are closed again', () => {
    const root = rootWith({ 'dev/kmsg': '6,1,2,-;virt/tdx: initialized\n' });
    device(root, [[0, bytesOf(0x20, 0, 0, 0)]]);
    const open = (): number => readdirSync('/proc/self/fd').length;
    const before = open();
    capture(root);
    expect(open()).toBe(before);
  });

  test('that ends within a leaf, or is not there, is said, and the rest is read', () => {
    const root = rootWith({ 'proc/sys/kernel/osrelease': '6.16.1\n' });
    const why = () => capture(root).missing.find(({ what }) => what === 'cpuid')?.why;
    const path = join(root, 'dev/cpu/0/cpuid');
    expect(why()).toBe(`ENOENT: no such file or directory, open '${path}'; ${NO_CPUID}`);
    device(root, [[0, bytesOf(0x20, 0, 0, 0)]]);
    expect(why()).toBe(`${path}: 16 bytes expected, 0 found; ${NO_CPUID}`);
    expect(capture(root)).toMatchObject({ kernel: '6.16.1', host: null });
  });
});

describe('the version of the module', () => {
  const moduleOf = (files: Readonly<Record<string, string>>) => {
    const { module, missing } = capture(rootWith(files));
    return module ?? missing.find(({ what }) => what === 'module')?.why;
  };
  const VERSION = 'sys/devices/faux/tdx_host/version';
  const line = (version: string): string => `6,1,2,-;virt/tdx: Module version: ${version}\n`;

  test('is what sysfs says, else what the kernel printed', () => {
    expect(moduleOf({ [VERSION]: ' 1.5.06\n', 'dev/kmsg': line('2.0.08') })).toEqual({
      version: '1.5.06',
      from: 'sysfs',
    });
    for (const said of ['none\n', 'v1.5.06\n', '1.5\n'])
      expect(moduleOf({ [VERSION]: said, 'dev/kmsg': line('2.0.08') })).toEqual({
        version: '2.0.08',
        from: 'kernel log',
      });
    expect(moduleOf({ 'dev/kmsg': 'tdx: TDX MODULE 1.5.16, build 1\n' })).toEqual({
      version: '1.5.16',
      from: 'kernel log',
    });
  });

  test('is missing where nothing names it', () => {
    expect(moduleOf({})).toBe(NO_MODULE);
    expect(moduleOf({ 'dev/kmsg': '6,1,2,-;virt/tdx: initialized\n6,1,3,-;module 1.5.06\n' })).toBe(NO_MODULE);
    expect(moduleOf({ 'dev/kmsg': '' })).toBe(NO_MODULE);
  });

  test('is found far down the log, and a log that goes on is not waited for', () => {
    const noise = '6,1,2,-;another line of the log\n'.repeat(1000);
    expect(moduleOf({ 'dev/kmsg': noise.slice(0, 3 * 8192) + line('1.5.06') })).toMatchObject({ version: '1.5.06' });
    const root = rootWith({ 'dev/any': '' });
    const path = join(root, 'dev/kmsg');
    execFileSync('mkfifo', [path]);
    // A pipe that somebody holds open has no end: reading it is EAGAIN or waiting.
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    writeSync(fd, line('1.5.07'));
    expect(capture(root).module).toEqual({ version: '1.5.07', from: 'kernel log' });
    closeSync(fd);
  });
});

describe('what KVM reports', () => {
  const GOOD = { attributes: '0x50000000', xfam: '0xFFFFFFFFFFFFFFFF', cpuid: [] };
  const read = (json: unknown) => {
    const root = rootWith({ 'caps.json': typeof json === 'string' ? json : JSON.stringify(json) });
    return capture(root, { capabilities: join(root, 'caps.json') }).capabilities;
  };

  test('is two masks of 64 bits and the leaves that are configurable', () => {
    expect(read(GOOD)).toMatchObject({ attributes: 0x50000000n, xfam: 2n ** 64n - 1n });
    const cpuid = [{ leaf: '0x7', subleaf: '0x1', eax: '0x1', edx: '0x80000000' }];
    expect([...(read({ ...GOOD, cpuid })?.configurable.leaves ?? [])]).toEqual([['7.1', [1, 0, 0, 0x80000000]]]);
    expect(read({ attributes: '0x0', xfam: '0x0' })?.configurable.leaves.size).toBe(0);
  });

  test('is refused where a mask is none, and missing where nobody asked KVM', () => {
    const bad = (json: unknown, message: RegExp) => expect(() => read(json)).toThrow(message);
    const wanted = 'expected a hex number such as "0x50000000", found';
    bad({ ...GOOD, xfam: '0x1ffffffffffffffff' }, new RegExp(`: capabilities\\.xfam: ${wanted} "0x1f{16}"$`));
    bad({ ...GOOD, xfam: undefined }, new RegExp(`: capabilities\\.xfam: ${wanted} nothing$`));
    bad({ ...GOOD, attributes: 5 }, new RegExp(`: capabilities\\.attributes: ${wanted} 5$`));
    bad({ ...GOOD, attributes: '50000000' }, new RegExp(`${wanted} "50000000"$`));
    bad({ ...GOOD, attributes: ` 0x${'f'.repeat(99)}` }, new RegExp(`${wanted} " 0xf{56}$`));
    bad('CPU 0:\n   0x00000007 0x01: eax=0x1 ebx=0x0 ecx=0x0 edx=0x0\n', new RegExp(`attributes: ${wanted} nothing$`));
    const root = rootWith({});
    const none = (file: string | null) =>
      capture(root, { capabilities: file }).missing.find(({ what }) => what === 'capabilities')?.why;
    expect(none(null)).toBe(NO_CAPABILITIES);
    const gone = join(root, 'gone.json');
    expect(none(gone)).toBe(`${gone}: cannot be read: no such file or directory (ENOENT); ${NO_CAPABILITIES}`);
  });
});

test('a root without anything says of each part why it is missing', () => {
  const root = temporaryFolder();
  const { missing, ...rest } = capture(root);
  expect(rest).toEqual({ kernel: null, module: null, host: null, capabilities: null });
  expect(missing).toEqual([
    {
      what: 'kernel',
      why: `${join(root, 'proc/sys/kernel/osrelease')}: cannot be read: no such file or directory (ENOENT); no Linux kernel here`,
    },
    { what: 'module', why: NO_MODULE },
    { what: 'cpuid', why: expect.stringContaining(NO_CPUID) },
    { what: 'capabilities', why: NO_CAPABILITIES },
  ]);
  expect(captureJson({ ...rest, missing })).toEqual({
    schema: 'bitwatch.host/1',
    ...rest,
    host: [],
    missing,
  });
});

describe('a capture that was written', () => {
  const read = (json: unknown) => {
    const root = rootWith({ 'host.json': typeof json === 'string' ? json : JSON.stringify(json) });
    const file = join(root, 'host.json');
    return { file, ...readCapture(file) };
  };
  const host = [{ leaf: '0x7', subleaf: '0x1', eax: '0x80000000', ebx: '0x0', ecx: '0x2', edx: '0x3' }];

  test('is read back with all that it says, and written as it was', () => {
    const written = {
      schema: 'bitwatch.host/1',
      kernel: '7.1.5',
      module: { version: '2.0.18', from: 'sysfs' },
      host: [
        { leaf: '0x7', subleaf: '0x1', eax: '0x80000000', ebx: '0x00000000', ecx: '0x00000002', edx: '0x00000003' },
      ],
      capabilities: {
        attributes: '0x50000000',
        xfam: '0x602e7',
        cpuid: [
          { leaf: '0x1', subleaf: '0x0', eax: '0x0fff3fff', ebx: '0x00000000', ecx: '0x00000000', edx: '0x00000000' },
        ],
      },
      missing: [],
    };
    const { file: _, ...whole } = read(written);
    expect(captureJson(whole)).toEqual(written);
    expect(whole.host.sockets).toEqual([0]);
  });

  test('has null for what it does not say', () => {
    expect(read({ host })).toMatchObject({ kernel: null, module: null, capabilities: null, missing: [] });
    expect(read({ host, kernel: 7, module: null, capabilities: null })).toMatchObject({
      kernel: null,
      module: null,
      capabilities: null,
    });
    expect(read({ host, module: { version: 2, from: 'sysfs' } }).module).toBeNull();
    const { file, module } = read({ host, module: { version: '2.0.18', from: 3 } });
    expect(module).toEqual({ version: '2.0.18', from: file });
    const raw = read('CPU 0:\n   0x00000007 0x01: eax=0x80000000 ebx=0x0 ecx=0x2 edx=0x3\n');
    expect([raw.kernel, [...raw.host.leaves]]).toEqual([null, [['7.1', [0x80000000, 0, 2, 3]]]]);
  });

  test('whose capabilities are damaged is refused', () => {
    expect(() => read({ host, capabilities: {} })).toThrow(
      /host\.json: capabilities\.attributes: expected a hex number/,
    );
    expect(() => read({ host, capabilities: 'all' })).toThrow(/capabilities\.attributes: .*, found nothing$/);
  });
});
