import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../helpers/repository.ts';
import { bitwatch } from '../helpers/run.ts';
import { smallSpecs } from '../helpers/specs.ts';

function setUp() {
  const folder = temporaryFolder();
  // Kernels within a range of decisions and outside.
  smallSpecs(join(folder, 'specs'), {
    releases: ['1.5.06', '1.5.16', '2.0.08', '2.0.18'],
    kernels: ['6.16.1', '6.17', '7.1.5'],
  });
  const run = (args: readonly string[], today?: string) =>
    bitwatch([...args, '--specs', join(folder, 'specs')], today === undefined ? {} : { today });
  const check = async (release: string, kvm: string, today?: string) =>
    JSON.parse((await run(['check', release, '--kvm', kvm, '--json'], today)).stdout).findings as readonly {
      readonly fingerprint: string;
      readonly rule: string;
      readonly decided: unknown;
      readonly places: readonly { readonly leaf: string; readonly register: string; readonly mask: string }[];
    }[];
  const file = join(folder, 'specs', 'decisions.yaml');
  return { run, check, file, text: () => readFileSync(file, 'utf8') };
}
const PERSON = ['--because', 'looked at: "fine"', '--by', 'A. Person'];

test('a decision on a bit holds for the kernels of its range and the next release, and leaves with its day', async () => {
  const { run, check, text } = setUp();
  const raoInt = (findings: Awaited<ReturnType<typeof check>>) =>
    findings.filter(({ places }) =>
      places.some(({ leaf, register, mask }) => `${leaf} ${register} ${mask}` === '0x7 eax 0x00000008'),
    );
  const [before] = raoInt(await check('2.0.08', '6.16.1'));
  expect(before?.decided).toBe(null);
  const decided = await run(['decide', 'RAO_INT', '--kvm', '>=6.16,<7.0', ...PERSON, '--until', '2026-12-31']);
  expect(decided).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('decided all rules at 7.1.EAX[3] on >=6.16,<7.0'),
  });
  expect(text()).toContain('  - bits: 7.1.EAX[3]\n    kernels: ">=6.16,<7.0"\n');
  expect(raoInt(await check('2.0.08', '6.16.1'))[0]?.decided).toEqual({
    reason: 'looked at: "fine"',
    by: 'A. Person',
    until: '2026-12-31',
  });
  // Another kernel, and another day.
  expect(raoInt(await check('2.0.08', '7.1.5'))[0]?.decided).toBe(null);
  expect(raoInt(await check('2.0.08', '6.16.1', '2027-01-01'))[0]?.decided).toBe(null);
  expect((await run(['decide', '--prune'])).stdout).toBe('removed 0 of 1 decisions\n');
  expect((await run(['decide', '--prune'], '2027-01-01')).stdout).toBe('removed 1 of 1 decisions\n');
  expect(text()).toMatch(/^# What people decided.*\ndecisions: \[\]\n$/);
});

test('a finding and a rule are decided, comments stay, and older waivers are still read', async () => {
  const { run, check, file, text } = setUp();
  const [first, second] = await check('2.0.08', '6.16.1');
  writeFileSync(
    join(file, '..', 'waivers.yaml'),
    `waivers:\n  - fingerprint: "${first?.fingerprint}"\n    reason: "old"\n    by: "B"\n`,
  );
  writeFileSync(
    file,
    '# ours\ndecisions:\n  - rule: facts-missing # known\n    because: "not published"\n    by: "B"\n',
  );
  expect((await run(['decide', second?.fingerprint ?? '', ...PERSON])).status).toBe(0);
  expect(text()).toMatch(/^# ours\ndecisions:\n {2}- rule: facts-missing # known\n/);
  const after = await check('2.0.08', '6.16.1');
  expect(after.slice(0, 2).map(({ decided }) => (decided as { reason: string } | null)?.reason)).toEqual([
    'old',
    'looked at: "fine"',
  ]);
  const all = JSON.parse((await run(['check', '--json'])).stdout).findings as typeof after;
  const missing = all.filter(({ rule }) => rule === 'facts-missing');
  expect(missing.length).toBeGreaterThan(0);
  expect(missing.every(({ decided }) => decided !== null)).toBe(true);
});

test.each([
  [['decide', 'RAO_INT'], /needs WHAT .* --because TEXT and --by NAME/],
  [['decide', 'ffffffffffffffff', ...PERSON], /no finding is about ffffffffffffffff/],
  [['decide', 'RAO_INT', '--kvm', '>=99', ...PERSON], /no finding is about all rules at 7\.1\.EAX\[3\] on >=99/],
  [['decide', 'ffffffffffffffff', '--kvm', '6.17', ...PERSON], /--kvm and --release go with bits and rules/],
  [['decide', 'RAO_INX', ...PERSON], /did you mean "RAO_INT"/],
])('%j is refused and writes nothing', async (args, message) => {
  const { run, text } = setUp();
  const { status, stderr } = await run(args);
  expect([status, message.test(stderr)], stderr).toEqual([64, true]);
  expect(text).toThrow(/ENOENT/);
});
