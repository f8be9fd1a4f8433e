import { z } from 'zod';
import { RULE_IDS } from '../judge/catalogue.ts';
import { LEVELS, VERDICTS } from '../model/finding.ts';
import { GENERATIONS } from '../model/policy.ts';
import { bits, count, finding, hex, hex32, place, policy, policyMasks, register, texts } from './schema-parts.ts';

const person = z.strictObject({ name: z.string(), email: z.string() });
const posting = { id: z.string(), version: count };

const identity = z.strictObject({
  ...posting,
  title: z.string(),
  rfc: z.boolean(),
  resend: z.boolean(),
  trees: texts,
  author: person,
  date: z.number().nullable(),
  total: count,
  cover: z.string().nullable(),
  patches: z.array(z.strictObject({ part: count, title: z.string(), id: z.string(), from: z.string() })),
  missing: z.array(count),
  lists: texts,
  archives: texts,
  changeId: z.string().nullable(),
  before: z.strictObject({ ...posting, reason: z.enum(['change-id', 'lore-link', 'author-and-titles']) }).nullable(),
  newer: z.strictObject({ ...posting, rfc: z.boolean() }).nullable(),
});

const base = z.strictObject({
  commit: z.string(),
  name: z.string().nullable(),
  by: z.enum(['base-commit', 'given', 'preimages', 'applies', 'closest']),
  named: z.string().nullable(),
  preimages: z.strictObject({ matched: count, of: count }),
  tried: count,
  prerequisites: count,
});

const rejection = z.strictObject({
  part: count,
  id: z.string(),
  title: z.string(),
  path: z.string().nullable(),
  hunk: z.strictObject({ number: z.int().min(1), header: z.string() }).nullable(),
  reason: z.string(),
});

const gained = <T extends z.ZodType>(items: T) => z.strictObject({ added: items, removed: items });
const generation = z.enum(GENERATIONS);

const changes = z.strictObject({
  generation: z.strictObject({ from: generation.nullable(), to: generation }),
  deny: gained(policyMasks),
  allow: gained(policyMasks),
  adds: gained(policyMasks),
  known: gained(policyMasks),
  restores: gained(texts),
  attributes: gained(hex),
  xfam: gained(texts),
  configLimit: z.strictObject({ from: count.nullable(), to: count.nullable() }),
});

const clobber = z.strictObject({
  feature: z.string(),
  msr: z.string(),
  exit: z.enum(['none', 'init', 'restored', 'unknown']),
  restoredByKvm: z.boolean().nullable(),
});
const verdict = z.enum(VERDICTS);
const findingChanges = z.array(
  z.strictObject({
    rule: z.enum(RULE_IDS),
    level: z.enum(LEVELS),
    leaf: hex.nullable(),
    subleaf: hex.nullable(),
    register: register.nullable(),
    mask: hex32,
    bits,
  }),
);

const placed = z.strictObject({ ...place, mask: hex32, bits });

const effect = z.strictObject({
  release: z.string(),
  gates: z.strictObject({ opened: z.array(placed), shut: z.array(placed) }),
  verdicts: z.array(
    z.strictObject({
      ...place,
      mask: hex32,
      bits,
      class: z.enum(['config-direct', 'allow-direct']),
      from: verdict.nullable(),
      to: verdict,
      clobbers: z.array(clobber),
    }),
  ),
  closed: findingChanges,
  opened: findingChanges,
});

const splitKind = z.enum(['hidden-not-refused', 'shown-but-refused']);
const splits = gained(z.array(z.strictObject({ kind: splitKind, place: placed.nullable() })));

/** What a patch does: its changes are null where there are none or they cannot be read. */
const step = z.strictObject({
  part: count,
  title: z.string(),
  kind: z.enum(['elsewhere', 'comments', 'same', 'changes', 'unread']),
  changes: changes.nullable(),
  splits,
  reason: z.string().nullable(),
});

/** States from one patch until another that neither the base nor the whole series has. */
const between = z.strictObject({
  after: count,
  until: count,
  kind: z.enum([...splitKind.options, 'open', 'refused', 'unread']),
  level: z.enum(LEVELS),
  isUnnamed: z.boolean(),
  places: z.array(placed),
});

/** The version that it is held against; all but the reason is null where it cannot be compared. */
const since = z.strictObject({
  ...posting,
  rfc: z.boolean(),
  reason: z.string().nullable(),
  isSameStart: z.boolean().nullable(),
  changes: changes.nullable(),
  splits: splits.nullable(),
  effects: z.array(effect).nullable(),
});

const fixup = z.strictObject({
  id: z.string(),
  author: person,
  date: z.number().nullable(),
  subject: z.string(),
  paths: texts,
});

/** What `bitwatch series --json` prints. */
export const series = z.strictObject({
  schema: z.literal('bitwatch.series/1'),
  series: identity,
  kernel: z.string(),
  touched: texts,
  inputs: texts,
  outcome: z.strictObject({
    kind: z.enum(['untouched', 'incomplete', 'rejected', 'unreadable', 'applied']),
    text: z.string(),
    reason: z.string().nullable(),
    base: base.nullable(),
    rejection: rejection.nullable(),
    offsets: count.nullable(),
    before: policy.nullable(),
    after: policy.nullable(),
    changes: changes.nullable(),
    steps: z.array(step).nullable(),
    between: z.array(between).nullable(),
    since: since.nullable(),
    findings: z.array(finding).nullable(),
    effects: z.array(effect).nullable(),
    open: z.array(z.strictObject({ release: z.string(), findings: z.array(finding) })).nullable(),
  }),
  fixups: z.array(fixup),
  notes: texts,
  command: z.string(),
});
