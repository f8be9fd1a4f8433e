import { z } from 'zod';
import { checkOf, hexText, leafShape, registerMasks, sourceShape, u32Text } from './shape.ts';

const fixedMasks = z.strictObject({ fixed0: hexText, fixed1: hexText }).nullable();
const slot = z.int().min(0).max(4095);
const line = z.int().min(1).optional();

const lookup = z.strictObject({
  ...leafShape,
  slot,
  line,
  faulting: z.literal(true).optional(),
  verifyMask: registerMasks.optional(),
  verifyValue: registerMasks.optional(),
  verifySame: registerMasks.optional(),
  fixed0OrDynamic: registerMasks.optional(),
  fixed1: registerMasks.optional(),
});
const configurable = z.strictObject({
  ...leafShape,
  slot,
  line,
  configDirect: registerMasks.optional(),
  allowDirect: registerMasks.optional(),
});

export const moduleShape = z.strictObject({
  release: z.string().min(1),
  source: z.strictObject({ ...sourceShape, licence: z.string().min(1) }),
  alsoRead: z.array(z.strictObject({ path: z.string(), blob: z.string().nullable() })),
  spreadsheetFormat: z.int().min(1),
  attributes: fixedMasks,
  xfam: fixedMasks,
  features0: hexText.nullable(),
  features0Conditional: z.array(z.int().min(0).max(63)),
  featureNames: z.array(z.strictObject({ bit: z.int().min(0).max(63), name: z.string().min(1) })),
  mrseam: z
    .string()
    .regex(/^[0-9a-f]{96}$/)
    .nullable(),
  cpuidFlags: z.array(z.string()).nullable(),
  notes: z.array(z.string()),
  fixed0Leaves: z.array(u32Text),
  lookup: z.array(lookup),
  configurable: z.array(configurable),
  xfamMasks: z.array(z.strictObject({ ...leafShape, bit: z.int().min(0).max(63), masks: registerMasks })),
});

export type PlainModule = z.infer<typeof moduleShape>;
export const checkModule = checkOf(moduleShape);
