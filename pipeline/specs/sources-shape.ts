import { z } from 'zod';
import { checkOf } from './shape.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, 'a name of lower-case letters, digits, `.`, `_` and `-`');
/** Module binaries must never be read: no path may be one, and no pattern may match one. */
const path = z
  .string()
  .regex(/^[\w][\w./-]*$/, 'a plain path')
  .refine(
    (text) => !/\.(bin|blob|sigstruct)$/i.test(text) && !text.split('/').includes('..'),
    'a path that is no module binary: their licence forbids reading them',
  );
/** https without a user or password, or a path on this machine; nothing that git could take for an option, a helper or a command. */
const url = z
  .string()
  .refine(
    (text) =>
      /^https:\/\/[^\s'"\\@]+$/.test(text) || /^(file:\/\/)?\/[^\0\n]*$/.test(text) || /^\.{0,2}\/[^\0\n]*$/.test(text),
    'an https URL or a path',
  );

/** Release tags from a version on; a file of an older program says it as a sentence. */
const tags = z.union([
  z.strictObject({ since: z.string().regex(/^\d+\.\d+(\.\d+)?$/, 'a version such as "6.16"') }),
  z
    .string()
    .regex(/^v\d+\.\d+(\.\d+)? and later$/, '{since: "6.16"}')
    .transform((text) => ({ since: text.slice(1).replace(' and later', '') })),
]);

const source = z.strictObject({
  name,
  kind: z.enum(['module', 'binaries', 'kernel', 'qemu']),
  url,
  repository: z.string().min(1),
  licence: z.string().min(1),
  paths: z.array(path).optional(),
  tags: tags.optional(),
  tips: z.array(z.string().regex(/^[\w][\w./-]*$/)).optional(),
});
/** `epochs` are the public-inbox repositories of a list's archive, each at `url/epoch`. */
const list = z.strictObject({
  name,
  address: z.email(),
  url,
  optIn: z.boolean(),
  epochs: z.array(z.int().min(0).max(999)).optional(),
});

const repository = z.strictObject({
  repository: z.string().regex(/^[\w-]+\/[\w.-]+$/, 'OWNER/NAME'),
  optIn: z.boolean(),
});

const shape = z
  .strictObject({
    sources: z.array(source),
    lists: z.array(list).default([]),
    repositories: z.array(repository).default([]),
  })
  .refine(
    ({ sources }) => new Set(sources.map((each) => each.name)).size === sources.length,
    'each source to have a name of its own',
  );

export type PlainSources = z.infer<typeof shape>;
export type PlainSource = PlainSources['sources'][number];
export const checkSources = checkOf(shape);
