import { z } from 'zod';
import { EFFECTS } from '../cases/update.ts';
import { bits, count, hex, hex32, place, texts } from './schema-parts.ts';

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
