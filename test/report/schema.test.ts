import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { wholeReport } from '../../pipeline/cases/whole-report.ts';
import type { ClobberFacts } from '../../pipeline/model/clobber.ts';
import type { Policy } from '../../pipeline/model/policy.ts';
import { findingsJson } from '../../pipeline/report/findings-json.ts';
import { clobbersJson, diffJson, jsonText, moduleJson, policyJson } from '../../pipeline/report/machine.ts';
import { SCHEMAS, schemaFiles } from '../../pipeline/report/schema.ts';
import { viewOf } from '../../pipeline/report/view.ts';
import { shippedSpecs } from '../helpers/specs.ts';
import { reportOf } from './builder.ts';
import { expectFile, expectOnly } from './golden.ts';

const source = { repository: 'kernel', revision: '0123456789abcdef', path: 'tdx.c', blob: null };

/** What a reader of the printed JSON gets passes the schema, key by key. */
const printed = (value: unknown): unknown => JSON.parse(jsonText(value));

describe('specs/schema', () => {
  it.each(schemaFiles().map((file) => [file.name, file] as const))('%s is current', (_, { name, content }) => {
    expectFile(join('specs/schema', name), content);
  });
  it('holds no other file', () =>
    expectOnly(
      'specs/schema',
      schemaFiles().map(({ name }) => name),
    ));
});

describe('the machine formats', () => {
  it('follow their schemas for all facts of specs/', async () => {
    const specs = await shippedSpecs();
    const report = wholeReport(specs, '2026-01-01');
    for (const release of specs.releases) SCHEMAS.module.parse(printed(moduleJson(release)));
    for (const review of report.reviews)
      if (review.kind === 'release') SCHEMAS.diff.parse(printed(diffJson(review.diff, specs.knowledge.names)));
    for (const policy of specs.policies) SCHEMAS.policy.parse(printed(policyJson(policy, specs.knowledge.names)));
    SCHEMAS.findings.parse(printed(findingsJson(viewOf(report))));
    expect(specs.releases.length).toBeGreaterThan(6);
  });

  it('follow their schemas for every kind of finding, policy and opener', () => {
    const mask = { leaf: 7, subleaf: 0, register: 'ebx' as const, mask: 0x80000010, path: 'tdx.c', line: 3 };
    const policy: Policy = {
      version: '6.99',
      source,
      generation: 'denylist',
      deny: [mask],
      allow: [],
      adds: [{ ...mask, leaf: 0x80000008, subleaf: null, register: 'eax' }],
      attributes: 1n << 63n,
      xfam: ['fp'],
      restores: [{ msr: 'MSR_STAR', by: 'list', path: 'tdx.c', line: 4 }],
      configLimit: 128,
      known: [],
      notes: [],
    };
    const clobbers: ClobberFacts = {
      release: '9.9.9',
      source,
      notes: [],
      msrs: [
        {
          msr: 'IA32_EXAMPLE',
          address: 0xe1,
          guard: 'cpuid_flags.example',
          entry: [{ path: 'enter.c', line: 1, guards: ['cpuid_flags.example'] }],
          exit: 'none',
          exitAt: [],
          reason: null,
          openers: [
            { kind: 'cpuid', flag: 'example', leaf: 7, subleaf: 0, register: 'ecx', mask: 32 },
            { kind: 'xfam', bit: 15, name: 'LBR' },
          ],
        },
      ],
    };
    expect(SCHEMAS.policy.parse(printed(policyJson(policy, []))).deny[0]?.mask).toBe('0x80000010');
    expect(SCHEMAS.policy.parse(printed(policyJson(policy, []))).attributes).toBe('0x8000000000000000');
    expect(SCHEMAS.clobbers.parse(printed(clobbersJson(clobbers))).msrs[0]?.address).toBe('0xe1');
    SCHEMAS.findings.parse(printed(findingsJson(viewOf(reportOf('x')))));
  });

  it('cover 0xffffffff with disjoint classes in every register', async () => {
    for (const release of (await shippedSpecs()).releases)
      for (const { registers } of moduleJson(release).leaves)
        for (const register of Object.values(registers)) {
          const masks = Object.values(register.classes).map(Number);
          expect(masks.reduce((sum, mask) => sum + mask, 0)).toBe(0xffffffff);
        }
  });
});
