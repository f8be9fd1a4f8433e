import { describe, expect, test } from 'vitest';
import { groundOf } from '../../pipeline/cases/reviews.ts';
import { kvmContext } from '../../pipeline/judge/judge.ts';
import { findingMask, judgeQemu, QEMU_RULES } from '../../pipeline/judge/qemu.ts';
import { quietRules } from '../../pipeline/judge/qemu-quiet.ts';
import { featureOf, type Stack, stackFeatures } from '../../pipeline/judge/stack.ts';
import { parseBit } from '../../pipeline/model/bit-text.ts';
import { bitsOf } from '../../pipeline/model/mask.ts';
import type { QemuFacts } from '../../pipeline/model/qemu.ts';
import { SCHEMAS } from '../../pipeline/report/schema.ts';
import { stackJson, stackText, whyJson } from '../../pipeline/report/vmm/stack.ts';
import { bitwatch } from '../helpers/run.ts';
import { shippedSpecs } from '../helpers/specs.ts';

const specs = await shippedSpecs();
const ground = groundOf(specs);

function stackOf(module: string, kvm: string, qemu: string): Stack {
  const release = specs.releases.find((each) => each.module.release === module);
  const policy = specs.policies.find(({ version }) => version === kvm);
  const facts = specs.qemu.find(({ version }) => version === qemu);
  if (release === undefined || policy === undefined || facts === undefined) throw new Error('not in specs/');
  return { release, kvm: kvmContext(release, policy, ground), qemu: facts, names: specs.knowledge.names, cpuid2: null };
}
const newest = stackOf('2.0.18', '7.1.5', '11.1.0');
const withQemu = (change: Partial<QemuFacts>): Stack => ({ ...newest, qemu: { ...newest.qemu, ...change } });

const at = (stack: Stack, text: string) => {
  const selection = parseBit(text);
  const [bit] = bitsOf(selection?.mask ?? 0);
  if (selection === null || bit === undefined) throw new Error(`${text} is no bit`);
  return featureOf(stack, selection.place, bit);
};
const found = (stack: Stack, rule: string) =>
  judgeQemu(stack)
    .filter((each) => each.rule === rule)
    .map((each) => [each.level, each.how, each.place?.register ?? null, findingMask(each)]);

test.each([
  // Not the table decides: MCE, MCA and MTRR read 1 until the guest's REDUCE_VE, and the VMM chooses what is stored.
  ['1.EDX[7]', '2.0.18', 'host-cpu', 'mce'],
  ['1.EDX[7]', '1.5.06', 'always', 'mce'],
  ['7.0.ECX[5]', '2.0.18', 'kept-back', 'waitpkg'],
  ['7.0.ECX[31]', '2.0.18', 'shut', 'pks'],
  ['7.0.EBX[25]', '2.0.18', 'shut', 'intel-pt'],
  ['7.0.ECX[3]', '2.0.18', 'gated', 'pku'],
  ['7.1.EDX[17]', '2.0.18', 'never-asked', null],
  // QEMU keeps what KVM_GET_SUPPORTED_CPUID, tdx_fixed1_bits or its own additions hold: KVM gives no VM EST.
  ['1.ECX[7]', '2.0.18', 'unsupported', 'est'],
  ['1.EDX[22]', '2.0.18', 'unsupported', 'acpi'],
  ['1.ECX[24]', '2.0.18', 'host-cpu', 'tsc-deadline'],
  ['7.0.EDX[30]', '2.0.18', 'host-cpu', 'core-capability'],
  // -overcommit cpu-pm=on.
  ['1.ECX[3]', '2.0.18', 'told', 'monitor'],
  // QEMU sets it itself for more than one thread.
  ['1.EDX[28]', '2.0.18', 'threads', 'ht'],
  ['7.1.EDX[17]', '1.5.05', 'never', null],
  ['1.ECX[0]', '2.0.18', 'always', 'pni'],
  ['0x80000001.EDX[11]', '2.0.18', 'guest', 'syscall'],
  ['6.EAX[2]', '1.5.06', 've', 'arat'],
])('%s under %s: %s', (text, module, gets, name) => {
  const feature = at(stackOf(module, '7.1.5', '11.1.0'), text);
  expect([feature.gets, feature.ask.name]).toEqual([gets, name]);
});

