import { z } from 'zod';
import { CELL_CLASSES } from '../model/class.ts';
import { WRITTEN_BY } from '../model/clobber.ts';
import {
  abi,
  bitsOfRelease,
  cpuid2,
  explain,
  history,
  kernels,
  oneFinding,
  policyHistory,
  qemu,
  releases,
  rule,
  rules,
  status,
} from './answers-schema.ts';
import { post, reply } from './mail-schema.ts';
import { archiveSummary, decided, mirror, part, plan, postings, subjects, sync } from './runs-schema.ts';
import {
  bits,
  count,
  finding,
  hex,
  hex32,
  leafKey,
  line,
  place,
  policy,
  register,
  source,
  texts,
} from './schema-parts.ts';
import { series } from './series-schema.ts';
import { host, hostCheck, pool, stack, update, why } from './vmm/schema.ts';

/** The machine formats, validated. Only tests and the generator of `specs/schema/` load this file, never the main job. */
const cellClass = z.enum(CELL_CLASSES);
const gate = z.string().regex(/^(xfam|attributes):\d+$/);
const fixedMasks = z.strictObject({ fixed0: hex, fixed1: hex }).nullable();
const site = z.strictObject({ path: z.string(), line: line.nullable(), guards: z.array(z.string()) });
const counts = z.strictObject({ info: count, warning: count, error: count, decided: count });

const registerFacts = z.strictObject({
  classes: z.partialRecord(cellClass, hex32),
  gates: z.record(gate, hex32),
  verified: z.strictObject({ fixed1: hex32, fixed0: hex32 }),
  dynamic: hex32.optional(),
  /** Who decides each bit beyond the tables: disjoint masks that cover the register; absent where the code was not examined. */
  deciders: z
    .array(
      z.strictObject({
        mask: hex32,
        by: z.string(),
        conditions: z.array(z.strictObject({ holds: z.string(), else: z.enum(['0', '1', 've']) })),
      }),
    )
    .optional(),
});

const module = z.strictObject({
  schema: z.literal('bitwatch.module/1'),
  release: z.string(),
  source: z.strictObject({ ...source.shape, licence: z.string() }),
  alsoRead: z.array(z.strictObject({ path: z.string(), blob: z.string().nullable() })),
  spreadsheetFormat: z.int(),
  leaves: z.array(z.strictObject({ ...leafKey, registers: z.record(register, registerFacts) })),
  fixed0Leaves: z.array(hex),
  attributes: fixedMasks,
  xfam: fixedMasks,
  features0: hex.nullable(),
  features0Conditional: z.array(z.int().min(0).max(63)),
  featureNames: bits,
  cpuidFlags: texts.nullable(),
  configSlots: count,
  mrseam: z.string().nullable(),
  notes: texts,
});

const maskChange = { from: hex.nullable(), to: hex.nullable(), added: hex, removed: hex };
const fixedChange = z.strictObject({ fixed0: z.strictObject(maskChange), fixed1: z.strictObject(maskChange) });
const leaves = z.array(z.strictObject(leafKey));

const diff = z.strictObject({
  schema: z.literal('bitwatch.diff/1'),
  from: z.string(),
  to: z.string(),
  changes: z.array(z.strictObject({ ...place, from: cellClass, to: cellClass, mask: hex32, bits })),
  gates: z.array(z.strictObject({ ...place, gate, added: hex32, removed: hex32, bits })),
  leaves: z.strictObject({ added: leaves, removed: leaves }),
  fixed0Leaves: z.strictObject({ added: z.array(hex), removed: z.array(hex) }),
  attributes: fixedChange,
  xfam: fixedChange,
  features0: z.strictObject({
    ...maskChange,
    moved: z.array(z.strictObject({ name: z.string(), from: count, to: count })),
    renamed: z.array(z.strictObject({ bit: count, from: z.string(), to: z.string() })),
  }),
  cpuidFlags: z.strictObject({ added: texts, removed: texts }),
  configSlots: z.strictObject({ from: count, to: count }),
  coverage: z.strictObject({ cells: count, unknown: texts }),
});

const opener = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('cpuid'), flag: z.string(), ...place, mask: hex32 }),
  z.strictObject({ kind: z.literal('attributes'), bit: count, name: z.string() }),
  z.strictObject({ kind: z.literal('xfam'), bit: count, name: z.string() }),
]);

const learnt = z.discriminatedUnion('how', [
  z.strictObject({ how: z.enum(['derived', 'read']) }),
  z.strictObject({ how: z.literal('inferred'), from: texts }),
]);

