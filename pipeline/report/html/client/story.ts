import type { Cell, Dom, Model, Selection } from './types.ts';

type Parts = {
  readonly classes: (cell: Cell) => HTMLElement;
  readonly verdicts: (cell: Cell) => readonly HTMLElement[];
  readonly hosts: (cell: Cell, selection: Selection) => readonly HTMLElement[];
  readonly discussions: (cell: Cell) => readonly HTMLElement[];
};

/** A bit's story, shown in place of the list of changes. */
// biome-ignore lint/complexity/useMaxParams: the parts of the page that it is made of.
export function createStory(
  model: Model,
  dom: Dom,
  parts: Parts,
  findings: { readonly ofBit: (cell: Cell) => readonly HTMLElement[] },
  close: () => void,
) {
  const section = (title: string, children: readonly HTMLElement[]): HTMLElement =>
    dom.el('section', {}, dom.el('h3', {}, title), ...children);

  const leadOf = ({ row, bit }: Cell, { from, to, kvm }: Selection): string => {
    const [before, after] = [model.classOf(row, from, bit), model.classOf(row, to, bit)];
    const verdict = model.verdictOf(row, kvm, to, bit);
    const change =
      before === after
        ? `${model.className(after)} in ${model.releaseName(from)} and ${model.releaseName(to)}`
        : `${model.className(before)} in ${model.releaseName(from)}, ${model.className(after)} in ${model.releaseName(to)}`;
    if (kvm < 0) return `${change}.`;
    return `${change}; KVM ${model.policyName(kvm)}: ${verdict < 0 ? 'no say' : model.verdictName(verdict)}.`;
  };

  /** Fills and shows the story of a cell; the list comes back where there is none. */
  const show = (selection: Selection): void => {
    const story = dom.byId('story');
    const { cell } = selection;
    story.hidden = cell === null;
    dom.byId('changes').hidden = cell !== null;
    if (cell === null) return;
    const name = model.nameOf(cell.row, cell.bit);
    const text = `${model.place(cell.row)}[${cell.bit}]`;
    const button = dom.el('button', { type: 'button', class: 'close' }, 'Back to the list (Esc)');
    button.addEventListener('click', close);
    story.replaceChildren(
      button,
      dom.el(
        'h2',
        { id: 'story-title', tabindex: -1 },
        `${text} `,
        name === '' ? dom.span('none', 'no kernel name') : dom.span('name', name),
      ),
      dom.el('p', { class: 'lead' }, leadOf(cell, selection)),
      section('Class', [parts.classes(cell)]),
      section('KVM', parts.verdicts(cell)),
      section('Host state', parts.hosts(cell, selection)),
      section('Findings', findings.ofBit(cell)),
      section('Discussions', parts.discussions(cell)),
      dom.el('p', { class: 'source' }, `The same on the command line: bitwatch explain '${text}'`),
    );
  };
  const focus = (): void => dom.byId('story-title').focus();
  return { show, focus };
}
