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

test('explain tells of a bit what was decided on it, as long as that holds', async () => {
  const { run } = setUp();
  await run(['decide', 'RAO_INT', '--kvm', '>=6.16,<7.0', ...PERSON, '--until', '2026-12-31']);
  const { stdout } = await run(['explain', 'RAO_INT']);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
    'decided: all rules at 7.1.EAX[3] on >=6.16,<7.0: looked at: "fine" (A. Person, until 2026-12-31)',
  );
  const bits = async (what: string, today?: string) =>
    (JSON.parse((await run(['explain', what, '--json'], today)).stdout).bits as { decided: unknown[] }[]).map(
      ({ decided }) => decided.length,
    );
  expect([await bits('RAO_INT'), await bits('7.1.EAX[4]'), await bits('RAO_INT', '2027-01-01')]).toEqual([
    [1],
    [0],
    [0],
  ]);
  // A decision on the rule is about every bit that some KVM exposes, and no other.
  await run(['decide', 'exposed-unreviewed', ...PERSON]);
  expect([await bits('RAO_INT'), await bits('WAITPKG')]).toEqual([[2], [0]]);
});

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
  [['decide', 'exposed-unreviewd', ...PERSON], /feature, rule or finding; did you mean "exposed-unreviewed"/],
  [['decide', 'RAO_INT', ...PERSON, '--until', 'tomorrow'], /--until "tomorrow": expected a day such as 2027-06-30/],
])('%j is refused and writes nothing', async (args, message) => {
  const { run, text } = setUp();
  const { status, stderr } = await run(args);
  expect([status, message.test(stderr)], stderr).toEqual([64, true]);
  expect(text).toThrow(/ENOENT/);
});

test('status asks no more for what was decided, until its day or under another kernel; a review names who decided', async () => {
  const { run, text } = setUp();
  const asked = async (today?: string) => {
    const { pairs } = JSON.parse((await run(['status', '--json'], today)).stdout) as {
      readonly pairs: readonly {
        readonly release: string;
        readonly kvm: string;
        readonly standing: readonly unknown[];
      }[];
    };
    return pairs.filter(({ standing }) => standing.length > 0).map(({ release, kvm }) => `${release} ${kvm}`);
  };
  const review = async (release: string, from: string) =>
    (await run(['review', release, '--from', from, '--kvm', '7.1.5'])).stdout;
  expect(await asked()).toEqual(['2.0.18 7.1.5', '2.0.18 6.17']);
  const decision = ['decide', 'RAO_INT', '--kvm', '>=7.0', ...PERSON, '--until', '2026-12-31'];
  for (let time = 0; time < 2; time += 1) expect((await run(decision)).status).toBe(0);
  expect(text().match(/bits:/g)).toHaveLength(1);
  expect(await asked()).toEqual(['2.0.18 6.17']);
  expect(await asked('2027-01-01')).toEqual(['2.0.18 7.1.5', '2.0.18 6.17']);
  const line = '  decided     7.1.EAX RAO_INT[3]: looked at: "fine" (A. Person, until\n              2026-12-31)\n';
  // As news of 2.0.08, and as what 2.0.18 has from it.
  for (const stdout of [await review('2.0.08', '1.5.06'), await review('2.0.18', '2.0.08')]) {
    expect(stdout).toContain(line);
    expect(stdout).not.toContain('undecided');
  }
  const check = async (kvm: string) => (await run(['check', '2.0.18', '--kvm', kvm])).stdout;
  expect(await check('6.17')).toContain('undecided: 7.1.EAX RAO_INT[3]: exposed in 2.0.08 already; it counts');
  expect(await check('7.1.5')).not.toContain('undecided');
  // Another rule's decision does not reach it, one on the rule that would have told it does.
  expect((await run(['decide', 'facts-missing', ...PERSON])).status).toBe(0);
  expect(await asked()).toEqual(['2.0.18 6.17']);
  expect((await run(['decide', 'exposed-unreviewed', '--release', '>=2.0', ...PERSON])).status).toBe(0);
  expect(await asked()).toEqual([]);
});

test('what a release has from the one before can be decided for that release alone, and is no decision without a use', async () => {
  const { run } = setUp();
  const decide = (release: string) => run(['decide', 'RAO_INT', '--release', release, '--kvm', '7.1.5', ...PERSON]);
  expect((await decide('1.5.16')).stderr).toContain('no finding is about all rules at 7.1.EAX[3] for 1.5.16 on 7.1.5');
  expect(await decide('2.0.18')).toMatchObject({ status: 0, stderr: '' });
  const { pairs } = JSON.parse((await run(['status', '--kvm', '7.1.5', '--json'])).stdout);
  expect(pairs[0]).toMatchObject({ release: '2.0.18', standing: [] });
  const { findings } = JSON.parse((await run(['check', '--json'])).stdout);
  expect(findings.map(({ rule }: { rule: string }) => rule)).not.toContain('waiver-unmatched');
  expect((await run(['decide', '--prune'])).stdout).toBe('removed 0 of 1 decisions\n');
});
