import { z } from 'zod';
import { WRITTEN_BY } from '../model/clobber.ts';
import { checkOf, hexText, leafShape, registerShape, sourceShape, u32Text } from './shape.ts';

const line = z.int().min(1);
const site = z.strictObject({ path: z.string().min(1), line: line.nullable(), guards: z.array(z.string().min(1)) });
const learnt = z.discriminatedUnion('how', [
  z.strictObject({ how: z.enum(['derived', 'read']) }),
  z.strictObject({ how: z.literal('inferred'), from: z.array(z.string().min(1)).min(1) }),
]);
const opener = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('cpuid'),
    ...leafShape,
    register: registerShape,
    mask: u32Text,
    flag: z.string().min(1),
  }),
  z.strictObject({ kind: z.literal('attributes'), bit: z.int().min(0).max(63), name: z.string().min(1) }),
  z.strictObject({ kind: z.literal('xfam'), bit: z.int().min(0).max(63), name: z.string().min(1) }),
]);

export const clobbersShape = z.strictObject({
  release: z.string().min(1),
  source: z.strictObject(sourceShape),
  flags: z.array(z.strictObject({ flag: z.string().min(1), path: z.string().min(1), line, openers: z.array(opener) })),
  registerChecks: z.array(
    z.strictObject({
      interface: z.string().min(1),
      register: z.string().min(1),
      mustBeSet: hexText,
      mustBeClear: hexText,
      conditional: z.array(z.strictObject({ condition: z.string().min(1), mustBeClear: hexText })),
      path: z.string().min(1),
      line,
    }),
  ),
  msrs: z.array(
    z.strictObject({
      msr: z.string().min(1),
      address: u32Text.nullable(),
      range: z.literal(true).optional(),
      class: z.string().min(1).optional(),
      guard: z.string().min(1).nullable(),
      exit: z.enum(['none', 'init', 'restored', 'unknown']),
      exitValue: hexText.optional(),
      keepsBits: hexText.optional(),
      by: z.enum(WRITTEN_BY).optional(),
      learnt: z.strictObject({ entry: learnt, exit: learnt }).optional(),
      reason: z.string().min(1).nullable(),
      openers: z.array(opener),
      entry: z.array(site),
      exitAt: z.array(site),
    }),
  ),
  notes: z.array(z.string().min(1)),
});

export type PlainClobbers = z.infer<typeof clobbersShape>;
export const checkClobbers = checkOf(clobbersShape);
