import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { bitwatch, ROOT } from '../helpers/run.ts';

/** What a command prints with --json, held against the schema that it names. */
async function checked(args: readonly string[]): Promise<unknown> {
  const { status, stdout } = await bitwatch([...args, '--json']);
  expect([0, 100]).toContain(status);
  const json: unknown = JSON.parse(stdout);
  const { schema } = json as { readonly schema: string };
  const [, name = '', version = ''] = /^bitwatch\.([a-z0-9-]+)\/(\d)$/.exec(schema) ?? [];
  const shape = Object.entries(SCHEMAS).find(([each]) => each === name)?.[1];
  expect(shape, schema).toBeDefined();
  shape?.parse(json);
  const file = JSON.parse(readFileSync(join(ROOT, 'specs', 'schema', `${name}.json`), 'utf8')) as { title: string };
  expect(file.title).toBe(`bitwatch.${name}/${version}`);
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
