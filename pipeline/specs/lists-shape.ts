import { z } from 'zod';
import { LEVELS } from '../model/finding.ts';
import { checkOf, hexText, leafShape, registerShape, u32Text } from './shape.ts';

const day = z.iso.date();
export const isDay = (text: string): boolean => day.safeParse(text).success;

/** An id of the catalogue; that there is such a rule is judged, not read: this stage comes before. */
const rule = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'a rule such as configurable-added');

const releases = z.strictObject({
  releases: z.array(
    z.strictObject({
      release: z.string().min(1),
      mrseam: z
        .string()
        .regex(/^[0-9a-f]{96}$/)
        .optional(),
      link: z.url().optional(),
      sourceReleased: z.boolean().optional(),
      features0: hexText.optional(),
      updatesFrom: z.string().optional(),
      seamldr: z.array(z.string().min(1)).min(1).optional(),
      seen: z.array(z.string().min(1)).min(1),
    }),
  ),
});
export type PlainReleases = z.infer<typeof releases>;
export const checkReleases = checkOf(releases);

const names = z.strictObject({
  source: z.array(
    z.strictObject({ repository: z.string(), revision: z.string(), path: z.string(), blob: z.string().nullable() }),
  ),
  names: z.array(
    z.strictObject({
      ...leafShape,
      lastSubleaf: u32Text.optional(),
      register: registerShape,
      high: z.int().min(0).max(31),
      low: z.int().min(0).max(31),
      name: z.string().min(1),
    }),
  ),
});
export type PlainNames = z.infer<typeof names>;
export const checkNames = checkOf(names);

const levels = z.strictObject({
  levels: z.array(
    z.strictObject({
      rule,
      leaf: leafShape.leaf.optional(),
      subleaf: leafShape.subleaf.optional(),
      level: z.enum(LEVELS),
      reason: z.string().min(1),
    }),
  ),
});
export type PlainLevels = z.infer<typeof levels>;
export const checkLevels = checkOf(levels);

/** `2.0.08`, `>=6.16`, `>=6.16,<7.0`. */
const RANGE = /^(?:(?:>=|<=|>|<|=)?\s*[\w.][\w. -]*)(?:,\s*(?:>=|<=|>|<|=)?\s*[\w.][\w. -]*)*$/;
const waiver = { reason: z.string().min(1), by: z.string().min(1), until: day.optional() };
const waivers = z.strictObject({
  waivers: z.array(
    z.union([
      z.strictObject({ fingerprint: z.string().regex(/^[0-9a-f]{16}$/), ...waiver }),
      z.strictObject({
        rule,
        bit: z.string().optional(),
        release: z.string().optional(),
        policy: z.string().optional(),
        ...waiver,
      }),
    ]),
  ),
});
const range = z.string().regex(RANGE, 'a version or a range such as >=6.16,<7.0');
const decided = { because: z.string().min(1), by: z.string().min(1), until: day.optional() };
const about = { releases: range.optional(), kernels: range.optional(), ...decided };
const decisions = z.strictObject({
  decisions: z.array(
    z.union([
      z.strictObject({ finding: z.string().regex(/^[0-9a-f]{16}$/), ...decided }),
      z.strictObject({ bits: z.string(), rule: rule.optional(), ...about }),
      z.strictObject({ rule, ...about }),
    ]),
  ),
});
export type PlainDecisions = z.infer<typeof decisions>;
export const checkDecisions = checkOf(decisions);

export type PlainWaivers = z.infer<typeof waivers>;
export const checkWaivers = checkOf(waivers);
