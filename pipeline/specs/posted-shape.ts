import { z } from 'zod';
import { checkOf } from './shape.ts';

const shape = z.strictObject({
  posted: z.array(
    z.strictObject({
      repository: z.string().regex(/^[^/\s]+\/[^/\s]+$/, 'OWNER/NAME'),
      kind: z.enum(['release', 'review', 'pull']),
      key: z.string().min(1),
      number: z.int().min(1),
      comment: z.int().min(1).optional(),
      hash: z.string().regex(/^[0-9a-f]{64}$/, '64 hex digits'),
      url: z.string(),
      at: z.string(),
    }),
  ),
});

export const checkPosted = checkOf(shape);
