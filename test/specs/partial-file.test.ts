import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { POLICY_FIELDS } from '../../pipeline/model/policy.ts';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { readPartialFile } from '../../pipeline/specs/partial-file.ts';
import { NO_CACHE } from '../../pipeline/specs/plain.ts';
import { bitwatch, ROOT } from '../helpers/run.ts';

const text = readFileSync(join(ROOT, 'specs/kvm-partial/7.3-rc1.yaml'), 'utf8');

test('each field is said to be read or not to be, once', async () => {
  const { read, notRead } = await readPartialFile('p.yaml', text, NO_CACHE);
  expect([...read, ...notRead].map(({ field }) => field).sort()).toEqual([...POLICY_FIELDS].sort());
  expect(notRead.map(({ field }) => field)).toContain('xfam');
  const line = /^ {2}- \{field: "vmcall".*\n/m;
  await expect(readPartialFile('p.yaml', text.replace(line, ''), NO_CACHE)).rejects.toThrow(/p\.yaml.*vmcall/s);
  await expect(readPartialFile('p.yaml', text.replace(line, '$&$&'), NO_CACHE)).rejects.toThrow(/p\.yaml/);
});

test('what was read is told, and nothing is judged under it', async () => {
  const { stdout } = await bitwatch(['explain', 'v7.3-rc1']);
  expect(stdout).toMatch(/^KVM 7\.3-rc1 was read in part, so nothing is judged under it\n/);
  expect(stdout).toContain('    attributes: SEPT_VE_DISABLE alone (KVM_SUPPORTED_TDX_TD_ATTRS)\n');
  expect(stdout).toMatch(/ {2}not read:\n {4}xfam: /);
  const { topics } = SCHEMAS.explain.parse(JSON.parse((await bitwatch(['explain', '7.3-rc1', '--json'])).stdout));
  expect(topics).toMatchObject([{ kind: 'partial-kernel', version: '7.3-rc1' }]);
  for (const args of [
    ['review', 'latest', '--kvm', '7.3-rc1'],
    ['bits', '2.0.18', '--kvm', 'v7.3-rc1'],
  ]) {
    const { status, stdout: out, stderr } = await bitwatch(args);
    expect([status, out]).toEqual([66, '']);
    expect(stderr).toContain(
      'KVM 7.3-rc1 was read in part, so nothing is judged under it; `bitwatch explain 7.3-rc1` says',
    );
  }
  const list = await bitwatch(['list', 'kernels', '--json']);
  const { kernels, partial } = SCHEMAS.kernels.parse(JSON.parse(list.stdout));
  expect(kernels.map(({ version }) => version)).not.toContain('7.3-rc1');
  expect(partial.map(({ version }) => version)).toEqual(['7.3-rc1']);
  const report = await bitwatch(['report', '--json']);
  expect(report.stdout).not.toContain('7.3-rc1');
});
