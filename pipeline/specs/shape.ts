import { z } from 'zod';
import { DataError } from '../model/errors.ts';
import type { Check } from './plain.ts';

/** A hex number as text, such as `"0x7"`. */
export const hexText = z.string().regex(/^0x[0-9a-f]{1,16}$/, 'a lower-case hex number in quotes, such as "0x7"');
export const u32Text = hexText.refine((text) => Number(text) <= 0xffffffff, 'at most 32 bits');
export const leafShape = { leaf: u32Text, subleaf: u32Text.nullable() };
export const registerMasks = z.strictObject({
  eax: u32Text.optional(),
  ebx: u32Text.optional(),
  ecx: u32Text.optional(),
  edx: u32Text.optional(),
});
export const registerShape = z.enum(['eax', 'ebx', 'ecx', 'edx']);
export const sourceShape = {
  repository: z.string().min(1),
  revision: z.string().min(1),
  path: z.string().min(1),
  blob: z.string().nullable(),
};

/** A check that reports the first problem with its path, line and column. */
export function checkOf<T>(schema: z.ZodType<T>): Check<T> {
  return (value, file, locate) => {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const path = issue?.path ?? [];
    const at = path
      .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
      .join('')
      .replace(/^\./, '');
    throw new DataError({
      where: { file, ...locate(path), ...(at === '' ? {} : { at }) },
      expected: `the shape of this file (${issue?.message ?? 'invalid'})`,
      found: show(path.reduce<unknown>(step, value)),
    });
  };
}

const step = (value: unknown, part: PropertyKey): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined;

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
