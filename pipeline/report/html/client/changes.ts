import { bitMask, formatBits } from '../../../model/mask.ts';
import type { Cell, Change, Dom, Model, PageData, Selection } from './types.ts';

/** The plain list beside the matrix: what changed, in groups, the most urgent first. */
export function createChanges(data: PageData, model: Model, dom: Dom) {
  const isOpen = new Map<string, boolean>();
  const URGENCY = ['exposed', 'needs-optin', 'denied', 'unreachable', 'allowed', 'unknown', 'known', ''];
  const urgency = ({ verdict }: Change): number => URGENCY.indexOf(model.verdictName(verdict));

  /** The groups in the order of the list; the first that takes a change has it. */
  type Group = { readonly title: string; readonly isCalm?: true; readonly takes: (change: Change) => boolean };
  const GROUPS: readonly Group[] = [
    { title: 'Became configurable', takes: ({ from, to }) => !model.isConfigurable(from) && model.isConfigurable(to) },
    { title: 'Became fixed-1', takes: ({ from, to }) => from !== to && model.className(to) === 'fixed-1' },
    {
      title: 'No longer configurable',
      takes: ({ from, to }) => model.isConfigurable(from) && !model.isConfigurable(to),
    },
    { title: 'Configurable in another way', takes: ({ from, to }) => from !== to && model.isConfigurable(to) },
    { title: 'Became native', isCalm: true, takes: ({ from, to }) => from !== to && model.className(to) === 'native' },
    {
      title: 'Became fixed-0',
      isCalm: true,
      takes: ({ from, to }) => from !== to && model.className(to) === 'fixed-0',
    },
    { title: 'Left the table, or #VE', isCalm: true, takes: ({ from, to }) => from !== to },
    { title: 'Gates changed', takes: () => true },
  ];

  const bitsOf = ({ row, bits }: Change): string =>
    `${model.place(row)}${bits.length === 32 ? '[31:0]' : formatBits(bits.reduce((mask, bit) => mask + bitMask(bit), 0))}`;
  const badge = (change: Change): Node => {
    const word = data.verdicts[change.verdict];
    if (word === undefined) return dom.span('none', 'no say');
    return dom.el(
      'span',
      { class: `badge v-${word.name}`, title: word.says },
      dom.span('sign', word.sign),
      ` ${word.name}`,
    );
  };
  /** Gates without their names, which the story gives: the list is narrow. */
  const short = (gates: string): string => gates.replace(/ \([^)]*\)/g, '') || 'none';
  const classParts = (change: Change): readonly (Node | string)[] => {
    const now = dom.span('cls', model.className(change.to));
    if (change.from !== change.to) {
      const gates = change.gatesTo === '' ? [] : [dom.span('gate', `gated by ${short(change.gatesTo)}`)];
      return [dom.span('cls', model.className(change.from)), ' → ', now, ...gates];
    }
    return [now, dom.span('gate', `gates: ${short(change.gatesFrom)} → ${short(change.gatesTo)}`)];
  };
  const rowOf = (change: Change, open: (cell: Cell) => void): HTMLElement => {
    const place = dom.el('button', { type: 'button', class: 'bit' }, bitsOf(change));
    place.addEventListener('click', () => open({ row: change.row, bit: change.bits[0] ?? 0 }));
    const host = model.hostText(change.hosts);
    const isClobber = change.hosts.some((index) => data.hosts[index]?.kind === 'clobber');
    return dom.el(
      'tr',
      {},
      dom.el(
        'th',
        { scope: 'row' },
        place,
        change.name === '' ? dom.span('none', 'no name') : dom.span('name', change.name),
      ),
      dom.el('td', {}, ...classParts(change)),
      dom.el('td', {}, badge(change)),
      dom.el('td', {}, host === '' ? dom.span('none', 'not examined') : dom.span(isClobber ? 'clobber' : 'help', host)),
    );
  };

  const countOf = (changes: readonly Change[]): number => changes.reduce((sum, { bits }) => sum + bits.length, 0);
  const bitsText = (count: number): string => `${count} ${count === 1 ? 'bit' : 'bits'}`;

  const tableOf = (
    title: string,
    changes: readonly Change[],
    selection: Selection,
    open: (cell: Cell) => void,
  ): HTMLElement => {
    const heads = ['Bit', 'Class', `KVM ${model.policyName(selection.kvm)}`, 'Host state'];
    const caption = `${title}, ${model.releaseName(selection.from)} to ${model.releaseName(selection.to)}`;
    const sorted = [...changes].sort((a, b) => urgency(a) - urgency(b));
    const table = dom.el(
      'table',
      { class: 'changes' },
      dom.el('caption', { class: 'hidden' }, caption),
      dom.el('thead', {}, dom.el('tr', {}, ...heads.map((head) => dom.el('th', { scope: 'col' }, head)))),
      dom.el('tbody', {}, ...sorted.map((change) => rowOf(change, open))),
    );
    return dom.el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `${title}: table` }, table);
  };
  /** A group that asks for nothing is closed at first, and its table made when it is opened. */
  const groupOf = (
    { title, isCalm }: Group,
    changes: readonly Change[],
    selection: Selection,
    open: (cell: Cell) => void,
  ): HTMLElement => {
    const summary = dom.el('summary', {}, dom.el('h3', {}, title), dom.span('count', bitsText(countOf(changes))));
    const details = dom.el('details', { open: isOpen.get(title) ?? isCalm !== true }, summary);
    const fill = (): void => {
      if (details.open && details.childElementCount === 1) details.append(tableOf(title, changes, selection, open));
    };
    fill();
    details.addEventListener('toggle', () => {
      isOpen.set(title, details.open);
      fill();
    });
    return details;
  };

  /** `116 exposed, 2 denied`, in the order of urgency. */
  const verdictCounts = (changes: readonly Change[]): string =>
    URGENCY.flatMap((name) => {
      const count = countOf(changes.filter(({ verdict }) => model.verdictName(verdict) === name));
      return count === 0 ? [] : [`${count} ${name === '' ? 'without a verdict' : name}`];
    }).join(', ');

  const summaryOf = (changes: readonly Change[], selection: Selection): string => {
    const [from, to] = [model.releaseName(selection.from), model.releaseName(selection.to)];
    if (selection.from === selection.to) return `Choose two different releases: both are ${to}.`;
    if (changes.length === 0) return `${to} and ${from} treat every bit alike.`;
    const gained = changes.filter((change) => GROUPS[0]?.takes(change));
    const kvm = selection.kvm < 0 ? '' : ` under KVM ${model.policyName(selection.kvm)}: ${verdictCounts(gained)}`;
    const rest = `${bitsText(countOf(changes))} changed in all.`;
    if (gained.length === 0) return `${to} makes no bit configurable that ${from} did not offer. ${rest}`;
    return `${to} makes ${bitsText(countOf(gained))} configurable that ${from} did not offer;${kvm}. ${rest}`;
  };

  /** What each verdict on the bits that became configurable means. */
  const meaningsOf = (changes: readonly Change[]): readonly HTMLElement[] => {
    const gained = changes.filter((change) => GROUPS[0]?.takes(change));
    return [...gained]
      .sort((a, b) => urgency(a) - urgency(b))
      .filter(({ verdict }, index, sorted) => verdict >= 0 && sorted[index - 1]?.verdict !== verdict)
      .map((change) => dom.el('li', {}, badge(change), ` ${data.verdicts[change.verdict]?.says ?? ''}`));
  };

  /** Shows the changes that the filter lets through, and a sentence on all of them. */
  const show = (
    changes: readonly Change[],
    selection: Selection,
    matches: (row: number, bit: number) => boolean,
    open: (cell: Cell) => void,
  ): void => {
    dom.byId('summary').textContent = summaryOf(changes, selection);
    dom.byId('meaning').replaceChildren(...meaningsOf(changes));
    const shown = changes
      .map((change) => ({ ...change, bits: change.bits.filter((bit) => matches(change.row, bit)) }))
      .filter(({ bits }) => bits.length > 0);
    const groups = GROUPS.map((group, index) => ({
      group,
      own: shown.filter((change) => GROUPS.findIndex(({ takes }) => takes(change)) === index),
    })).filter(({ own }) => own.length > 0);
    const list = groups.map(({ group, own }) => groupOf(group, own, selection, open));
    const empty = dom.el(
      'p',
      {},
      changes.length === 0 ? 'Nothing to list.' : 'No changed bit passes the filter below.',
    );
    dom.byId('changes').replaceChildren(...(list.length === 0 ? [empty] : list));
  };
  return { show };
}
