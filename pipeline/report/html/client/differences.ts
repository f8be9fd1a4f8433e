import { bitMask, bitsOf, hasBit } from '../../../model/mask.ts';
import type { Change, Model, PageData } from './types.ts';

/** What differs between two releases, bit by bit, with the KVM version's verdict on the newer one. */
export function createDifferences(data: PageData, model: Model) {
  const all = bitsOf(0xffffffff);
  const gatesText = (row: number, release: number, bit: number): string =>
    model.gatesOf(row, release, bit).map(model.gateText).join(', ');

  const masks = new Map<string, number>();
  const changedMask = (row: number, from: number, to: number): number => {
    const [before, after] = [data.rows[row]?.per[from], data.rows[row]?.per[to]];
    if (before === after) return 0;
    const key = `${row} ${before} ${after}`;
    const known = masks.get(key);
    if (known !== undefined) return known;
    const changed = all.filter(
      (bit) =>
        model.classOf(row, from, bit) !== model.classOf(row, to, bit) ||
        model.gatesOf(row, from, bit).join() !== model.gatesOf(row, to, bit).join(),
    );
    const mask = changed.reduce((sum, bit) => sum + bitMask(bit), 0);
    masks.set(key, mask);
    return mask;
  };
  // biome-ignore lint/complexity/useMaxParams: a bit at its place, both releases and the kernel.
  const changeOf = (row: number, bit: number, from: number, to: number, kvm: number): Change => ({
    row,
    bits: [bit],
    from: model.classOf(row, from, bit),
    to: model.classOf(row, to, bit),
    verdict: model.verdictOf(row, kvm, to, bit),
    name: model.nameOf(row, bit),
    hosts: model.hostsOf(row, bit),
    gatesFrom: gatesText(row, from, bit),
    gatesTo: gatesText(row, to, bit),
  });
  const isSame = (a: Change, b: Change): boolean =>
    a.from === b.from &&
    a.to === b.to &&
    a.verdict === b.verdict &&
    a.name === b.name &&
    a.gatesFrom === b.gatesFrom &&
    a.gatesTo === b.gatesTo &&
    a.hosts.join() === b.hosts.join();

  /** Changed bits in the order of the table; those of a register that changed alike and share a name are one entry. */
  const between = (from: number, to: number, kvm: number): readonly Change[] =>
    data.rows.flatMap((entry, row) => {
      if (entry.per[from] === entry.per[to]) return [];
      const found: Change[] = [];
      for (const bit of bitsOf(changedMask(row, from, to))) {
        const change = changeOf(row, bit, from, to, kvm);
        const at = found.findIndex((each) => isSame(each, change));
        const same = found[at];
        if (same === undefined) found.push(change);
        else found[at] = { ...same, bits: [...same.bits, bit] };
      }
      return found;
    });
  /** True where a bit's class or gates differ. */
  const isChanged = (row: number, bit: number, from: number, to: number): boolean =>
    hasBit(changedMask(row, from, to), bit);

  /** Bits of ATTRIBUTES, XFAM and TDX_FEATURES0 that came or went, as sentences; what is not known says so. */
  const controls = (from: number, to: number): readonly string[] =>
    (data.releases[to]?.controls ?? []).flatMap((now, index) => {
      const before = data.releases[from]?.controls[index];
      if (before === undefined) return [];
      if (before.mask === null || now.mask === null)
        return [`${now.name}: not known for ${model.releaseName(before.mask === null ? from : to)}, not compared.`];
      const only = (list: typeof now.bits, other: typeof now.bits): string =>
        list
          .filter(([bit]) => other.every(([known]) => known !== bit))
          .map(([bit, name]) => `${name} [${bit}]`)
          .join(', ');
      const [added, removed] = [only(now.bits, before.bits), only(before.bits, now.bits)];
      return [
        ...(added === '' ? [] : [`${now.name}: new ${added}.`]),
        ...(removed === '' ? [] : [`${now.name}: gone ${removed}.`]),
      ];
    });

  const zeroLeaves = (from: number, to: number): readonly string[] => {
    const [before, now] = [data.releases[from]?.zeroLeaves ?? [], data.releases[to]?.zeroLeaves ?? []];
    const only = (list: readonly string[], other: readonly string[]): string =>
      list.filter((leaf) => !other.includes(leaf)).join(', ');
    const [added, removed] = [only(now, before), only(before, now)];
    const what = 'Leaves outside of the table that read as 0 instead of #VE';
    return [
      ...(added === '' ? [] : [`${what}: new ${added}.`]),
      ...(removed === '' ? [] : [`${what}: gone ${removed}.`]),
    ];
  };
  /** What changed beside the bits of the table. */
  const beyond = (from: number, to: number): readonly string[] => [...controls(from, to), ...zeroLeaves(from, to)];

  return { between, isChanged, beyond };
}
