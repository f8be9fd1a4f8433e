import { z } from 'zod';
import { RULE_IDS } from '../judge/catalogue.ts';
import { QEMU_RULES } from '../judge/qemu.ts';
import { CELL_CLASSES } from '../model/class.ts';
import { TD_CONTROLS } from '../model/decider-rules.ts';
import { LEVELS, VERDICTS } from '../model/finding.ts';
import { GENERATIONS, POLICY_FIELDS, UPSTREAM_PROOFS } from '../model/policy.ts';
import { CLAIMS } from '../model/virtualization.ts';
import { count, hex, hex32, leafKey, line, place, policy, source, texts } from './schema-parts.ts';
import { cpuid2Row } from './vmm/schema.ts';

/** Machine formats of what `list`, `bits`, `status`, `explain`, `history`, `abi` and `extract` print. Loaded like `schema.ts`. */
const version = z.string().min(1);
const verdict = z.enum(VERDICTS).nullable();
const masked = z.strictObject({ ...place, mask: hex32 });
const digest = z.string().regex(/^[0-9a-f]{96}$/, 'SHA-384 in lower-case hex');

export const bitsOfRelease = z.strictObject({
  schema: z.literal('bitwatch.bits/1'),
  release: version,
  kvm: version,
  /** How many CPUID_CONFIG entries the release reports. */
  slots: count,
  bits: z.array(
    z.strictObject({
      ...place,
      mask: hex32,
      name: z.string().nullable(),
      class: z.enum(['config-direct', 'allow-direct']),
      /** Null where nobody examined the release's code. */
      decider: z.string().nullable(),
      /** Null where KVM says nothing of it. */
      verdict,
      hostState: texts,
    }),
  ),
  /** The same by register: what a VMM may set, what of it the host's value limits, and what KVM keeps back. */
  masks: z.array(z.strictObject({ ...place, configurable: hex32, allowed: hex32, kept: hex32 })),
});

export const status = z.strictObject({
  schema: z.literal('bitwatch.status/1'),
  pairs: z.array(
    z.strictObject({
      release: version,
      from: version,
      kvm: version.nullable(),
      runs: z.enum(['yes', 'no', 'unknown']),
      open: count,
      standing: z.array(masked),
      counts: z.string().nullable(),
      hostState: z.string(),
      command: z.string(),
    }),
  ),
});

export const releases = z.strictObject({
  schema: z.literal('bitwatch.releases/1'),
  releases: z.array(
    z.strictObject({
      release: version,
      read: z.boolean(),
      follows: version.nullable(),
      repository: z.string().nullable(),
      revision: z.string().nullable(),
      mrseam: digest.nullable(),
      hostState: z.boolean(),
    }),
  ),
});

const policyField = z.enum(POLICY_FIELDS);
const partialShape = {
  version,
  source,
  about: z.string(),
  read: z.array(z.strictObject({ field: policyField, says: z.string(), at: z.string() })),
  notRead: z.array(z.strictObject({ field: policyField, because: z.string() })),
};
export const kernels = z.strictObject({
  schema: z.literal('bitwatch.kernels/1'),
  kernels: z.array(
    z.strictObject({
      version,
      generation: z.enum(GENERATIONS),
      base: version.nullable(),
      configLimit: count.nullable(),
      repository: z.string(),
      revision: z.string(),
      upstream: z.enum(UPSTREAM_PROOFS).nullable(),
    }),
  ),
  /** Of these only a part could be read, and nothing is judged under them. */
  partial: z.array(z.strictObject(partialShape)),
});

const ruleShape = {
  id: z.enum([...RULE_IDS, ...QEMU_RULES]),
  title: z.string(),
  level: z.enum(LEVELS),
  mirror: z.enum(RULE_IDS).nullable(),
  why: z.string(),
  action: z.string(),
  scope: z.enum(['release', 'policy', 'policy-step', 'project', 'stack']),
};
export const rules = z.strictObject({
  schema: z.literal('bitwatch.rules/1'),
  rules: z.array(z.strictObject(ruleShape)),
});
export const rule = z.strictObject({ schema: z.literal('bitwatch.rule/1'), ...ruleShape });