test('what waits for a state component that QEMU does not know no TD of it has, and QEMU warns of nothing', () => {
  const old = stackOf('2.0.12', '6.19', '10.2.0');
  expect(old.kvm.policy.xfam).toContain('cet_user');
  expect([at(old, '7.0.ECX[7]').gets, at(old, '7.0.EDX[20]').gets, at(old, '7.0.ECX[3]').gets]).toEqual([
    'shut',
    'shut',
    'gated',
  ]);
  expect(found(old, 'qemu-fixed1-missing')).toEqual([]);
  const bits = (stack: Stack) => judgeQemu(stack).flatMap(({ rule, bits: xfam }) => (rule === 'qemu-xfam' ? xfam : []));
  expect([bits(old), bits(stackOf('2.0.12', '6.19', '11.1.0'))]).toEqual([[11, 12], []]);
  expect(at(stackOf('2.0.12', '6.19', '11.1.0'), '7.0.ECX[7]').gets).toBe('gated');
});

test('fixed-1 bits that the release lets be 0: those of VE_REDUCTION since 1.5.09, none before', () => {
  expect(found(newest, 'qemu-fixed1-extra')).toEqual([
    ['info', 'settable', 'edx', 0x00005080],
    ['info', 'settable', 'edx', 0x40000000],
  ]);
  expect(found(stackOf('1.5.06', '7.1.5', '10.1.0'), 'qemu-fixed1-extra')).toEqual([['info', 've', 'eax', 4]]);
});

test('a bit that QEMU does not expect fires, once for its register; its neighbours do not', () => {
  expect(found(newest, 'qemu-fixed1-missing')).toEqual([]);
  const fixed1 = newest.qemu.fixed1.map((each) =>
    each.leaf === 1 && each.register === 'ecx' ? { ...each, mask: (each.mask & ~1) >>> 0 } : each,
  );
  expect(found(withQemu({ fixed1 }), 'qemu-fixed1-missing')).toEqual([['warning', 'always', 'ecx', 1]]);
  // Without a feature word QEMU's check never looks at the register.
  const words = newest.qemu.words.filter(({ leaf, register }) => leaf !== 1 || register !== 'ecx');
  expect(found(withQemu({ fixed1, words }), 'qemu-fixed1-missing')).toEqual([]);
});

test('a gate that is not the module’s fires where KVM and the release can open it, and only there', () => {
  const place = { leaf: 7, subleaf: 0, register: 'ebx' as const, mask: 0x20, path: 'tdx.c', line: 1 };
  const gated = (gate: `xfam:${number}`) => found(withQemu({ gates: [{ ...place, gate }] }), 'qemu-gate-differs');
  expect(gated('xfam:2')).toEqual([]);
  expect(gated('xfam:9')).toEqual([['warning', 'other-gate', 'ebx', 0x20]]);
  expect(gated('xfam:40')).toEqual([]);
});

test('attributes and XFAM that QEMU cannot ask for', () => {
  expect([...found(newest, 'qemu-attributes'), ...found(newest, 'qemu-xfam')]).toEqual([]);
  const none = withQemu({
    attributes: { ...newest.qemu.attributes, mask: 0n },
    xfam: { ...newest.qemu.xfam, mask: 3n },
  });
  const bits = (rule: string) => judgeQemu(none).find((each) => each.rule === rule)?.bits;
  const may = (newest.release.module.attributes?.fixed0 ?? 0n) & newest.kvm.policy.attributes;
  expect(bits('qemu-attributes')?.reduce((mask, bit) => mask | (1n << BigInt(bit)), 0n)).toBe(may);
  expect(bits('qemu-xfam')).toContain(17);
  expect(bits('qemu-xfam')).not.toContain(0);
});

test('nothing is said of TDs where KVM refuses the release', () => {
  const refused = stackOf('1.5.01', '7.1.5', '11.1.0');
  const json = SCHEMAS.stack.parse(stackJson(refused));
  expect([json.runs.answer, json.features, json.findings, json.quiet]).toEqual(['no', [], [], []]);
  expect(stackText(refused)).not.toContain('A TD gets');
});

