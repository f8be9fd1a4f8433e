import { z } from 'zod';
import { XFAM_NAMES } from '../model/control.ts';
import { GENERATIONS, UPSTREAM_PROOFS } from '../model/policy.ts';
import { checkOf, hexText, leafShape, registerShape, sourceShape, u32Text } from './shape.ts';

const place = { path: z.string().min(1), line: z.int().min(1) };
const masks = z.array(
  z.strictObject({
    ...leafShape,
    register: registerShape,
    mask: u32Text,
    ...place,
    everySubleafBut: z.array(u32Text).optional(),
  }),
);

/** A name that is of no bit would silently be no bit: what it names would be told as closed. */
const xfamName = z
  .string()
  .refine((name) => [...XFAM_NAMES.values()].includes(name.toUpperCase()), 'a name of an XFAM bit, such as fp or pkru');

export const policyShape = z.strictObject({
  version: z.string().min(1),
  source: z.strictObject(sourceShape),
  upstream: z.strictObject({ proof: z.enum(UPSTREAM_PROOFS), because: z.string().min(1) }).optional(),
  base: z.strictObject({ release: z.string().min(1), because: z.string().min(1) }).optional(),
  generation: z.enum(GENERATIONS),
  attributes: hexText,
  xfam: z.union([hexText, z.array(xfamName)]),
  configLimit: z.int().min(1).nullable(),
  deny: masks,
  allow: masks,
  adds: masks,
  restores: z.array(z.strictObject({ msr: z.string().min(1), by: z.string().min(1), ...place })),
  disagreements: z
    .array(
      z.strictObject({
        kind: z.enum(['hidden-not-refused', 'shown-but-refused']),
        leaf: u32Text.nullable(),
        subleaf: u32Text.nullable(),
        register: registerShape.nullable(),
        mask: u32Text,
        shown: z.strictObject(place),
        setUp: z.strictObject(place),
        everySubleafBut: z.array(u32Text).optional(),
      }),
    )
    .optional(),
  requires: z
    .array(
      z.union([
        z.strictObject({ kind: z.enum(['features0', 'attributes-fixed1', 'xfam-fixed1']), mask: hexText, ...place }),
        z.strictObject({ kind: z.literal('config-slots'), limit: z.int().min(0), ...place }),
      ]),
    )
    .optional(),
  configFlags: z.array(z.strictObject({ mask: hexText, ...place })).optional(),
  vmcall: z.strictObject({ check: z.enum(['none', 'mask']), mask: hexText.nullable(), ...place }).optional(),
  notes: z.array(z.string()),
  known: masks,
});

export type PlainPolicy = z.infer<typeof policyShape>;
export const checkPolicy = checkOf(policyShape);
