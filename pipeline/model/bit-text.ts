import { UsageError } from './errors.ts';
import { rangeMask } from './mask.ts';
import { type Place, REGISTERS, type Register } from './place.ts';

/** A register with the bits that a text names; all of them where it names none. */
export type BitSelection = { readonly place: Place; readonly mask: number };

// The forms that people write: 7.1.EAX[19], 0x7.1.eax.19, CPUID.0x7.1:EAX[19], CPUID(7,1).EAX bit 19, 80000008.EAX[23:16]; the SDM puts the
// feature's name before the bit: CPUID.(EAX=07H,ECX=0H):ECX.WAITPKG[bit 5].
const FORM =
  /^(?:CPUID[.\s]*)?\(?\s*(?:EAX\s*=\s*)?(0x[0-9a-f]+|[0-9a-f]+)H?\s*(?:[.,:_]\s*(?:ECX\s*=\s*)?(0x[0-9a-f]+|[0-9]+)H?)?\s*\)?\s*[.:_\s]\s*(E?[ABCD]X)(?:\.[A-Z][\w-]*)?\s*(?:[.[:\s]\s*(?:bits?\s*)?(\d{1,2})(?:\s*[:-]\s*(\d{1,2}))?\s*\]?)?$/i;

/** Reads a bit in any form that people write; `null` where the text is none, so that it may be a feature name. */
export function parseBit(text: string): BitSelection | null {
  const match = FORM.exec(text.trim());
  if (match === null) return null;
  const [, leafText = '', subleafText, registerText = '', highText, lowText] = match;
  const register = toRegister(registerText);
  if (register === null) return null;
  const leaf = leafNumber(leafText);
  const high = highText === undefined ? 31 : Number(highText);
  const low = highText === undefined ? 0 : Number(lowText ?? highText);
  if (high > 31 || low > high) throw new UsageError(`${text}: bits must be from 0 to 31, the higher one first`);
  return {
    place: { leaf, subleaf: subleafText === undefined ? null : Number(subleafText), register },
    mask: rangeMask(high, low),
  };
}

/** Leaves are written in hex with or without 0x; a text of decimal digits below 10 reads the same either way. */
const leafNumber = (text: string): number => Number.parseInt(text.replace(/^0x/i, ''), 16);

function toRegister(text: string): Register | null {
  const name = text.toLowerCase();
  return REGISTERS.find((register) => register === name || register.slice(1) === name) ?? null;
}
