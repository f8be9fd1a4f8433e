import { hasBit } from '../../../model/mask.ts';
import type { PageData } from './types.ts';

/** Questions to the data about one bit. A class or verdict is an index into the legend; -1 is none. */
export function createModel(data: PageData) {
  const ABSENT = data.classes.findIndex(({ name }) => name === 'absent');
  const expand = (parts: readonly (readonly [number, number])[]): readonly number[] =>
    Array.from({ length: 32 }, (_, bit) => parts.find(([, mask]) => hasBit(mask, bit))?.[0] ?? -1);
  const classes = data.rows.map(({ states }) => states.map((state) => expand(state.classes)));
  const verdicts = data.rows.map(({ verdictStates }) => verdictStates.map(expand));

  const stateOf = (row: number, release: number) => data.rows[row]?.states[data.rows[row]?.per[release] ?? -1];
  const classOf = (row: number, release: number, bit: number): number =>
    classes[row]?.[data.rows[row]?.per[release] ?? -1]?.[bit] ?? ABSENT;
  const verdictOf = (row: number, kvm: number, release: number, bit: number): number =>
    verdicts[row]?.[data.rows[row]?.verdicts[kvm]?.[release] ?? -1]?.[bit] ?? -1;

  const nameOf = (row: number, bit: number): string => {
    const run = data.rows[row]?.names.find(([high, low]) => bit <= high && bit >= low);
    return run === undefined ? '' : (data.texts[run[2]] ?? '');
  };
  /** Indexes into the data's gates. */
  const gatesOf = (row: number, release: number, bit: number): readonly number[] =>
    (stateOf(row, release)?.gates ?? []).filter(([, mask]) => hasBit(mask, bit)).map(([gate]) => gate);
  const gateText = (gate: number): string => data.gates[gate] ?? '';
  /** Features that the bit itself opens and that touch host state. */
  const hostsOf = (row: number, bit: number): readonly number[] =>
    (data.rows[row]?.hosts ?? []).filter(([, mask]) => hasBit(mask, bit)).map(([host]) => host);
  const isConfigurable = (cls: number): boolean => (data.classes[cls]?.name ?? '').endsWith('-direct');
  const hostText = (hosts: readonly number[]): string =>
    hosts
      .map((index) => {
        const host = data.hosts[index];
        if (host === undefined) return '';
        if (host.kind === 'harmless') return 'harmless';
        if (host.kind === 'functional') return 'needs the VMM’s help';
        const left = `clobbers ${host.msrs.map(({ msr }) => msr).join(', ')}`;
        return host.kind === 'handled' ? `${left}, which KVM brings back` : left;
      })
      .join('; ');
  const place = (row: number): string => data.rows[row]?.place ?? '';

  const STYLES = ['absent', 've', 'cd', 'ad', 'f1', 'f0', 'na'];

  return {
    stateOf,
    classOf,
    verdictOf,
    nameOf,
    gatesOf,
    gateText,
    hostsOf,
    hostText,
    isConfigurable,
    place,
    /** The class of the style sheet. */
    styleOf: (cls: number): string => STYLES[cls] ?? '',
    className: (cls: number): string => data.classes[cls]?.name ?? '',
    verdictName: (verdict: number): string => data.verdicts[verdict]?.name ?? '',
    releaseName: (release: number): string => data.releases[release]?.name ?? '',
    policyName: (kvm: number): string => data.policies[kvm]?.name ?? '',
  };
}