const clobbers = z.strictObject({
  schema: z.literal('bitwatch.clobbers/1'),
  release: z.string(),
  source,
  msrs: z.array(
    z.strictObject({
      msr: z.string(),
      address: hex.nullable(),
      range: z.literal(true).optional(),
      class: z.string().optional(),
      exitValue: hex.optional(),
      keepsBits: hex.optional(),
      by: z.enum(WRITTEN_BY).optional(),
      learnt: z.strictObject({ entry: learnt, exit: learnt }).optional(),
      guard: z.string().nullable(),
      entry: z.array(site),
      exit: z.enum(['none', 'init', 'restored', 'unknown']),
      exitAt: z.array(site),
      reason: z.string().nullable(),
      openers: z.array(opener),
    }),
  ),
  registerChecks: z.array(
    z.strictObject({
      interface: z.string(),
      register: z.string(),
      mustBeSet: hex,
      mustBeClear: hex,
      conditional: z.array(z.strictObject({ condition: z.string(), mustBeClear: hex })),
      path: z.string(),
      line: count,
    }),
  ),
  notes: texts,
});

const findings = z.strictObject({
  schema: z.literal('bitwatch.findings/2'),
  counts,
  reviews: z.array(
    z.strictObject({
      id: z.string(),
      kind: z.enum(['release', 'policy', 'policy-step', 'facts']),
      title: z.string(),
      counts,
      command: z.string(),
      notes: texts,
    }),
  ),
  findings: z.array(finding),
  coverage: z.strictObject({
    releases: texts,
    policies: texts,
    unread: z.array(z.strictObject({ release: z.string(), reason: z.string() })),
    cells: count,
    skipped: texts,
  }),
});

const publish = z.strictObject({
  schema: z.literal('bitwatch.publish/1'),
  repository: z.string(),
  sent: z.boolean(),
  outcomes: z.array(
    z.strictObject({
      key: z.string(),
      action: z.enum(['created', 'updated', 'unchanged', 'left', 'failed', 'withdrawn']),
      number: line.nullable(),
      comment: line.nullable(),
      url: z.string(),
      why: z.string().nullable(),
    }),
  ),
  notes: texts,
  trouble: z.string().nullable(),
});

const leafOrNull = { leaf: hex.nullable(), subleaf: hex.nullable() };
const tdRefusal = z.strictObject({
  code: z.string(),
  operand: z.string().nullable(),
  ...leafOrNull,
  register: register.nullable(),
  mask: hex32.nullable(),
  why: z.string(),
});
const tdRegisters = { eax: hex32, ebx: hex32, ecx: hex32, edx: hex32 };
const td = z.strictObject({
  schema: z.literal('bitwatch.td/1'),
  release: z.string(),
  id: z.unknown(),
  /** 16 digits; null where the module stops the platform instead of returning. */
  status: z
    .string()
    .regex(/^0x[0-9a-f]{16}$/, 'lower-case hex of 16 digits')
    .nullable(),
  refused: tdRefusal.nullable(),
  platform: z.strictObject({ refused: tdRefusal.nullable(), stops: z.string().nullable() }).nullable(),
  /** With --kvm: what it refuses, or what it sets before the module sees the case. */
  kvm: z.strictObject({ version: z.string(), refused: z.string().nullable(), set: texts }).optional(),
  noConfigSlot: z.array(z.strictObject(leafOrNull)).optional(),
  controlsRefused: z.string().optional(),
  /** Only where a status was given to decode. */
  reasons: z
    .array(z.strictObject({ check: z.string(), why: z.string(), source: z.string(), lines: z.string().nullable() }))
    .optional(),
  notSettable: z.strictObject(tdRegisters).nullable().optional(),
  results: z.array(
    z.union([
      z.strictObject({ leaf: hex, subleaf: hex, fault: z.literal('ve') }),
      z.strictObject({ leaf: hex, subleaf: hex, ...tdRegisters }),
    ]),
  ),
});

/** Every `--json` of a command, by the name in its `schema`. */
export const SCHEMAS = {
  bits: bitsOfRelease,
  status,
  releases,
  kernels,
  rules,
  rule,
  finding: oneFinding,
  explain,
  history,
  'policy-history': policyHistory,
  abi,
  qemu,
  cpuid2,
  module,
  diff,
  policy,
  clobbers,
  findings,
  publish,
  series,
  post,
  reply,
  td,
  update,
  stack,
  why,
  host,
  'host-check': hostCheck,
  pool,
  'archive-summary': archiveSummary,
  mirror,
  part,
  subjects,
  postings,
  plan,
  sync,
  decided,
} as const;

/** The JSON Schema files of `specs/schema/`, by name. */
export function schemaFiles(): readonly { readonly name: string; readonly content: string }[] {
  return Object.entries(SCHEMAS).map(([name, schema]) => ({
    name: `${name}.json`,
    content: `${JSON.stringify({ title: `bitwatch.${name}/${name === 'findings' ? 2 : 1}`, ...z.toJSONSchema(schema, name === 'series' ? { reused: 'ref' } : {}) }, null, 2)}\n`,
  }));
}