/** One finding by its fingerprint. */
export const oneFinding = z.strictObject({
  schema: z.literal('bitwatch.finding/1'),
  review: z.string(),
  command: z.string(),
  headline: z.string(),
  because: z.string(),
  todo: z.string(),
  finding: z.looseObject({ fingerprint: z.string(), rule: z.enum(RULE_IDS), level: z.enum(LEVELS) }),
});

const storyShape = {
  place: z.strictObject(place),
  bit: z.int().min(0).max(31),
  name: z.string().nullable(),
  releases: z.array(
    z.strictObject({
      release: version,
      class: z.enum(CELL_CLASSES),
      gates: texts,
      dynamic: z.boolean(),
      decider: z.string().nullable(),
      evidence: z.string().nullable(),
    }),
  ),
  verdicts: z.array(
    z.strictObject({
      policy: version,
      generation: z.enum(GENERATIONS),
      per: z.array(z.strictObject({ release: version, verdict, why: z.enum(['refused', 'not-settable']).nullable() })),
      /** What KVM itself does with the bit, beside letting a VMM set it or not. */
      notes: texts,
      evidence: texts,
    }),
  ),
  /** Releases known by name only. */
  unread: texts,
};

export const history = z.strictObject({
  schema: z.literal('bitwatch.history/1'),
  bits: z.array(
    z.strictObject({
      ...storyShape,
      /** The mails that name the bit; null where no archive was named. */
      discussed: z.array(z.looseObject({ id: z.string(), subject: z.string() })).nullable(),
    }),
  ),
});

const rows = z.array(z.strictObject({ feature: z.string(), kind: z.string(), msrs: texts }));
const topic = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('release'),
    build: z.string().nullable(),
    release: version,
    source: z.strictObject({ ...source.shape, licence: z.string() }).nullable(),
    follows: version.nullable(),
    mrseam: digest.nullable(),
    features0: hex.nullable(),
    /** Bits of it that the platform decides; they are given as 1. */
    features0Conditional: z.array(z.int().min(0).max(63)),
    /** What mapping_file.json says, where that is something else. */
    publishedFeatures0: hex.nullable(),
    deciders: z.enum(['read', 'partly-inferred', 'not-examined']),
    hostState: z.enum(['read', 'partly-inferred', 'not-read']),
    updatesFrom: version.nullable(),
    seen: texts,
  }),
  z.strictObject({
    kind: z.literal('kernel'),
    version,
    generation: z.enum(GENERATIONS),
    source,
    upstream: z.strictObject({ proof: z.enum(UPSTREAM_PROOFS), because: z.string() }).nullable(),
  }),
  z.strictObject({ kind: z.literal('partial-kernel'), ...partialShape }),
  z.strictObject({
    kind: z.literal('cpuid2'),
    kernels: z.array(z.strictObject({ version, questions: z.array(cpuid2Row) })),
  }),
  z.strictObject({
    kind: z.literal('msr'),
    msr: z.string(),
    rows,
    releases: z.array(z.strictObject({ release: version, exit: z.string(), guard: z.string().nullable() })),
    /** The releases whose host state was examined. */
    examined: z.array(version),
    kernels: z.array(z.strictObject({ version, restoredAt: z.string().nullable() })),
    isClosed: z.boolean(),
    /** Whether any KVM runs a release that leaves it changed. */
    isRun: z.boolean(),
    isMsr: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal('control'),
    field: z.enum(['ATTRIBUTES', 'XFAM']),
    bit: z.int().min(0).max(63),
    name: z.string().nullable(),
    releases: z.array(z.strictObject({ release: version, may: z.enum(['set', 'always 1', 'always 0', 'unread']) })),
    kernels: z.array(z.strictObject({ version, supports: z.boolean() })),
    opens: z.array(masked),
    clears: z.array(masked),
    rows,
  }),
  z.strictObject({
    kind: z.literal('leaf'),
    leaf: hex,
    subleaf: hex.nullable(),
    /** What a TD reads, in words; null where the release's code was not examined. */
    releases: z.array(z.strictObject({ release: version, decider: z.string().nullable() })),
  }),
  z.strictObject({
    kind: z.literal('guest'),
    control: z.enum(TD_CONTROLS),
    releases: z.array(z.strictObject({ release: version, has: z.boolean().nullable() })),
    effect: z
      .strictObject({
        release: version,
        answered: z.array(hex),
        /** Leaves that are in no table and read as 0; `rest`: so does each other one. */
        zero: z.strictObject({ leaves: z.array(hex), rest: z.boolean() }).nullable(),
        decides: z.array(masked),
      })
      .nullable(),
  }),
  z.strictObject({
    kind: z.literal('flag'),
    bit: z.int().min(0).max(63),
    name: z.string(),
    releases: z.array(z.strictObject({ release: version, has: z.boolean().nullable() })),
    kernels: z.array(z.strictObject({ version, sets: z.boolean().nullable() })),
    opens: z.array(masked),
  }),
  z.strictObject({
    kind: z.literal('family'),
    name: z.string(),
    members: z.array(z.strictObject({ ...place, mask: hex32, name: z.string() })),
    rows,
  }),
]);

