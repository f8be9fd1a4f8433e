import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { readInputText } from '../disk/read.ts';
import { DataError } from '../model/errors.ts';
import { hex, hex32 } from '../model/mask.ts';
import { subleafOf } from '../model/place.ts';
import { type Host, hostKey, type Registers } from '../td/case.ts';
import { hostOf } from '../td/read-host.ts';
import { readHostFile } from './host-file.ts';

/** What KVM reports through KVM_TDX_CAPABILITIES. */
type Capabilities = { readonly attributes: bigint; readonly xfam: bigint; readonly configurable: Host };

/** What is known of a host; `missing` says of each other part why it is not there. */
export type Capture = {
  readonly kernel: string | null;
  readonly module: { readonly version: string; readonly from: string } | null;
  readonly host: Host | null;
  readonly capabilities: Capabilities | null;
  readonly missing: readonly { readonly what: string; readonly why: string }[];
};

/** Where a capture looks: a root folder, and files that somebody made elsewhere. */
export type CaptureSources = {
  readonly root: string;
  readonly cpuid: string | null;
  readonly capabilities: string | null;
  /** Leaves that some release's tables have. */
  readonly leaves: readonly { readonly leaf: number; readonly subleaf: number | null }[];
};

/**
 * The version file of the module's device. No kernel from 6.16.1 to 7.1.5 has it: node-feature-discovery's pull request 2573 names
 * the device for Linux 7.2, whose code was not read.
 */
const VERSION_FILE = 'sys/devices/faux/tdx_host/version';

/** Captures a host. No part ends the run: what cannot be read is missing, with the reason. Only /dev/cpu and the log may need root. */
export function captureHost(sources: CaptureSources): Capture {
  const missing: { what: string; why: string }[] = [];
  const attempt = <T>(what: string, read: () => T | null, help: string): T | null => {
    try {
      const value = read();
      if (value === null) missing.push({ what, why: help });
      return value;
    } catch (error) {
      if (error instanceof DataError) throw error;
      missing.push({ what, why: `${error instanceof Error ? error.message : String(error)}; ${help}` });
      return null;
    }
  };
  const at = (path: string): string => join(sources.root, path);
  return {
    kernel: attempt('kernel', () => readInputText(at('proc/sys/kernel/osrelease')).trim(), 'no Linux kernel here'),
    module: attempt(
      'module',
      () => moduleVersion(at),
      'neither sysfs nor the kernel log names the version of the TDX module: no kernel from 6.16.1 to 7.1.5 has the file, and before 7.1 none prints it',
    ),
    host: attempt(
      'cpuid',
      () =>
        sources.cpuid === null ? readDevice(at('dev/cpu/0/cpuid'), sources.leaves) : readHostFile(sources.cpuid).host,
      'as root after modprobe cpuid, or name the output of cpuid -r with --cpuid',
    ),
    capabilities: attempt(
      'capabilities',
      () =>
        sources.capabilities === null
          ? null
          : readCapabilities(readInputText(sources.capabilities), sources.capabilities),
      'compile docs/host/tdx-capabilities.c, run it, and name its output with --capabilities',
    ),
    missing,
  };
}

function moduleVersion(at: (path: string) => string): Capture['module'] {
  const version = textOrNull(at(VERSION_FILE))?.trim();
  if (version !== undefined && /^\d+\.\d+\.\d+/.test(version)) return { version, from: 'sysfs' };
  // `virt/tdx: Module version: 1.5.06`, which 7.1.3 and 7.1.5 print (tdx_global_metadata.c:109) and none from 6.16.1 to 7.0.
  const match = /tdx: .*?module[^\n]*?(\d+\.\d+\.\d+)/i.exec(kernelLog(at('dev/kmsg')));
  return match?.[1] === undefined ? null : { version: match[1], from: 'kernel log' };
}

function textOrNull(path: string): string | null {
  try {
    return readInputText(path);
  } catch {
    return null;
  }
}

const RECORDS = 200_000;

/** The kernel's log, without waiting for more of it; empty where it may not be read. */
function kernelLog(path: string): string {
  let log = '';
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const buffer = Buffer.alloc(8192);
      for (let count = 1, records = 0; count > 0 && records < RECORDS; records += 1) {
        count = readSync(fd, buffer);
        const text = buffer.toString('utf8', 0, count);
        if (/tdx/i.test(text)) log += `${text}\n`;
      }
    } finally {
      closeSync(fd);
    }
  } catch {
    // The end of the log is EAGAIN, and a log that may not be read is one without the line.
  }
  return log;
}

