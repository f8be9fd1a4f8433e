import type { Check } from '../model/decider-rules.ts';
import { hex, hex32 } from '../model/mask.ts';
import type { Kvm, TdAnswer } from '../td/answer.ts';
import type { ConfigEntry, Registers } from '../td/case.ts';
import type { Decoded } from '../td/decode.ts';
import { withoutSlot } from '../td/init.ts';
import type { Program } from '../td/program.ts';
import type { Refusal } from '../td/refusal.ts';
import type { TdResult } from '../td/td.ts';

export const hex64 = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;

const operandOf = (check: Check): string | null =>
  check.operandName ?? (check.operand === null ? null : hex(check.operand));

const leafJson = (leaf: number | null, subleaf: number | null) => ({
  leaf: leaf === null ? null : hex(leaf),
  subleaf: subleaf === null ? null : hex(subleaf),
});

/** Why a call refuses, as facts: leaf and sub-leaf are those that the module puts into RCX. */
const refusalJson = ({ check, leaf, subleaf, register, mask }: Refusal) => ({
  code: check.code,
  operand: operandOf(check),
  ...leafJson(leaf, subleaf),
  register,
  mask: mask === null ? null : hex32(mask),
  why: check.why,
});

/** `bitwatch.td/1`: what a release makes of one case; `dropped` are configured leaves that have no slot in TD_PARAMS. */
function tdJson(release: string, id: unknown, result: TdResult, dropped: readonly ConfigEntry[]) {
  const { platform } = result;
  return {
    schema: 'bitwatch.td/1',
    release,
    id,
    status: result.status === null ? null : hex64(result.status),
    refused: result.refusal === null ? null : refusalJson(result.refusal),
    platform:
      platform === null
        ? null
        : { refused: platform.refusal === null ? null : refusalJson(platform.refusal), stops: platform.stops },
    ...(dropped.length === 0 ? {} : { noConfigSlot: dropped.map(({ leaf, subleaf }) => leafJson(leaf, subleaf)) }),
    ...(result.controlsRefused === null ? {} : { controlsRefused: result.controlsRefused }),
    results: result.results.map(({ query, answer }) => ({
      leaf: hex(query.leaf),
      subleaf: hex(query.subleaf),
      ...(answer === 've' ? { fault: 've' } : registersJson(answer)),
    })),
  };
}

function registersJson(values: Registers | Uint32Array) {
  const [eax = 0, ebx = 0, ecx = 0, edx = 0] = values;
  return { eax: hex32(eax), ebx: hex32(ebx), ecx: hex32(ecx), edx: hex32(edx) };
}

/** `bitwatch.td/1` of a case, with what KVM did where one was asked for. */
export function answerJson(program: Program, kvm: Kvm | null, { given, question, result, through }: TdAnswer) {
  const answer = tdJson(program.release, given.id, result, withoutSlot(program, question.params));
  if (kvm === null || through === null) return answer;
  return {
    ...answer,
    kvm: {
      version: kvm.policy.version,
      refused: through.kind === 'refused' ? through.why : null,
      set: through.kind === 'passed' ? through.set : [],
    },
  };
}

/** A status that somebody got, decoded: `bitwatch.td/1` without results, with every reason that ends so. */
export function decodedJson(release: string, decoded: Decoded) {
  const [check] = decoded.checks;
  return {
    schema: 'bitwatch.td/1',
    release,
    id: null,
    status: hex64(decoded.status),
    refused:
      check === undefined
        ? null
        : {
            code: check.code,
            operand: operandOf(check),
            ...leafJson(decoded.leaf, decoded.subleaf),
            register: null,
            mask: null,
            why: decoded.checks.map(({ why }) => why).join('; or '),
          },
    platform: null,
    reasons: decoded.checks.map(({ id, why, source, lines }) => ({ check: id, why, source, lines })),
    notSettable: decoded.notSettable === null ? null : registersJson(decoded.notSettable),
    results: [],
  };
}