const site = z.looseObject({ path: z.string(), line: line.nullable() });
export const explain = z.strictObject({
  schema: z.literal('bitwatch.explain/1'),
  bits: z.array(
    z.strictObject({
      ...storyShape,
      /** What people decided on it, by what the decision is about. */
      decided: z.array(
        z.strictObject({
          selector: z.string(),
          reason: z.string(),
          by: z.string(),
          until: z.string().nullable(),
        }),
      ),
      /** From the bit to the host state that its feature opens, by release. */
      clobbers: z.array(
        z.strictObject({
          feature: z.string(),
          msrs: texts,
          releases: z.array(
            z.strictObject({
              release: version,
              facts: z.unknown(),
              transitions: z.array(
                z.looseObject({ msr: z.string(), exit: z.string(), entry: z.array(site), exitAt: z.array(site) }),
              ),
            }),
          ),
        }),
      ),
    }),
  ),
  topics: z.array(topic),
});

export const policyHistory = z.strictObject({
  schema: z.literal('bitwatch.policy-history/1'),
  revisions: z.array(
    z.strictObject({
      revision: z.string(),
      subject: z.string(),
      paths: texts,
      error: z.string().nullable(),
      changes: z.array(z.strictObject({ rule: z.string(), headline: z.string() })),
      policy: policy.nullable(),
    }),
  ),
});

const differing = { ...place, mask: hex32 };
export const abi = z.strictObject({
  schema: z.literal('bitwatch.abi/1'),
  release: version,
  comparedBits: count,
  openBits: count,
  differences: z.array(
    z.discriminatedUnion('kind', [
      z.strictObject({ ...differing, kind: z.literal('class'), table: z.enum(CELL_CLASSES), abi: z.enum(CLAIMS) }),
      z.strictObject({ ...differing, kind: z.literal('gate'), gate: z.string(), only: z.enum(['table', 'abi']) }),
      z.strictObject({ ...differing, kind: z.literal('not-in-abi'), table: z.enum(CELL_CLASSES) }),
    ]),
  ),
  gatesBeyondTable: texts,
});

const readAt = { path: z.string(), line };
const qemuMask = { ...place, mask: hex32, ...readAt };
export const qemu = z.strictObject({
  schema: z.literal('bitwatch.qemu/1'),
  version,
  source,
  fixed1: z.array(z.strictObject(qemuMask)),
  supports: z.array(z.strictObject({ ...qemuMask, conditional: z.boolean() })),
  threadBits: z.array(z.strictObject(qemuMask)),
  gates: z.array(z.strictObject({ gate: z.string(), ...qemuMask })),
  attributes: z.strictObject({ mask: hex, ...readAt }),
  xfam: z.strictObject({ mask: hex, ...readAt }),
  kvmFeatures: z.strictObject(qemuMask),
  words: z.array(
    z.strictObject({
      ...leafKey,
      register: place.register,
      ...readAt,
      notAutomatic: hex32,
      names: z.record(z.string(), z.string()),
    }),
  ),
});

const cpuid2Place = { path: z.string(), function: z.string(), line };
export const cpuid2 = z.strictObject({
  schema: z.literal('bitwatch.cpuid2/1'),
  version,
  source,
  asks: z.array(
    z.strictObject({
      question: z.string(),
      at: z.strictObject(cpuid2Place),
      guard: z.strictObject(cpuid2Place).nullable(),
    }),
  ),
  unlisted: z.array(z.strictObject({ ...cpuid2Place, word: z.string() })),
});
