import { z } from 'zod';
import { checkOf, hexText, leafShape, registerShape, sourceShape, u32Text } from './shape.ts';

const at = { path: z.string().min(1), line: z.int().min(1) };
const masked = { ...leafShape, register: registerShape, mask: u32Text, ...at };
const word = z.strictObject({
  ...leafShape,
  register: registerShape,
  ...at,
  notAutomatic: u32Text,
  names: z.record(z.string().regex(/^(?:\d|[12]\d|3[01])$/, 'a bit from 0 to 31'), z.string().regex(/^[\w.+-]+$/)),
});

const qemuShape = z.strictObject({
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'a version such as 11.1.0'),
  source: z.strictObject(sourceShape),
  fixed1: z.array(z.strictObject(masked)),
  supports: z.array(z.strictObject({ ...masked, conditional: z.boolean() })),
  threadBits: z.array(z.strictObject(masked)),
  gates: z.array(z.strictObject({ gate: z.string().regex(/^(?:attributes|xfam):\d{1,2}$/), ...masked })),
  attributes: z.strictObject({ mask: hexText, ...at }),
  xfam: z.strictObject({ mask: hexText, ...at }),
  kvmFeatures: z.strictObject(masked),
  words: z.array(word),
});

/** The plain form of a QEMU version's facts, as the file shows it. */
export type PlainQemu = z.infer<typeof qemuShape>;
export const checkQemu = checkOf(qemuShape);
