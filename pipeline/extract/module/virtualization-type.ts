import type { Allower, Virtualization } from '../../model/virtualization.ts';

const NOTHING: Virtualization = {
  configurable: null,
  native: false,
  allow: [],
  fixed: null,
  verified: false,
  calculated: false,
  special: false,
  dynamic: false,
  ve: false,
};

/** Types that stand alone, in both vocabularies. A `fixed` type's value comes from its details. */
const ALONE: Readonly<Record<string, Partial<Virtualization>>> = {
  FIXED: {},
  FIXED_AS_VERIFIED: { verified: true },
  NATIVE: { native: true },
  CALCULATED: { calculated: true },
  ASSIGNED: { calculated: true },
  SPECIAL: { special: true },
  SPECIAL_DIRECT: { special: true, configurable: 'direct' },
  DYNAMIC: { dynamic: true },
  '#VE': { ve: true },
  // Values that follow from TD_PARAMS.XFAM or ATTRIBUTES, such as the size of the XSAVE area.
  XFAM: { configurable: 'td-params' },
  ATTRIBUTES: { configurable: 'td-params' },
};

/** Parts of the early compounds, such as `XFAM & Configured & Native`. */
const EARLY: Readonly<Record<string, Allower>> = {
  CONFIGURED: 'direct',
  CPUID_ENABLED: 'cpuid',
  ATTRIBUTES: 'attributes',
  XFAM: 'xfam',
};

const ORDER: readonly Allower[] = ['direct', 'cpuid', 'attributes', 'xfam'];
const LATE = /^ALLOW((?:_(?:DIRECT|CPUID|ATTRIBUTES|XFAM))+)$/;

const sorted = (allow: ReadonlySet<Allower>): readonly Allower[] => ORDER.filter((allower) => allow.has(allower));

/** `Configured` alone: by CPUID_CONFIG, unless the configuration details name only other parts of TD_PARAMS. */
function configuredBy(configuration: string | null): 'direct' | 'td-params' {
  const elsewhere = configuration !== null && /TD_PARAMS/i.test(configuration) && !/CPUID_CONFIG/i.test(configuration);
  return elsewhere ? 'td-params' : 'direct';
}

function readEarly(parts: readonly string[]): Virtualization | null {
  const allow = new Set<Allower>();
  for (const part of parts) {
    const allower = EARLY[part];
    if (part !== 'NATIVE' && (allower === undefined || allow.has(allower))) return null;
    if (allower !== undefined) allow.add(allower);
  }
  const natives = parts.filter((part) => part === 'NATIVE').length;
  return natives === 1 ? { ...NOTHING, native: true, allow: sorted(allow) } : null;
}

function readLate(parts: readonly string[]): Virtualization | null {
  let configurable: Virtualization['configurable'] = null;
  const allow = new Set<Allower>();
  for (const part of parts) {
    const config = /^CONFIG_(DIRECT|TD_PARAMS)$/.exec(part)?.[1];
    const allowers = LATE.exec(part)?.[1];
    if (config !== undefined && configurable === null) configurable = config === 'DIRECT' ? 'direct' : 'td-params';
    else if (allowers === undefined) return null;
    for (const name of (allowers?.slice(1).toLowerCase().split('_') ?? []) as Allower[]) {
      if (allow.has(name)) return null;
      allow.add(name);
    }
  }
  return { ...NOTHING, configurable, native: allow.size > 0, allow: sorted(allow) };
}

/** Whether a type says that its field is fixed, so that its details must hold the value. */
export const isFixed = (type: string): boolean => /^FIXED(?:_AS_VERIFIED)?$/.test(normalise(type));

/** One spelling for both vocabularies; `(Hybrid)` only says that some CPUs of a package may differ. */
function normalise(type: string): string {
  const text = type.trim().toUpperCase();
  return text.replace(/\s*\(HYBRID\)$/, '').replace(/^FIXED,? AS VERIFIED$/, 'FIXED_AS_VERIFIED');
}

/**
 * Reads a virtualization type: the words of 1.5.06 and before (`Configured & Native`), or the later ones
 * (`CONFIG_DIRECT`, `ALLOW_XFAM_CPUID_DIRECT`, joined by `&`, `,`, `+` or `|`). `null` for a type it does not know.
 */
export function parseVirtualizationType(type: string, configuration: string | null): Virtualization | null {
  const text = normalise(type);
  const alone = Object.hasOwn(ALONE, text) ? ALONE[text] : undefined;
  if (alone !== undefined) return { ...NOTHING, ...alone };
  if (text === 'CONFIGURED') return { ...NOTHING, configurable: configuredBy(configuration) };
  const parts = text.split(/\s*[&,+|]\s*/);
  return readEarly(parts) ?? readLate(parts);
}
