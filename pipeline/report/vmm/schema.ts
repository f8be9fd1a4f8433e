import { z } from 'zod';
import { EFFECTS } from '../../cases/update.ts';
import { QEMU_RULES } from '../../judge/qemu.ts';
import { GETS } from '../../judge/stack.ts';
import { VERDICTS } from '../../model/finding.ts';
import { bits, count, evidence, hex, hex32, place, source, texts } from '../schema-parts.ts';

/** Machine formats for the people above KVM. Loaded like `schema.ts`: by tests and the generator only. */
const version = z.string().min(1);
const runs = z.strictObject({ answer: z.enum(['yes', 'no', 'unknown']), because: z.string() });
const mask = z.strictObject({ from: hex.nullable(), to: hex.nullable() });
const masks = z.strictObject({ fixed0: mask, fixed1: mask });
const rules = z.array(z.strictObject({ rule: z.string(), leaf: hex, subleaf: hex.nullable() }));

export const update = z.strictObject({
  schema: z.literal('bitwatch.update/1'),
  from: version,
  to: version,
  kvm: version.nullable(),
  runs: runs.nullable(),
  carryOver: z.strictObject({
    answer: z.enum(['yes', 'no', 'unknown']),
    why: z.enum(['from-the-minimum-on', 'below-the-minimum', 'other-line', 'not-published', 'older-release']),
    minimum: version.nullable(),
    seamldr: texts,
    source: z.string().nullable(),
  }),
  /** Null where the code of a release was not examined. */
  running: z.strictObject({ guestRulesAdded: rules, guestRulesRemoved: rules }).nullable(),
  newTds: z
    .strictObject({
      changes: z.array(
        z.strictObject({
          ...place,
          mask: hex32,
          bits,
          effect: z.enum(EFFECTS),
          /** Who decides, as `extract module` writes deciders; null where the leaf is not in the table. */
          from: z.string().nullable(),
          to: z.string().nullable(),
          verdicts: z.array(z.strictObject({ verdict: z.string(), mask: hex32 })),
        }),
      ),
      attributes: masks,
      xfam: masks,
      features0: mask,
      configSlots: z.strictObject({ from: count, to: count }),
    })
    .nullable(),
  unknown: texts,
});

const gate = z.string().regex(/^(xfam|attributes):\d+$/);
const bit = z.int().min(0).max(63);

const stackFeature = z.strictObject({
  ...place,
  bit,
  name: z.string().nullable(),
  decider: z.string().nullable(),
  verdict: z.enum(VERDICTS).nullable(),
  qemu: z.strictObject({
    name: z.string().nullable(),
    automatic: z.boolean(),
    checked: z.boolean(),
    fixed1: z.boolean(),
    support: z.enum(['yes', 'told', 'no']),
    ofThreads: z.boolean(),
    gates: z.array(gate),
  }),
  gets: z.enum(GETS),
  evidence: z.array(evidence),
});

const cpuid2Place = z.strictObject({ path: z.string(), function: z.string(), line: z.int().positive() });
export const cpuid2Row = z.strictObject({
  question: z.string(),
  about: z.enum(['host', 'guest', 'kvm']),
  decides: z.string(),
  differs: z.string(),
  outcome: z.enum(['lie', 'kept', 'shown', 'required', 'not-asked']),
  at: cpuid2Place.nullable(),
  guard: cpuid2Place.nullable(),
});

export const stack = z.strictObject({
  schema: z.literal('bitwatch.stack/1'),
  module: version,
  kvm: version,
  qemu: version,
  runs,
  sources: z.array(z.strictObject({ what: z.string(), ...source.shape })),
  /** Empty where KVM refuses the module. */
  features: z.array(stackFeature),
  findings: z.array(
    z.strictObject({
      rule: z.enum(QEMU_RULES),
      level: z.enum(['warning', 'info']),
      how: z.string(),
      /** Null for bits of ATTRIBUTES and XFAM. */
      place: z.strictObject({ ...place, mask: hex32 }).nullable(),
      bits: z.array(bit),
      gate: gate.nullable(),
      because: z.string(),
      evidence: z.array(evidence),
    }),
  ),
  /** What KVM asks of KVM_SET_CPUID2; null where the kernel was not read for it. */
  cpuid2: z.array(cpuid2Row).nullable(),
  /** Rules that found nothing, and why. */
  quiet: z.array(z.strictObject({ rule: z.enum(QEMU_RULES), because: z.string() })),
});

export const why = z.strictObject({
  schema: z.literal('bitwatch.why/1'),
  module: version,
  kvm: version,
  qemu: version,
  runs,
  bits: z.array(
    z.strictObject({
      ...stackFeature.shape,
      /** Null where no host was named, or its file does not list the leaf. */
      onHost: z.boolean().nullable(),
      answer: z.string(),
    }),
  ),
});

const leaf = z.strictObject({ leaf: hex, subleaf: hex, eax: hex32, ebx: hex32, ecx: hex32, edx: hex32 });

export const host = z.strictObject({
  schema: z.literal('bitwatch.host/1'),
  kernel: z.string().nullable(),
  module: z.strictObject({ version, from: z.string() }).nullable(),
  /** CPUID of one processor; empty where it was not read. */
  host: z.array(leaf),
  capabilities: z.strictObject({ attributes: hex, xfam: hex, cpuid: z.array(leaf) }).nullable(),
  /** Each part that is not there, and why. */
  missing: z.array(z.strictObject({ what: z.enum(['kernel', 'module', 'cpuid', 'capabilities']), why: z.string() })),
});

export const hostCheck = z.strictObject({
  schema: z.literal('bitwatch.host-check/1'),
  module: version,
  kvm: version,
  agrees: z.boolean(),
  differences: z.array(z.strictObject({ ...place, unexpected: hex32, missing: hex32 })),
});

const poolFeature = z.strictObject({ ...place, bit, name: z.string().nullable() });
export const pool = z.strictObject({
  schema: z.literal('bitwatch.pool/1'),
  module: version,
  kvm: version,
  qemu: version,
  attributes: hex,
  xfam: hex,
  features: z.array(poolFeature),
  hosts: z.array(z.strictObject({ host: z.string(), attributes: hex, xfam: hex, adds: z.array(poolFeature) })),
  /** For QEMU: what -cpu host has to leave out. */
  cpu: z.string(),
  /** What a host adds and no VMM can leave out. */
  apart: z.array(poolFeature),
  numbers: texts,
});