/** CPUID by the kernel's device: 16 bytes at leaf, with the sub-leaf in the upper half of the offset. */
function readDevice(path: string, wanted: CaptureSources['leaves']): Host {
  const fd = openSync(path, constants.O_RDONLY);
  try {
    const read = (leaf: number, subleaf: number): Registers => {
      const buffer = Buffer.alloc(16);
      const count = readSync(fd, buffer, 0, 16, (BigInt(subleaf) << 32n) | BigInt(leaf));
      if (count !== 16) throw new Error(`${path}: 16 bytes expected, ${count} found`);
      return [buffer.readUInt32LE(0), buffer.readUInt32LE(4), buffer.readUInt32LE(8), buffer.readUInt32LE(12)];
    };
    const last = new Map([0, 0x80000000].map((first) => [first, read(first, 0)[0]]));
    const leaves = new Map<string, Registers>();
    for (const key of [{ leaf: 0, subleaf: null }, { leaf: 0x80000000, subleaf: null }, ...wanted])
      if (key.leaf <= (last.get(key.leaf < 0x80000000 ? 0 : 0x80000000) ?? 0))
        leaves.set(hostKey(key.leaf, subleafOf(key)), read(key.leaf, subleafOf(key)));
    return { leaves, msrs: new Map(), sockets: [leaves.get(hostKey(1, 0))?.[0] ?? 0] };
  } finally {
    closeSync(fd);
  }
}

/** What the helper prints, or the part of a capture. Throws a DataError that names the field. */
function readCapabilities(text: string, file: string): Capabilities {
  const { json } = hostOf(text, file);
  return capabilitiesOf(json, file);
}

function capabilitiesOf(json: unknown, file: string): Capabilities {
  const fields = typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : {};
  const mask = (name: string): bigint => {
    const value = fields[name];
    if (typeof value === 'string' && /^0x[0-9a-f]{1,16}$/i.test(value)) return BigInt(value);
    throw new DataError({
      where: { file, at: `capabilities.${name}` },
      expected: 'a hex number such as "0x50000000"',
      found: value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60),
    });
  };
  const { host } = hostOf(JSON.stringify({ host: fields.cpuid ?? [] }), file);
  return { attributes: mask('attributes'), xfam: mask('xfam'), configurable: host };
}

/** A capture as it was written, or what `cpuid -r` prints as one without the rest. Throws a DataError for another file. */
export function readCapture(file: string): Capture & { readonly host: Host } {
  const { host, json } = readHostFile(file);
  const fields = typeof json === 'object' && json !== null ? (json as Readonly<Record<string, unknown>>) : {};
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const module = (fields.module ?? {}) as Readonly<Record<string, unknown>>;
  const version = text(module.version);
  return {
    kernel: text(fields.kernel),
    module: version === null ? null : { version, from: text(module.from) ?? file },
    host,
    capabilities:
      fields.capabilities === undefined || fields.capabilities === null
        ? null
        : capabilitiesOf(fields.capabilities, file),
    missing: [],
  };
}

const leavesJson = ({ leaves }: Host) =>
  [...leaves].map(([key, [eax, ebx, ecx, edx]]) => {
    const [leaf = 0, subleaf = 0] = key.split('.').map(Number);
    return {
      leaf: hex(leaf),
      subleaf: hex(subleaf),
      eax: hex32(eax),
      ebx: hex32(ebx),
      ecx: hex32(ecx),
      edx: hex32(edx),
    };
  });

/** `bitwatch.host/1`: `td` and every `--host` read its `host`. */
export const captureJson = ({ kernel, module, host, capabilities, missing }: Capture) => ({
  schema: 'bitwatch.host/1',
  kernel,
  module,
  host: host === null ? [] : leavesJson(host),
  capabilities:
    capabilities === null
      ? null
      : {
          attributes: hex(capabilities.attributes),
          xfam: hex(capabilities.xfam),
          cpuid: leavesJson(capabilities.configurable),
        },
  missing,
});
