import type { Cell, PageData, Selection } from './types.ts';

/** The selection as the part of the address after `#`, and back. A part that names nothing known is passed over. */
export function createAddress(data: PageData) {
  const initial: Selection = {
    ...data.first,
    leaf: '',
    query: '',
    cls: '',
    verdict: '',
    host: '',
    changed: false,
    overlay: true,
    cell: null,
  };
  const cellText = ({ row, bit }: Cell): string => `${data.rows[row]?.place ?? ''}[${bit}]`;
  const cellOf = (text: string): Cell | null => {
    const [, place, bit] = /^(.*)\[(\d{1,2})\]$/.exec(text) ?? [];
    const row = data.rows.findIndex((each) => each.place === place);
    return row < 0 || Number(bit) > 31 ? null : { row, bit: Number(bit) };
  };
  const oneOf = (names: readonly string[], text: string | null): string =>
    text !== null && names.includes(text) ? text : '';

  const read = (hash: string): Selection => {
    const parts = new URLSearchParams(hash.replace(/^#/, ''));
    const index = (names: readonly { readonly name: string }[], key: string, otherwise: number): number => {
      const found = names.findIndex(({ name }) => name === parts.get(key));
      return found < 0 ? otherwise : found;
    };
    return {
      from: index(data.releases, 'from', initial.from),
      to: index(data.releases, 'to', initial.to),
      kvm: index(data.policies, 'kvm', initial.kvm),
      leaf: oneOf(data.leaves, parts.get('leaf')),
      query: parts.get('q') ?? '',
      cls: oneOf(['configurable', ...data.classes.map(({ name }) => name)], parts.get('class')),
      verdict: oneOf(
        data.verdicts.map(({ name }) => name),
        parts.get('verdict'),
      ),
      host: oneOf(['clobber', 'functional', 'harmless', 'none'], parts.get('host')),
      changed: parts.get('changed') === '1',
      overlay: parts.get('show') !== 'class',
      cell: cellOf(parts.get('bit') ?? ''),
    };
  };
  const write = (selection: Selection): string => {
    const parts = new URLSearchParams();
    const set = (key: string, value: string | undefined): void => {
      if (value !== undefined && value !== '') parts.set(key, value);
    };
    set('from', data.releases[selection.from]?.name);
    set('to', data.releases[selection.to]?.name);
    set('kvm', data.policies[selection.kvm]?.name);
    set('leaf', selection.leaf);
    set('q', selection.query);
    set('class', selection.cls);
    set('verdict', selection.verdict);
    set('host', selection.host);
    set('changed', selection.changed ? '1' : '');
    set('show', selection.overlay ? '' : 'class');
    set('bit', selection.cell === null ? '' : cellText(selection.cell));
    return `#${parts}`;
  };
  return { initial, read, write, cellText };
}
