import { hex, hex32 } from '../model/mask.ts';
import type { Registers } from '../td/case.ts';
import type { Refusal } from '../td/refusal.ts';
import type { TdResult } from '../td/td.ts';

const hex64 = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;

const operandOf = ({ check }: Refusal): string | null =>
  check.operandName ?? (check.operand === null ? null : hex(check.operand));

/** Why a call refuses, as facts: leaf and sub-leaf are those that the module puts into RCX. */
const refusalJson = (refusal: Refusal) => ({
  code: refusal.check.code,
  operand: operandOf(refusal),
  leaf: refusal.leaf === null ? null : hex(refusal.leaf),
  subleaf: refusal.subleaf === null ? null : hex(refusal.subleaf),
  register: refusal.register,
  mask: refusal.mask === null ? null : hex32(refusal.mask),
  why: refusal.check.why,
});

/** `bitwatch.td/1`: what a release makes of one case. */
export function tdJson(release: string, id: unknown, result: TdResult) {
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
    controlsRefused: result.controlsRefused,
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
