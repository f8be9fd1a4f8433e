import { PARAVIRT_NAMES } from '../model/control.ts';
import { TD_CONTROL_BITS, TD_CONTROLS, type TdControl } from '../model/decider-rules.ts';
import { DataError } from '../model/errors.ts';
import { REGISTERS } from '../model/place.ts';
import { type ConfigEntry, type Guest, type Host, hostKey, type Query, type Registers, type TdCase } from './case.ts';

/** Where a case stands, for errors: a file and a line, or standard input. */
export type CaseOrigin = { readonly file: string; readonly line?: number };

type Fields = Readonly<Record<string, unknown>>;

/** The part of a case that names a file of a host; the command reads it, once. */
export const hostFileOf = (value: unknown): string | null => {
  const file = isFields(value) ? value.hostFile : undefined;
  return typeof file === 'string' ? file : null;
};

const KNOWN = new Set(
  `id host hostFile hostPatch msrs sockets tdxWithoutIntegrity attributes xfam configFlags eptpControls tscFrequency maxVcpus
  numL2Vms msrConfigCtls ia32ArchCapabilitiesConfig cpuidConfig guest queries sys tdcs`.split(/\s+/),
);
const KNOWN_GUEST = new Set(
  `tdCtls tdCtlsMask tdCtlsForce featureParavirtCtrl osxsave pke cr4 mode64 efer csAr cpl ssAr vcpuIndex x2apicId
  topologyConfigured xcr0 xss tsxCtrl cpuidSupervisorVe cpuidUserVe cpuidVe`.split(/\s+/),
);
/** What the judge's tool takes and this program does not compute: an answer without it would be a wrong one. */
const NOT_COMPUTED = ['tdParamsPoke', 'lpHostPatch', 'lpMsrs'];

/** A field that means nothing here, so that a misspelt one does not pass unseen, and those that there are in its place. */
type UnknownField = { readonly field: string; readonly known: readonly string[] };

export function unknownFields(value: unknown): readonly UnknownField[] {
  if (!isFields(value)) return [];
  const guest = isFields(value.guest) ? value.guest : {};
  const unknown = (fields: Fields, names: ReadonlySet<string>, at: string): readonly UnknownField[] => {
    const known = [...names].map((name) => `${at}${name}`);
    return Object.keys(fields).flatMap((name) => (names.has(name) ? [] : [{ field: `${at}${name}`, known }]));
  };
  return [...unknown(value, KNOWN, ''), ...unknown(guest, KNOWN_GUEST, 'guest.')];
}

/** Reads a case. `base` is the host that `hostFile` or an option names. Throws a DataError that names the field. */
export function readCase(value: unknown, origin: CaseOrigin, base: Host | null): TdCase {
  const read = reader(origin);
  if (!isFields(value)) throw read.bad('', 'a JSON object', value);
  for (const name of NOT_COMPUTED)
    if (value[name] !== undefined) throw read.bad(name, 'no such field: this program does not compute it', value[name]);
  const attributes = read.u64(value, 'attributes', 0n);
  const xfam = read.u64(value, 'xfam', 3n);
  const host = readHost(value, read, base);
  if (host.leaves.size === 0) throw read.bad('host', 'the CPUID of a host, here, in hostFile or by --host', value.host);
  return {
    id: value.id ?? null,
    host,
    params: {
      attributes,
      xfam,
      configFlags: read.u64(value, 'configFlags', 0n),
      eptpControls: read.u64(value, 'eptpControls', 0x1en),
      tscFrequency: read.number(value, 'tscFrequency', 100, 0xffff),
      maxVcpus: read.number(value, 'maxVcpus', 1, 0xffff),
      numL2Vms: read.number(value, 'numL2Vms', 0, 0xff),
      msrConfigCtls: read.number(value, 'msrConfigCtls', 0, 0xff),
      archCapabilities: read.u64(value, 'ia32ArchCapabilitiesConfig', 0n),
      cpuidConfig: read
        .list(value, 'cpuidConfig')
        .map((entry, index) => readEntry(entry, `cpuidConfig[${index}]`, read)),
    },
    guest: readGuest(value.guest ?? {}, read, xfam),
    queries:
      value.queries === undefined
        ? null
        : read.list(value, 'queries').map((each, index) => readQuery(each, index, read)),
  };
}

