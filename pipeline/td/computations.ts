import type { Computation } from '../model/decider-rules.ts';
import { and } from '../model/mask.ts';
import { MAXGPA_VIRT, MAXPA_VIRT, type TdState, widestAddress } from './state.ts';

const XCR0_USER = 0x602ffn;

/**
 * The value that the module works out for a register, its bits in their places; `null` where the value stays. The topology is
 * worked out after all rows, in `topology.ts`.
 */
// biome-ignore lint/complexity/useMaxParams: what, whose, and the value's place in the leaf and in the table: it runs for each value, no object is made.
export function computed(
  what: Computation,
  td: TdState,
  values: Uint32Array,
  index: number,
  // A function of five: what, whose, and the value's place in the leaf and in the table.
  register: number,
): number | null {
  const { processor, params, guest } = td;
  const [eax = 0] = values;
  switch (what) {
    case 'fms':
      return eax === 0 ? td.platform.fms : eax;
    case 'xsave-max':
      return processor.xsaveSize(params.xfam & XCR0_USER, false);
    case 'xsave-user':
      return processor.xsaveSize(guest.xcr0, false);
    case 'xsave-all':
      return processor.xsaveSize(guest.xcr0 | guest.xss, true);
    case 'tsc-frequency':
      return params.tscFrequency;
    case 'maxpa':
      return maxPa(td, and(eax, 0xff));
    case 'maxgpa':
      return Math.min(td.platform.maxPa, widestAddress(td)) << 16;
    case 'initial-apic-id':
      return and(td.controls.has('ENUM_TOPOLOGY') ? guest.x2apicId : guest.vcpuIndex, 0xff) << 24;
    case 'x2apic-id':
      return guest.x2apicId;
    case 'native-cache':
      return td.platform.native[index * 4 + register] ?? 0;
    case 'topology':
    case 'topology-core':
      return null;
  }
}

/** The VMM's number under MAXPA_VIRT, where 0 means as many bits as host and GPAW have; else the host's. */
function maxPa(td: TdState, configured: number): number {
  const { maxPa: native } = td.platform;
  if (td.flagBits[MAXGPA_VIRT] === true || td.flagBits[MAXPA_VIRT] !== true) return native;
  return configured === 0 ? Math.min(native, widestAddress(td)) : configured;
}
