import { z } from 'zod';
import { RULE_IDS } from '../judge/catalogue.ts';
import { AUDIENCES, LEVELS, VERDICTS } from '../model/finding.ts';
import { REGISTERS } from '../model/place.ts';
import { GENERATIONS, UPSTREAM_PROOFS } from '../model/policy.ts';

/** What several machine formats share. Loaded like `schema.ts`: by tests and the generator only. */
export const hex = z.string().regex(/^0x(0|[1-9a-f][0-9a-f]{0,15})$/, 'unpadded lower-case hex');
export const hex32 = z.string().regex(/^0x[0-9a-f]{8}$/, 'lower-case hex of 8 digits');
export const leafKey = { leaf: hex, subleaf: hex.nullable() };
export const register = z.enum(REGISTERS);
export const place = { ...leafKey, register };
export const bits = z.array(z.strictObject({ bit: z.int().min(0).max(63), name: z.string().nullable() }));
export const source = z.strictObject({
  repository: z.string(),
  revision: z.string(),
  path: z.string(),
  blob: z.string().nullable(),
});
export const line = z.int().min(1);
export const evidence = z.strictObject({ repository: z.string(), revision: z.string(), path: z.string(), line });
export const texts = z.array(z.string());
export const count = z.int().min(0);

export const policyMasks = z.array(
  z.strictObject({ ...place, mask: hex32, bits, path: z.string(), line, everySubleafBut: z.array(hex).optional() }),
);

export const policy = z.strictObject({
  schema: z.literal('bitwatch.policy/1'),
  version: z.string(),
  source,
  upstream: z.strictObject({ proof: z.enum(UPSTREAM_PROOFS), because: z.string() }).nullable(),
  base: z.strictObject({ release: z.string(), because: z.string() }).nullable(),
  generation: z.enum(GENERATIONS),
  deny: policyMasks,
  allow: policyMasks,
  adds: policyMasks,
  attributes: hex,
  xfam: z.union([hex, texts]),
  restores: texts,
  restoredAt: z.array(z.strictObject({ msr: z.string(), by: z.string(), path: z.string(), line })),
  configLimit: count.nullable(),
  disagreements: z
    .array(
      z.strictObject({
        kind: z.enum(['hidden-not-refused', 'shown-but-refused']),
        leaf: hex.nullable(),
        subleaf: hex.nullable(),
        register: register.nullable(),
        mask: hex32,
        shown: z.strictObject({ path: z.string(), line }),
        setUp: z.strictObject({ path: z.string(), line }),
        everySubleafBut: z.array(hex).optional(),
      }),
    )
    .nullable(),
  requires: z
    .array(
      z.union([
        z.strictObject({
          kind: z.enum(['features0', 'attributes-fixed1', 'xfam-fixed1']),
          mask: hex,
          path: z.string(),
          line,
        }),
        z.strictObject({ kind: z.literal('config-slots'), limit: count, path: z.string(), line }),
      ]),
    )
    .nullable(),
  configFlags: z.array(z.strictObject({ mask: hex, path: z.string(), line })).nullable(),
  vmcall: z.strictObject({ check: z.enum(['none', 'mask']), mask: hex.nullable(), path: z.string(), line }).nullable(),
  known: policyMasks,
  notes: texts,
});

/** What a number of several bits holds: the same in every TD, or what its deciders make of it. */
const meaning = z.strictObject({
  kind: z.enum(['value', 'decided', 'absent', 'unknown']),
  value: count.nullable(),
  by: z.array(z.string()),
});

export const finding = z.strictObject({
  fingerprint: z.string().regex(/^[0-9a-f]{16}$/),
  rule: z.enum(RULE_IDS),
  level: z.enum(LEVELS),
  for: z.array(z.enum(AUDIENCES)).min(1),
  review: z.string(),
  from: z.string().nullable(),
  to: z.string(),
  policy: z.string().nullable(),
  places: z.array(z.strictObject({ ...place, mask: hex32, bits })),
  verdict: z.enum(VERDICTS).nullable(),
  fields: z.array(z.strictObject({ ...place, name: z.string(), high: count, low: count, from: meaning, to: meaning })),
  headline: z.string(),
  because: z.string(),
  todo: z.string(),
  facts: z.looseObject({ kind: z.string() }),
  also: z.array(z.enum(RULE_IDS)),
  evidence: z.array(evidence),
  decided: z.strictObject({ reason: z.string(), by: z.string(), until: z.string().nullable() }).nullable(),
});
