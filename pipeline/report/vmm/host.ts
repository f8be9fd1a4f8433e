import type { Capture } from '../../cases/capture.ts';
import type { CaptureDifference, Pool } from '../../judge/pool.ts';
import type { Stack, StackFeature } from '../../judge/stack.ts';
import { bitsText } from '../../model/bit-names.ts';
import { ATTRIBUTE_NAMES, XFAM_NAMES } from '../../model/control.ts';
import { bitMask, bitsOf64, hex, hex32 } from '../../model/mask.ts';
import { placeJson } from '../machine.ts';
import { wrap } from '../wrap.ts';

const nameOf = (feature: StackFeature): string => feature.name ?? bitsText(feature, bitMask(feature.bit));
const bitList = (mask: bigint, names: ReadonlyMap<number, string>): string =>
  bitsOf64(mask)
    .map((bit) => names.get(bit) ?? `bit ${bit}`)
    .join(', ') || 'none';

const cpuLine = (pool: Pool): string => `-cpu ${['host', ...pool.without.map((name) => `-${name}`)].join(',')}`;

/** `bitwatch pool` in words. */
export function poolText(stack: Stack, pool: Pool): string {
  const { release, kvm, qemu } = stack;
  return `${[
    ...wrap(
      `${pool.hosts.length} hosts under TDX module ${release.module.release}, KVM ${kvm.policy.version}, QEMU ${qemu.version}: a TD can have ${pool.features.length} features on all of them`,
    ),
    ...wrap(cpuLine(pool), '  QEMU        ', '    '),
    ...wrap(bitList(pool.attributes, ATTRIBUTE_NAMES), '  ATTRIBUTES  '),
    ...wrap(bitList(pool.xfam, XFAM_NAMES), '  XFAM        '),
    ...wrap(pool.features.map(nameOf).join(', '), '  CPUID       '),
    ...pool.hosts.flatMap(({ name, adds, attributes, xfam }) => [
      `  ${name} adds`,
      ...wrap(
        [
          ...adds.map(nameOf),
          ...bitsOf64(attributes & ~pool.attributes).map((bit) => `ATTRIBUTES.${ATTRIBUTE_NAMES.get(bit) ?? bit}`),
          ...bitsOf64(xfam & ~pool.xfam).map((bit) => `XFAM.${XFAM_NAMES.get(bit) ?? bit}`),
        ].join(', ') || 'nothing',
        '      ',
      ),
    ]),
    ...(pool.apart.length === 0
      ? []
      : wrap(`no VMM can leave these out where a host has them: ${pool.apart.map(nameOf).join(', ')}`, '  ')),
    ...pool.numbers.flatMap((text) => wrap(`the hosts differ in ${text}`, '  ')),
    ...wrap('topology, caches, TSC frequency and the migration itself were not compared', '  '),
  ].join('\n')}\n`;
}

const featureJson = (feature: StackFeature) => ({ ...placeJson(feature), bit: feature.bit, name: feature.name });

/** `bitwatch.pool/1`. */
export const poolJson = (stack: Stack, pool: Pool) => ({
  schema: 'bitwatch.pool/1',
  module: stack.release.module.release,
  kvm: stack.kvm.policy.version,
  qemu: stack.qemu.version,
  attributes: hex(pool.attributes),
  xfam: hex(pool.xfam),
  features: pool.features.map(featureJson),
  hosts: pool.hosts.map(({ name, attributes, xfam, adds }) => ({
    host: name,
    attributes: hex(attributes),
    xfam: hex(xfam),
    adds: adds.map(featureJson),
  })),
  cpu: cpuLine(pool),
  apart: pool.apart.map(featureJson),
  numbers: pool.numbers,
});

/** What a capture holds and misses. */
export function captureText(capture: Capture): string {
  const { kernel, module, host, capabilities, missing } = capture;
  return `${[
    `kernel        ${kernel ?? 'not known'}`,
    `TDX module    ${module === null ? 'not known' : `${module.version} (${module.from})`}`,
    `CPUID         ${host === null ? 'not read' : `${host.leaves.size} leaves`}`,
    `capabilities  ${capabilities === null ? 'not read' : `${capabilities.configurable.leaves.size} leaves`}`,
    ...missing.flatMap(({ what, why }) => wrap(`${what}: ${why}`, 'missing: ', '  ')),
  ].join('\n')}\n`;
}

/** A capture held against the facts. */
export function checkText({ release, kvm }: Stack, differences: readonly CaptureDifference[]): string {
  const what = `TDX module ${release.module.release} under KVM ${kvm.policy.version}`;
  if (differences.length === 0) return `KVM reports what ${what} should give on this host\n`;
  return `${[
    ...wrap(
      `KVM reports otherwise than ${what} should: a release or a kernel that is not the one named, or not known here`,
    ),
    ...differences.flatMap((each) => [
      ...(each.unexpected === 0 ? [] : [`  ${bitsText(each, each.unexpected)} is reported, and nothing says so`]),
      ...(each.missing === 0 ? [] : [`  ${bitsText(each, each.missing)} is not reported`]),
    ]),
  ].join('\n')}\n`;
}

/** `bitwatch.host-check/1`. */
export const checkJson = ({ release, kvm }: Stack, differences: readonly CaptureDifference[]) => ({
  schema: 'bitwatch.host-check/1',
  module: release.module.release,
  kvm: kvm.policy.version,
  agrees: differences.length === 0,
  differences: differences.map((each) => ({
    ...placeJson(each),
    unexpected: hex32(each.unexpected),
    missing: hex32(each.missing),
  })),
});