describe('on the embedded facts every rule fires or says why it cannot', () => {
  /** Releases before and after what VE_REDUCTION changed, and the oldest kernel beside the newest, each with every QEMU. */
  const stacks = [
    ['1.5.06', '7.1.5'],
    ['2.0.02', '7.1.5'],
    ['2.0.18', '6.16.1'],
    ['2.0.18', '7.1.5'],
  ].flatMap(([module = '', kvm = '']) => specs.qemu.map(({ version }) => stackOf(module, kvm, version)));
  const findings = new Map(stacks.map((stack) => [stack, judgeQemu(stack)]));

  test('each stack follows the schema, and tells every rule once: with lines, or with what it looked at', () => {
    for (const stack of stacks) {
      const json = SCHEMAS.stack.parse(stackJson(stack));
      const told = [...new Set(json.findings.map(({ rule }) => rule)), ...json.quiet.map(({ rule }) => rule)];
      expect(told.sort()).toEqual([...QEMU_RULES].sort());
      for (const { evidence } of json.findings) expect(evidence.length).toBeGreaterThan(0);
      // A reason stands on bits that were held against each other: their number is in it.
      for (const { because } of json.quiet) expect(because).toMatch(/^[1-9]\d* bits? (?:of|that) .+: .+$/);
    }
  });

  test('what a silent rule says holds, worked out another way', () => {
    for (const stack of stacks) {
      const { release, kvm, qemu } = stack;
      const silent = new Map(quietRules(stack, findings.get(stack)).map((each) => [each.rule, each]));
      const features = stackFeatures(stack);
      for (const { unexamined, unread } of silent.values()) expect([unexamined, unread]).toEqual([0, null]);
      if (silent.has('qemu-no-name'))
        expect(features.filter(({ gets, ask }) => gets !== 'kept-back' && ask.name === null)).toEqual([]);
      if (silent.has('qemu-fixed1-extra'))
        for (const entry of qemu.fixed1)
          for (const bit of bitsOf(entry.mask))
            expect(['always', 'after-ve', 'guest']).toContain(featureOf(stack, entry, bit).gets);
      if (silent.has('qemu-fixed1-missing'))
        for (const { gets, ask } of features.filter((each) => each.gets === 'always' && each.ask.isChecked))
          expect([gets, ask.isFixed1]).toEqual(['always', true]);
      const may = release.module.attributes?.fixed0 ?? 0n;
      expect(silent.has('qemu-attributes')).toBe((may & kvm.policy.attributes & ~qemu.attributes.mask) === 0n);
    }
  });

  test('of the six, four fire on some of them; each QEMU knows what TDs are given, and can ask for each attribute', () => {
    const fired = new Set([...findings.values()].flat().map(({ rule }) => rule));
    expect(QEMU_RULES.filter((rule) => !fired.has(rule))).toEqual(['qemu-fixed1-missing', 'qemu-attributes']);
    for (const { attributes } of specs.policies)
      for (const qemu of specs.qemu)
        expect([qemu.version, attributes & ~qemu.attributes.mask]).toEqual([qemu.version, 0n]);
  });

  test('what was not read is no reason', () => {
    const { release } = newest;
    const unread = { ...newest, release: { ...release, module: { ...release.module, attributes: null, xfam: null } } };
    expect(quietRules(unread).flatMap(({ rule, unread: what }) => (what === null ? [] : [[rule, what]]))).toEqual([
      ['qemu-attributes', 'ATTRIBUTES'],
      ['qemu-xfam', 'XFAM'],
    ]);
    expect(stackText(unread).replace(/\s+/g, ' ')).toContain(
      'qemu-xfam: nothing could be found: the XFAM that the release takes were not read',
    );
    expect(stackText(withQemu({ fixed1: [] })).replace(/\s+/g, ' ')).toContain(
      'qemu-fixed1-extra: nothing to look at: no bit that QEMU takes for fixed',
    );
    const silent = { ...release, registers: release.registers.map((each) => ({ ...each, deciders: [] })) };
    const bits = newest.qemu.fixed1.flatMap(({ mask }) => bitsOf(mask)).length;
    expect(quietRules({ ...newest, release: silent })).toContainEqual({
      rule: 'qemu-fixed1-extra',
      looked: bits,
      unexamined: bits,
      unread: null,
    });
  });
});

test('each rule is in the list and explained, with what to do', async () => {
  const { stdout } = await bitwatch(['list', 'rules']);
  for (const rule of QEMU_RULES) {
    expect(stdout).toContain(`${rule} (`);
    expect((await bitwatch(['explain', rule])).stdout).toMatch(/ {2}do: {5}\S/);
  }
});

test('why a TD does not have a bit: the host’s part decides where the module leaves it to the host', () => {
  const feature = at(newest, '7.0.EBX[16]');
  const why = (onHost: boolean | null) => SCHEMAS.why.parse(whyJson(newest, [{ feature, onHost }])).bits[0]?.answer;
  expect([why(null), why(true), why(false)]).toEqual([
    'a TD has it with -cpu host, where the host has it',
    'a TD has it with -cpu host',
    'no TD on this host has it: the host lacks it',
  ]);
});
