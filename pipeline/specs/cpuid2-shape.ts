import { z } from 'zod';
import { checkOf, sourceShape } from './shape.ts';

const place = { path: z.string().min(1), function: z.string().min(1), line: z.int().min(1) };

const cpuid2Shape = z.strictObject({
  version: z.string().min(1),
  source: z.strictObject(sourceShape),
  asks: z.array(
    z.strictObject({
      question: z.string().regex(/^[a-z0-9-]+$/),
      at: z.strictObject(place),
      guard: z.strictObject(place).nullable(),
    }),
  ),
  unlisted: z.array(z.strictObject({ ...place, word: z.string().min(1) })),
});

export const checkCpuid2 = checkOf(cpuid2Shape);