type Reader = ReturnType<typeof reader>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function reader(origin: CaseOrigin) {
  const bad = (at: string, expected: string, found: unknown): DataError =>
    new DataError({
      where: { ...origin, ...(at === '' ? {} : { at }) },
      expected,
      found: found === undefined ? 'nothing' : shown(found),
    });
  const u64 = (fields: Fields, name: string, missing: bigint, at = name): bigint => {
    const value = fields[name];
    if (value === undefined) return missing;
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
    if (typeof value === 'string' && /^(?:0x[0-9a-f]{1,16}|[0-9]{1,19})$/i.test(value)) return BigInt(value);
    throw bad(at, 'a number of at most 64 bits, or one as text such as "0x1f"', value);
  };
  // biome-ignore lint/complexity/useMaxParams: a field with its bounds, and its name for the error.
  const number = (fields: Fields, name: string, missing: number, most: number, at = name): number => {
    const value = fields[name];
    if (value === undefined) return missing;
    const read = numberOf(value);
    if (read === null || read > most)
      throw bad(at, `a number up to 0x${most.toString(16)}, or one as text such as "0x1f"`, value);
    return read;
  };
  const flag = (fields: Fields, name: string, missing: boolean, at = name): boolean => {
    const value = fields[name];
    if (value === undefined) return missing;
    if (typeof value === 'boolean') return value;
    const read = numberOf(value);
    if (read === null) throw bad(at, 'true or false', value);
    return read !== 0;
  };
  const list = (fields: Fields, name: string): readonly unknown[] => {
    const value = fields[name];
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw bad(name, 'a list', value);
    return value;
  };
  return { bad, u64, number, flag, list };
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function numberOf(value: unknown): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : null;
  if (typeof value !== 'string' || !/^(?:0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(value)) return null;
  return Number(value);
}

const U32 = 0xffffffff;

function readEntry(value: unknown, at: string, read: Reader, old?: Registers): ConfigEntry {
  if (!isFields(value)) throw read.bad(at, 'an object with leaf, subleaf, eax, ebx, ecx, edx', value);
  const register = (index: 0 | 1 | 2 | 3): number =>
    read.number(value, REGISTERS[index], old?.[index] ?? 0, U32, `${at}.${REGISTERS[index]}`);
  if (value.leaf === undefined) throw read.bad(`${at}.leaf`, 'a leaf', undefined);
  return {
    leaf: read.number(value, 'leaf', 0, U32, `${at}.leaf`),
    subleaf: read.number(value, 'subleaf', 0, U32, `${at}.subleaf`),
    values: [register(0), register(1), register(2), register(3)],
  };
}

function readQuery(value: unknown, index: number, read: Reader): Query {
  const at = `queries[${index}]`;
  const fields: Fields | null = Array.isArray(value)
    ? { leaf: value[0], subleaf: value[1] }
    : isFields(value)
      ? value
      : null;
  if (fields === null || fields.leaf === undefined) throw read.bad(at, 'a leaf and a sub-leaf such as [7, 0]', value);
  return { leaf: read.number(fields, 'leaf', 0, U32, at), subleaf: read.number(fields, 'subleaf', 0, U32, at) };
}

/** The host of a case: that of its file or of an option, then `host`, then `hostPatch`, which replaces single registers. */
function readHost(value: Fields, read: Reader, base: Host | null): Host {
  const { host, hostPatch, msrs, sockets } = value;
  if (host === undefined && hostPatch === undefined && msrs === undefined && sockets === undefined && base !== null)
    return base;
  const leaves = new Map(base?.leaves ?? []);
  for (const [index, entry] of read.list(value, 'host').entries()) {
    const { leaf, subleaf, values } = readEntry(entry, `host[${index}]`, read);
    leaves.set(hostKey(leaf, subleaf), values);
  }
  for (const [index, entry] of read.list(value, 'hostPatch').entries()) {
    const at = `hostPatch[${index}]`;
    const key = readEntry(entry, at, read);
    const { leaf, subleaf, values } = readEntry(entry, at, read, leaves.get(hostKey(key.leaf, key.subleaf)));
    leaves.set(hostKey(leaf, subleaf), values);
  }
  const listed = read
    .list(value, 'sockets')
    .map((each, index) => read.number({ each }, 'each', 0, U32, `sockets[${index}]`));
  return {
    leaves,
    msrs: readMsrs(msrs, read, base?.msrs ?? new Map()),
    sockets: listed.length > 0 ? listed : [leaves.get(hostKey(1, 0))?.[0] ?? 0],
  };
}

function readMsrs(value: unknown, read: Reader, base: ReadonlyMap<number, bigint>): ReadonlyMap<number, bigint> {
  if (value === undefined) return base;
  if (!isFields(value)) throw read.bad('msrs', 'an object such as {"0x10a": "0x0"}', value);
  const msrs = new Map(base);
  for (const name of Object.keys(value)) {
    const address = numberOf(name);
    if (address === null) throw read.bad('msrs', 'the address of an MSR such as "0x10a"', name);
    msrs.set(address, read.u64(value, name, 0n, `msrs.${name}`));
  }
  return msrs;
}

/** A host on its own, as a file of `{"host": […], "msrs": {…}}` or a list holds it. */
export function readHostJson(value: unknown, origin: CaseOrigin): Host {
  const fields = Array.isArray(value) ? { host: value } : value;
  const read = reader(origin);
  if (!isFields(fields)) throw read.bad('', 'a JSON object with host, or a list of leaves', value);
  return readHost({ host: [], ...fields }, read, null);
}

const XCR0_USER = 0x602ffn;
const XSS_SUPERVISOR = 0x1fd00n;

function readGuest(value: unknown, read: Reader, xfam: bigint): Guest {
  if (!isFields(value)) throw read.bad('guest', 'an object', value);
  const flag = (name: string, missing: boolean): boolean => read.flag(value, name, missing, `guest.${name}`);
  const number = (name: string, missing: number): number => read.number(value, name, missing, U32, `guest.${name}`);
  const cr4 = read.u64(
    value,
    'cr4',
    (flag('osxsave', false) ? 1n << 18n : 0n) | (flag('pke', false) ? 1n << 22n : 0n),
    'guest.cr4',
  );
  const mode64 = flag('mode64', true);
  const efer = read.u64(value, 'efer', mode64 ? 0xd01n : 0x100n, 'guest.efer');
  const csAr = number('csAr', mode64 ? 0xa09b : 0xc09b);
  const ssAr = number('ssAr', (number('cpl', 0) & 3) << 5);
  const vcpuIndex = number('vcpuIndex', 0);
  return {
    tdControls: readControls(value, read),
    force: flag('tdCtlsForce', false),
    featureParavirtCtrl: readParavirt(value.featureParavirtCtrl, read),
    osxsave: ((cr4 >> 18n) & 1n) === 1n,
    pke: ((cr4 >> 22n) & 1n) === 1n,
    mode64: ((efer >> 10n) & 1n) === 1n && ((csAr >> 13) & 1) === 1,
    supervisor: ((ssAr >> 5) & 3) === 0,
    vcpuIndex,
    x2apicId: number('x2apicId', vcpuIndex),
    topologyConfigured: flag('topologyConfigured', true),
    xcr0: read.u64(value, 'xcr0', xfam & XCR0_USER, 'guest.xcr0'),
    xss: read.u64(value, 'xss', xfam & XSS_SUPERVISOR, 'guest.xss'),
    tsxCtrl: number('tsxCtrl', 0),
    supervisorVe: flag('cpuidSupervisorVe', false),
    userVe: flag('cpuidUserVe', false),
    leafVe: read.list(value, 'cpuidVe').map((each, index) => {
      const at = `guest.cpuidVe[${index}]`;
      const { leaf, subleaf } = readEntry(each, at, read);
      const fields = isFields(each) ? each : {};
      return {
        leaf,
        subleaf,
        supervisor: read.flag(fields, 'supervisor', false, at),
        user: read.flag(fields, 'user', false, at),
      };
    }),
  };
}

/** TD_CTLS as an object of named bits, or a number with `tdCtlsMask`, which is the number itself where it is not given. */
function readControls(guest: Fields, read: Reader): ReadonlyMap<TdControl, boolean> {
  const value = guest.tdCtls;
  if (value === undefined) return new Map();
  if (isFields(value)) {
    for (const name of Object.keys(value))
      if (!TD_CONTROLS.some((each) => each === name))
        throw read.bad(`guest.tdCtls.${name}`, `one of ${TD_CONTROLS.join(', ')}`, name);
    return new Map(
      TD_CONTROLS.flatMap((name) =>
        value[name] === undefined ? [] : [[name, read.flag(value, name, false, `guest.tdCtls.${name}`)] as const],
      ),
    );
  }
  const bits = read.u64(guest, 'tdCtls', 0n, 'guest.tdCtls');
  const mask = read.u64(guest, 'tdCtlsMask', bits, 'guest.tdCtlsMask');
  return new Map(
    TD_CONTROLS.filter((name) => ((mask >> BigInt(TD_CONTROL_BITS[name])) & 1n) === 1n).map(
      (name) => [name, ((bits >> BigInt(TD_CONTROL_BITS[name])) & 1n) === 1n] as const,
    ),
  );
}

/** FEATURE_PARAVIRT_CTRL as a number, or an object of named bits. */
function readParavirt(value: unknown, read: Reader): bigint {
  if (!isFields(value)) return read.u64({ value }, 'value', 0n, 'guest.featureParavirtCtrl');
  let bits = 0n;
  for (const name of Object.keys(value)) {
    const bit = PARAVIRT_NAMES.indexOf(name);
    if (bit === -1) throw read.bad(`guest.featureParavirtCtrl.${name}`, `one of ${PARAVIRT_NAMES.join(', ')}`, name);
    if (read.flag(value, name, false, `guest.featureParavirtCtrl.${name}`)) bits |= 1n << BigInt(bit);
  }
  return bits;
}
