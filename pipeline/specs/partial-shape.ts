import { z } from 'zod';
import { POLICY_FIELDS } from '../model/policy.ts';
import { checkOf, sourceShape } from './shape.ts';

const field = z.enum(POLICY_FIELDS);
const text = z.string().min(1);

const partialShape = z
  .strictObject({
    version: text,
    source: z.strictObject(sourceShape),
    about: text,
    read: z.array(z.strictObject({ field, says: text, at: text })).min(1),
    notRead: z.array(z.strictObject({ field, because: text })).min(1),
  })
  .refine(
    ({ read, notRead }) =>
      [...read, ...notRead]
        .map((each) => each.field)
        .sort()
        .join() === [...POLICY_FIELDS].sort().join(),
    `each of ${POLICY_FIELDS.join(', ')} once, as read or as not read`,
  );

export const checkPartial = checkOf(partialShape);
