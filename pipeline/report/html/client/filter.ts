import type { Model, PageData, Selection } from './types.ts';

/** Which bits the reader's filter lets through. Each part narrows; an empty part lets everything through. */
export function createFilter(
  data: PageData,
  model: Model,
  isChanged: (row: number, bit: number, from: number, to: number) => boolean,
) {
  const textOf = (row: number, bit: number): string =>
    `${model.place(row)}[${bit}] ${model.nameOf(row, bit)}`.toLowerCase();
  const texts = new Map<number, string>();
  /** Texts of bits are asked for at every key: they are made once. */
  const cachedText = (row: number, bit: number): string => {
    const key = row * 32 + bit;
    const known = texts.get(key) ?? textOf(row, bit);
    texts.set(key, known);
    return known;
  };
  /** `0x7.1.eax` and `CPUID.7.1:EAX[19]` mean `7.1.EAX[19]`. */
  const plainQuery = (query: string): string =>
    query
      .trim()
      .toLowerCase()
      .replace(/^cpuid[.(\s]*/, '')
      .replace(/^0x(?=[0-9](?![0-9a-f]))/, '')
      .replace(/:(?=e[abcd]x)/, '.');

  const matchesHost = (selection: Selection, row: number, bit: number): boolean => {
    const kinds = model.hostsOf(row, bit).map((index) => data.hosts[index]?.kind);
    if (selection.host === 'clobber') return kinds.includes('clobber') || kinds.includes('handled');
    if (selection.host === 'functional' || selection.host === 'harmless') return kinds.includes(selection.host);
    return selection.host === 'none' ? kinds.length === 0 : true;
  };
  const matchesClass = (selection: Selection, cls: number): boolean => {
    if (selection.cls === '') return true;
    return selection.cls === 'configurable' ? model.isConfigurable(cls) : model.className(cls) === selection.cls;
  };

  const isActive = (selection: Selection): boolean =>
    selection.leaf !== '' ||
    selection.query.trim() !== '' ||
    selection.cls !== '' ||
    selection.verdict !== '' ||
    selection.host !== '' ||
    selection.changed;
  const matches = (selection: Selection): ((row: number, bit: number) => boolean) => {
    const query = plainQuery(selection.query);
    return (row, bit) =>
      (selection.leaf === '' || data.leaves[data.rows[row]?.leaf ?? -1] === selection.leaf) &&
      matchesClass(selection, model.classOf(row, selection.to, bit)) &&
      (selection.verdict === '' ||
        model.verdictName(model.verdictOf(row, selection.kvm, selection.to, bit)) === selection.verdict) &&
      matchesHost(selection, row, bit) &&
      (query === '' || cachedText(row, bit).includes(query)) &&
      (!selection.changed || isChanged(row, bit, selection.from, selection.to));
  };
  return { isActive, matches };
}
