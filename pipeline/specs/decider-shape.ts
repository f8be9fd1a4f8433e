import { z } from 'zod';
import { COMPUTATIONS, GUEST_CONTROLS, TD_CONTROLS } from '../model/decider-rules.ts';
import { checkOf, hexText, registerMasks, u32Text } from './shape.ts';

const bits = z.array(z.int().min(0).max(63)).min(1);
/** A bit of the TD's own CPUID, such as `7.1.EAX[8]`. */
const bitText = z.string().min(1);

export type PlainCondition =
  | { xfam: number[] }
  | { attributes: number[] }
  | { configFlags: number[] }
  | { cpuid: string }
  | { guest: (typeof GUEST_CONTROLS)[number] }
  | { paravirt: number }
  | { xfd: true }
  | { not: PlainCondition }
  | { any: PlainCondition[] };

const condition: z.ZodType<PlainCondition> = z.lazy(() =>
  z.union([
    z.strictObject({ xfam: bits }),
    z.strictObject({ attributes: bits }),
    z.strictObject({ configFlags: bits }),
    z.strictObject({ cpuid: bitText }),
    z.strictObject({ guest: z.enum(GUEST_CONTROLS) }),
    z.strictObject({ paravirt: z.int().min(0).max(63) }),
    z.strictObject({ xfd: z.literal(true) }),
    z.strictObject({ not: condition }),
    z.strictObject({ any: z.array(condition).min(2) }),
  ]),
);

const where = {
  id: z.string().regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/),
  /** A new rule stands at the end, a rule whose id is known in its place; `before` moves it. */
  before: z.string().optional(),
  stage: z.enum(['init', 'guest']),
  leaf: u32Text,
  subleaf: u32Text.optional(),
  masks: z.union([z.literal('all'), registerMasks]),
  source: z.string().min(1),
  lines: z.string().min(1).optional(),
};
const conditions = z.array(condition).min(1);
const rule = z.discriminatedUnion('do', [
  z.strictObject({ ...where, do: z.literal('zero') }),
  z.strictObject({ ...where, do: z.literal('one') }),
  z.strictObject({ ...where, do: z.literal('xfam-masks') }),
  z.strictObject({ ...where, do: z.literal('clear'), unless: conditions }),
  z.strictObject({ ...where, do: z.literal('set'), unless: conditions }),
  z.strictObject({ ...where, do: z.literal('ve'), unless: conditions }),
  z.strictObject({ ...where, do: z.literal('follow'), condition }),
  z.strictObject({ ...where, do: z.literal('choose'), when: condition, yes: u32Text, no: u32Text }),
  z.strictObject({
    ...where,
    do: z.literal('compute'),
    what: z.enum(COMPUTATIONS),
    when: conditions.optional(),
    open: z.literal(true).optional(),
  }),
]);
export type PlainRule = z.infer<typeof rule>;

const limits = z.strictObject({
  configFlags: hexText,
  maxVcpus: z.int().min(1).max(65535),
  maxL2Vms: z.int().min(0).max(255),
  lastBaseLeaf: u32Text,
  lastExtendedLeaf: u32Text.nullable(),
  minMaxpa: z.int().min(0).max(52),
  tdControls: z.array(z.enum(TD_CONTROLS)),
  families: z.array(u32Text),
  archCapabilities: z.strictObject({ one: hexText, zero: hexText, config: hexText }),
});

const check = z.strictObject({
  id: where.id,
  before: where.before,
  call: z.enum(['sys-init', 'mng-init']),
  status: hexText,
  code: z.string().regex(/^TDX_[A-Z0-9_]+$/),
  operand: z.int().min(0).optional(),
  operandName: z.string().min(1).optional(),
  why: z.string().min(1),
  source: where.source,
  lines: where.lines,
});
export type PlainCheck = z.infer<typeof check>;

export const deciderShape = z.strictObject({
  release: z.string().min(1),
  like: z.string().min(1).optional(),
  reason: z.string().min(1),
  sources: z.array(
    z.strictObject({
      id: z.string().min(1),
      how: z.enum(['read', 'inferred']),
      repository: z.string().min(1),
      revision: z.string().min(1),
      path: z.string().min(1),
      blob: z.string().nullable(),
      reason: z.string().min(1).optional(),
    }),
  ),
  rules: z.array(rule),
  without: z.array(z.string()),
  limits: limits.partial(),
  checks: z.array(check),
  withoutChecks: z.array(z.string()),
  functions: z.array(
    z.strictObject({
      path: z.string().min(1),
      name: z.string().min(1),
      line: z.int().min(1),
      tokens: z.string().regex(/^[0-9a-f]{12}$/),
    }),
  ),
  unexamined: z.array(
    z.strictObject({
      path: z.string().min(1),
      name: z.string().min(1).nullable(),
      line: z.int().min(1).nullable(),
      kind: z.enum(['changed', 'new', 'gone', 'unread']),
    }),
  ),
});

export type PlainDeciders = z.infer<typeof deciderShape>;
export const checkDeciders = checkOf(deciderShape);
